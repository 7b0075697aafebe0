import { HebbError } from "../engine/errors.js";
import { mul } from "../engine/primitives/elementwise.js";
import { cast } from "../engine/primitives/structure.js";
import { bernoulli, type Key } from "../engine/random/keys.js";
import type { Tensor } from "../engine/tensor.js";

/**
 * Zero with probability `rate`, else divided by 1 - rate, with one choice for each place of `shape`, which broadcasts.
 */
function drop(operation: string, key: Key, x: Tensor, rate: number, shape: readonly number[]): Tensor {
  if (!(rate >= 0 && rate < 1)) throw new HebbError(`${operation}: the rate must be in [0, 1), got ${rate}.`);
  if (rate === 0) return x;
  const kept = cast(bernoulli(key, 1 - rate, shape), x.dtype);
  return mul(x, mul(kept, 1 / (1 - rate)));
}

/**
 * Each value is zero with probability `rate`, else divided by 1 - rate (Srivastava et al., 2014). For training only;
 * leave it out to evaluate. Throws `HebbError` unless 0 <= rate < 1.
 */
export const dropout = (key: Key, x: Tensor, rate: number): Tensor => drop("dropout", key, x, rate, x.shape);

/** Dropout of whole channels of [N, C, ...spatial] (Tompson et al., 2015). Throws `HebbError` unless 0 <= rate < 1. */
export const spatialDropout = (key: Key, x: Tensor, rate: number): Tensor =>
  drop("spatialDropout", key, x, rate, [...x.shape.slice(0, 2), ...new Array(x.rank - 2).fill(1)]);

/**
 * Dropout of whole examples of [N, ...]: around what a block adds to its input, this is stochastic depth (Huang et al.,
 * 2016). Throws `HebbError` unless 0 <= rate < 1.
 */
export const dropPath = (key: Key, x: Tensor, rate: number): Tensor =>
  drop("dropPath", key, x, rate, [x.shape[0], ...new Array(x.rank - 1).fill(1)]);
