import { maximum, mul } from "../primitives/elementwise.js";
import { cast, concat, sliceAxis } from "../primitives/structure.js";
import { normalAxis } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { logAddExp } from "./elementary.js";

/** Running results of an associative operation along `axis`, in log2(n) steps, each of which doubles the reach. */
function running(name: string, combine: (a: Tensor, b: Tensor) => Tensor, x: Tensor, axis: number): Tensor {
  const at = normalAxis(name, axis, x.shape);
  const n = x.shape[at];
  let out = x;
  for (let reach = 1; reach < n; reach *= 2) {
    const grown = combine(sliceAxis(out, at, 0, n - reach), sliceAxis(out, at, reach, n));
    out = concat([sliceAxis(out, at, 0, reach), grown], at);
  }
  return out;
}

/** Running products along `axis`; booleans are counted as int32. Its gradient is right also where x is 0. */
export const cumprod = (x: Tensor, axis = -1): Tensor =>
  running("cumprod", mul, x.dtype === "bool" ? cast(x, "int32") : x, axis);
/** The largest value so far along `axis`; ties share the gradient. */
export const cummax = (x: Tensor, axis = -1): Tensor => running("cummax", maximum, x, axis);
/** log of the running sums of exp(x) along `axis`, computed without overflow. */
export const logCumSumExp = (x: Tensor, axis = -1): Tensor => running("logCumSumExp", logAddExp, x, axis);
