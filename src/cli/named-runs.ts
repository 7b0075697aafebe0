import { resolve } from "node:path";
import type { RunFolder, RunStore } from "../lab/store.js";

/**
 * The runs that were named on a command line: by id, or by a path as seen from `cwd`. One after the other, so that the first
 * of several that do not exist is the one named in the error.
 */
export async function openNamed(store: RunStore, names: readonly string[], cwd: string): Promise<RunFolder[]> {
  const folders: RunFolder[] = [];
  for (const name of names) folders.push(await store.open(name.includes("/") ? resolve(cwd, name) : name));
  return folders;
}
