import type { NDArray } from "../engine/dtype.js";
import { HebbError } from "../engine/errors.js";
import { quote } from "../engine/quote.js";
import { checkName } from "./names.js";
import { readNpy, writeNpy } from "./npy.js";
import { unzip, type ZipOptions, zip } from "./zip.js";

const suffix = ".npy";

/**
 * Reads NumPy's `.npz` format: the arrays of a ZIP archive by name. What a single array may be is said at `readNpy`, and
 * what the archive may be at `ZipOptions`. `what` names the file in errors.
 *
 * Throws `HebbError` when the archive or an array is damaged, or when a file in it is not an array.
 */
export function readNpz(bytes: Uint8Array, what = "npz", options: ZipOptions = {}): Map<string, NDArray> {
  const arrays = new Map<string, NDArray>();
  for (const [file, content] of unzip(bytes, what, options)) {
    checkName(file, what);
    if (!file.endsWith(suffix)) throw new HebbError(`${what}: the file ${quote(file)} in it is not an array.`);
    const name = file.slice(0, -suffix.length);
    arrays.set(name, readNpy(content, `${what}, array ${quote(name)}`));
  }
  return arrays;
}

/** The bytes of a `.npz` file with these arrays; `compress` deflates them. The same arrays give the same bytes. */
export function writeNpz(
  arrays: Iterable<readonly [name: string, array: NDArray]>,
  { compress = false }: { compress?: boolean } = {},
): Uint8Array<ArrayBuffer> {
  const files = new Map<string, Uint8Array>();
  for (const [name, array] of arrays) {
    checkName(name, "npz");
    const file = `${name}${suffix}`;
    if (files.has(file)) throw new HebbError(`npz: the name ${quote(name)} occurs twice.`);
    files.set(file, writeNpy(array));
  }
  return zip(files, { compress });
}
