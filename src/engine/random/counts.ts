import { HebbError } from "../errors.js";
import { add, div, equal, floor, less, maximum, minimum, mul, sqrt, sub, where } from "../primitives/elementwise.js";
import { arange, broadcastTo, cast, expandDims } from "../primitives/structure.js";
import { type Operand, Tensor } from "../tensor.js";
import { checkDraw, checkProbability, parameter } from "./check.js";
import { exactProducts } from "./exact.js";
import type { Key } from "./keys.js";
import { drawByWeight } from "./table.js";

// Both distributions are tabulated from nine standard deviations and 20 below the mean to as much above it, beyond which
// there is less than 1e-16 of the probability, and the table is inverted. Neighbouring probabilities have simple ratios, so
// that no logarithm or factorial is needed: their products are right to about 1e-13, and the table to 2^-52 besides.

const reachOf = (variance: number): number => Math.ceil(9 * Math.sqrt(variance) + 20);

/** Counts whose probabilities have the given ratios p(count) / p(count - 1). `most` bounds the variance. */
function drawCounts(
  k: Key,
  { mean, variance, most }: { mean: Tensor; variance: Tensor; most: number },
  ratio: (count: Tensor) => Tensor,
  shape: readonly number[],
): Tensor {
  const first = maximum(floor(sub(mean, add(mul(sqrt(variance), 9), 20))), 0);
  const offset = arange(2 * reachOf(most) + 1, "float64");
  const ratios = where(equal(offset, 0), 1, ratio(add(expandDims(first, -1), offset)));
  const index = drawByWeight(k, exactProducts(ratios), shape);
  return add(broadcastTo(cast(first, "int32"), shape), index);
}

const most = 1e6;

/**
 * Poisson counts (int32) of the given rate, by inversion of the distribution function: rates from 0 to 10^6. For a tensor
 * of rates, whose values are known only later, `largest` says how large they may be (default 100); beyond it the upper
 * tail is cut off. The memory grows with sqrt(largest) for each rate. Throws `HebbError` for a rate out of range.
 */
export function poisson(
  k: Key,
  rate: Operand,
  shape: readonly number[],
  { largest = 100 }: { largest?: number } = {},
): Tensor {
  checkDraw("poisson", k, shape);
  const bound = rate instanceof Tensor ? largest : Number(rate);
  if (!(bound >= 0 && bound <= most)) throw new HebbError(`poisson: rates lie between 0 and 10^6, got ${bound}.`);
  const mean = parameter("poisson", rate, shape);
  return drawCounts(k, { mean, variance: mean, most: bound }, (count) => div(expandDims(mean, -1), count), shape);
}

/**
 * Numbers of successes (int32) in `n` trials that each succeed with probability `p`, by inversion of the distribution
 * function: n from 0 to 10^6. The memory grows with sqrt(n) for each p. Throws `HebbError` for an n or p out of range.
 */
export function binomial(k: Key, n: number, p: Operand, shape: readonly number[]): Tensor {
  checkDraw("binomial", k, shape);
  if (!Number.isInteger(n) || n < 0 || n > most)
    throw new HebbError(`binomial: n must be a whole number from 0 to 10^6, got ${n}.`);
  checkProbability("binomial", p);
  const success = parameter("binomial", p, shape);
  // The rarer of success and failure is counted.
  const rare = minimum(success, sub(1, success));
  const mean = mul(rare, n);
  const odds = expandDims(div(rare, sub(1, rare)), -1);
  const ratio = (count: Tensor) => mul(div(maximum(sub(n + 1, count), 0), count), odds);
  const drawn = drawCounts(k, { mean, variance: mul(mean, sub(1, rare)), most: n / 4 }, ratio, shape);
  return where(broadcastTo(less(0.5, success), shape), sub(n, drawn), drawn);
}
