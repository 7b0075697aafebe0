import { type Look, lookAt } from "../../../src/data/brought.js";
import type { BroughtOptions } from "../../../src/data/brought-names.js";
import { checkSizes } from "../../../src/lab/desk.js";

/** What is in the files; throws one sentence. */
export async function lookAtFiles(files: readonly File[], options: BroughtOptions): Promise<Look> {
  checkSizes(files);
  const read = files.map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) }));
  return lookAt(await Promise.all(read), options);
}
