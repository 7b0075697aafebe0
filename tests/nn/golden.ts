import { readFileSync } from "node:fs";
import { realise, type Tensor, tensor, treeEntries } from "../../src/engine/index.js";
import { assertClose } from "../engine/helpers.js";

const isNumbers = (value: unknown): boolean =>
  typeof value === "number" || typeof value === "boolean" || (Array.isArray(value) && isNumbers(value[0]));

/** A JSON value with nested lists of numbers as float64 tensors, and of booleans as bool. */
export function asTensors(value: any): any {
  if (isNumbers(value)) {
    const first = Array.isArray(value) ? value.flat(9)[0] : value;
    return tensor(value, { dtype: typeof first === "boolean" ? "bool" : "float64" });
  }
  if (Array.isArray(value)) return value.map(asTensors);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, asTensors(v)]));
}

/** What a fixture holds. */
export const golden = (name: string): any =>
  asTensors(JSON.parse(readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), "utf8")));

/** Every tensor of `actual` has the shape and the values of that at the same place of `expected`. */
export async function allClose(actual: unknown, expected: unknown, tolerance = 1e-9): Promise<void> {
  const [found, wanted] = [treeEntries(actual), new Map(treeEntries(expected))];
  await realise([...found.map(([, t]) => t), ...wanted.values()]);
  if (found.length !== wanted.size) throw new Error(`${found.length} tensors where ${wanted.size} are expected`);
  for (const [path, t] of found) {
    const other = wanted.get(path);
    if (!other) throw new Error(`nothing is expected at "${path}"`);
    if (`${t.shape}` !== `${other.shape}`) throw new Error(`${path}: shape [${t.shape}] is not [${other.shape}]`);
    const [a, b] = [await t.data(), await other.data()];
    assertClose(Array.from(a, Number), Array.from(b, Number), tolerance, path || "value");
  }
}

/** An integer tensor. */
export const ints = (t: Tensor): Tensor => t.cast("int32");
