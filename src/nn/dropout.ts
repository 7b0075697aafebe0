import { HebbError } from "../engine/errors.js";
import { mul } from "../engine/primitives/elementwise.js";
import { cast } from "../engine/primitives/structure.js";
import { bernoulli, type Key } from "../engine/random/keys.js";
import type { Tensor } from "../engine/tensor.js";

/**
 * Each value is zero with probability `rate`, else divided by 1 - rate (Srivastava et al., 2014). For training only;
 * leave it out to evaluate. Throws `HebbError` unless 0 <= rate < 1.
 */
export function dropout(key: Key, x: Tensor, rate: number): Tensor {
  if (!(rate >= 0 && rate < 1)) throw new HebbError(`dropout: the rate must be in [0, 1), got ${rate}.`);
  if (rate === 0) return x;
  const kept = cast(bernoulli(key, 1 - rate, x.shape), x.dtype);
  return mul(x, mul(kept, 1 / (1 - rate)));
}
