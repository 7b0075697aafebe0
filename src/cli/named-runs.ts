import { resolve } from "node:path";
import type { RunFolder, RunStore } from "../lab/store.js";

/** The run that was named on a command line: by id, or by a path as seen from `cwd`. */
export const openNamed = (store: RunStore, name: string, cwd: string): Promise<RunFolder> =>
  store.open(name.includes("/") ? resolve(cwd, name) : name);

/** One after the other, so that the first of several that do not exist is the one named in the error. */
export async function openAllNamed(store: RunStore, names: readonly string[], cwd: string): Promise<RunFolder[]> {
  const folders: RunFolder[] = [];
  for (const name of names) folders.push(await openNamed(store, name, cwd));
  return folders;
}
