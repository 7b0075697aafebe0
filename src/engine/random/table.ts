import { add, div, floor, lessEqual, mul } from "../primitives/elementwise.js";
import { gather } from "../primitives/indexing.js";
import { cumsum } from "../primitives/reduce.js";
import { arange, broadcastTo, cast, flatten, pad, reshape, zeros } from "../primitives/structure.js";
import { sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { exactSum } from "./exact.js";
import { type Key, openUniform } from "./keys.js";

/**
 * Indices drawn with probabilities proportional to `weights` [...rows, n] (float64), one row of weights for each draw:
 * `rows` broadcasts to `shape`. A uniform number is looked up in the running totals by bisection.
 */
export function drawByWeight(k: Key, weights: Tensor, shape: readonly number[]): Tensor {
  const rows = weights.shape.slice(0, -1);
  const n = weights.shape[weights.rank - 1];
  const size = 2 ** Math.ceil(Math.log2(n));
  const none = rows.map(() => 0);
  // Probabilities to the nearest multiple of 2^-51, counted in these: whole numbers, whose sums are exact in any order, so
  // that totals never fall and what has weight 0 is never drawn.
  const counts = floor(add(mul(div(weights, exactSum(weights)), 2 ** 51), 0.5));
  const totals = flatten(cumsum(pad(counts, [...none, 0], [...none, size - n]), -1));
  const row = mul(broadcastTo(reshape(arange(sizeOf(rows)), rows), shape), size);
  // Less than the last total, also after rounding, since u is at most 1 - 2^-53.
  const goal = mul(openUniform(k, shape, "float64"), gather(totals, add(row, size - 1)));
  let index = zeros(shape, "int32");
  for (let step = size / 2; step >= 1; step /= 2) {
    const passed = lessEqual(gather(totals, add(add(row, index), step - 1)), goal);
    index = add(index, mul(cast(passed, "int32"), step));
  }
  return index;
}
