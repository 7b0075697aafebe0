import type { NDArray } from "../engine/dtype.js";
import { HebbError } from "../engine/errors.js";
import { isNDArray } from "../engine/tensor.js";
import { parseJson } from "../interop/json.js";
import { isPlainObject, type Json, toJson } from "./json.js";

/** Stands for an array in the JSON part of a value. */
const placeholder = "$array";

/** A value in two parts, as a safetensors file holds it: its arrays, and the rest as JSON text. */
export interface Packed {
  readonly text: string;
  readonly arrays: readonly (readonly [name: string, array: NDArray])[];
}

/**
 * Takes the `NDArray`s out of a tree of plain objects and arrays. `leaf` may claim a value before it is looked into, and
 * keep an array for it. Throws `HebbError` that names the place of what JSON cannot hold.
 */
export function packArrays(
  value: unknown,
  what: string,
  leaf: (value: unknown, keep: (array: NDArray) => Json) => Json | undefined = () => undefined,
): Packed {
  const arrays: [string, NDArray][] = [];
  const keep = (array: NDArray): Json => ({ [placeholder]: arrays.push([String(arrays.length), array]) - 1 });
  const skeleton = toJson(value, what, (node) => {
    const claimed = leaf(node, keep);
    if (claimed !== undefined) return claimed;
    if (isNDArray(node)) return keep(node);
    if (isPlainObject(node) && placeholder in node)
      throw new HebbError(`A ${what} has the reserved key "${placeholder}".`);
    return undefined;
  });
  return { text: JSON.stringify(skeleton), arrays };
}

/**
 * The value that `packArrays` took apart; `leaf` turns what its namesake claimed into what it was. `what` names the file in
 * errors.
 */
export function unpackArrays(
  text: string | undefined,
  arrays: ReadonlyMap<string, NDArray>,
  what: string,
  leaf: (node: Readonly<Record<string, unknown>>, restore: (node: Json) => unknown) => unknown = () => undefined,
): unknown {
  const missing = (): never => {
    throw new HebbError(`${what}: a part is missing.`);
  };
  const restore = (node: Json): unknown => {
    if (Array.isArray(node)) return node.map(restore);
    if (!isPlainObject(node)) return node;
    if (placeholder in node) return arrays.get(String(node[placeholder])) ?? missing();
    const claimed = leaf(node, restore);
    if (claimed !== undefined) return claimed;
    return Object.fromEntries(
      Object.entries(node as Record<string, Json>).map(([name, item]) => [name, restore(item)]),
    );
  };
  return restore(parseJson(text ?? missing(), what) as Json);
}
