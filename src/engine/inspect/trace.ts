import { placeholder } from "../core.js";
import { HebbError } from "../errors.js";
import { asData, type Data, isData } from "../feed.js";
import { fromValue, Tensor } from "../tensor.js";
import { flattenTree, treeEntries, unflattenTree } from "../tree.js";

/** The graph of one call of a function, with the names that debugging tools show. */
export interface Trace {
  /** The arguments' tensors, with their paths in the list of arguments. */
  readonly args: readonly (readonly [path: string, tensor: Tensor])[];
  readonly outputs: readonly (readonly [path: string, tensor: Tensor])[];
}

/** Calls `f` as `jit` would. `fill` makes the tensor that stands for an argument; by default a placeholder. */
export function traceCall(
  name: string,
  f: (...args: any[]) => unknown,
  raw: readonly unknown[],
  fill: (data: Data) => Tensor = placeholder,
): Trace {
  const { leaves, def, paths } = flattenTree(raw);
  const given = leaves.map((leaf) => {
    const data = asData(leaf);
    return isData(data) ? fill(data) : data;
  });
  const output = f(...unflattenTree(def, given));
  if (output instanceof Promise)
    throw new HebbError(`${name}: the function is asynchronous; it must build its graph without awaiting.`);
  return {
    args: given.flatMap((g, i) => (g instanceof Tensor ? [[paths[i], g] as const] : [])),
    outputs: treeEntries(output),
  };
}

/** The argument's own value, for tools that compute. */
export const heldBy = (data: Data): Tensor => (data instanceof Tensor ? data : fromValue(data));
