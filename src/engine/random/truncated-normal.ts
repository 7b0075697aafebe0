import { HebbError } from "../errors.js";
import {
  abs,
  add,
  div,
  less,
  lessEqual,
  maximum,
  minimum,
  mul,
  neg,
  sqrt,
  sub,
  where,
} from "../primitives/elementwise.js";
import type { Operand, Tensor } from "../tensor.js";
import { affine, checkDraw, type Options, parameter } from "./check.js";
import { exactExp, exactLog, series } from "./exact.js";
import { type Key, openUniform } from "./keys.js";

/**
 * mean + sd z, with z standard normal given that low <= z <= high: the bounds count standard deviations from the mean,
 * and may be infinite or far out in one tail. The distribution function is inverted in float64, to the last bit the same
 * on every backend. Gradients reach `mean` and `sd`, not the bounds. Throws `HebbError` unless low < high.
 */
export function truncatedNormal(
  k: Key,
  shape: readonly number[],
  {
    low = -2,
    high = 2,
    mean = 0,
    sd = 1,
    dtype = "float32",
  }: Options & { low?: Operand; high?: Operand; mean?: Operand; sd?: Operand } = {},
): Tensor {
  checkDraw("truncatedNormal", k, shape, dtype);
  if (typeof low === "number" && typeof high === "number" && !(low < high))
    throw new HebbError(`truncatedNormal: low must be below high, got ${low} and ${high}.`);
  // Beyond 10^30 there is nothing, and squares are finite.
  const [from, to] = [low, high].map((bound) =>
    maximum(minimum(parameter("truncatedNormal", bound, shape), 1e30), -1e30),
  );
  const z = within(from, to, openUniform(k, shape, "float64"));
  return affine("truncatedNormal", maximum(minimum(z, to), from), mean, sd, dtype);
}

/** The standard normal number below which a share 1 - u of the probability between the bounds lies. */
function within(low: Tensor, high: Tensor, u: Tensor): Tensor {
  // Mirrored so that the interval's middle is not negative: what is small is then the probability of the upper tail.
  const mirrored = less(add(low, high), 0);
  const a = where(mirrored, neg(high), low);
  const b = where(mirrored, neg(low), high);
  const positive = lessEqual(0, a);
  // Both bounds positive: the tail beyond z, as a share of the tail beyond a.
  const start = where(positive, a, 0);
  const gap = mul(mul(sub(b, start), add(b, start)), -0.5);
  const last = mul(exactExp(gap), div(mills(b), mills(start)));
  const share = add(last, mul(u, sub(1, last)));
  // Bounds on both sides of zero: the smaller of the tails beyond z on the right and on the left.
  const [left, right] = [tail(abs(a)), tail(b)];
  const mass = sub(sub(1, left), right);
  const above = add(right, mul(u, mass));
  const below = add(left, mul(sub(1, u), mass));
  const size = add(start, beyond(start, where(positive, share, mul(minimum(above, below), 2))));
  const z = where(positive, size, where(less(below, above), neg(size), size));
  return where(mirrored, neg(z), z);
}

/** P(Z > t), for t >= 0. */
const tail = (t: Tensor): Tensor => mul(mul(exactExp(mul(mul(t, t), -0.5)), mills(t)), 1 / Math.sqrt(2 * Math.PI));

/**
 * The d >= 0 with P(Z > start + d) = share P(Z > start), for start >= 0. The logarithm of a normal tail is concave and
 * lies below -t^2 / 2, so the first guess is too large; three steps of Halley's method then reach float64 accuracy.
 */
function beyond(start: Tensor, share: Tensor): Tensor {
  const goal = exactLog(share);
  const reach = add(start, sqrt(sub(mul(start, start), mul(goal, 2))));
  let d = div(mul(goal, -2), maximum(reach, 1e-300));
  const first = mills(start);
  for (let i = 0; i < 3; i++) {
    const t = add(start, d);
    const ratio = mills(t);
    const off = sub(sub(exactLog(div(ratio, first)), mul(d, add(start, mul(d, 0.5)))), goal);
    const hazard = div(1, ratio);
    d = add(d, div(off, add(hazard, mul(mul(off, sub(hazard, t)), 0.5))));
  }
  return maximum(d, 0);
}

/**
 * Mills' ratio P(Z > t) / density(t), for t >= 0. Times t + 5/4 it is smooth in (t - 5) / (t + 5), and these are the
 * coefficients of its Chebyshev interpolant by powers of that; the relative error is below 5e-16.
 */
function mills(t: Tensor): Tensor {
  const y = div(sub(t, 5), add(t, 5));
  const sum = series(y, coefficients.length, (power) => coefficients[power]);
  return div(sum, add(t, 1.25));
}

const coefficients = [
  1.2050506544707236, -0.31938622931066607, 0.1505169402878062, -0.025614274126372703, -0.03618870599701357,
  0.04683255959472794, -0.032392086275259795, 0.014857511649672622, -0.004063707289683624, 0.0001036761710315195,
  0.00041917651379236494, -0.00013377186478399832, -2.0641705677628963e-5, 2.1913685670266857e-5, -6.002218041190089e-7,
  -3.1247113810272376e-6, 3.702020683128362e-7, 4.6728923631963236e-7, -7.419755724377752e-8, -7.382351000165035e-8,
  1.1213465383628898e-8, 1.0541745888159998e-8, -1.257160736867073e-9, -9.175584041944349e-10, 7.848857421597745e-11,
];
