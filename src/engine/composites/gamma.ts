import { ShapeError } from "../errors.js";
import {
  abs,
  add,
  cos,
  div,
  equal,
  less,
  log,
  mul,
  neg,
  pow,
  round,
  sin,
  sub,
  where,
} from "../primitives/elementwise.js";
import { horner } from "../primitives/erf.js";
import type { Tensor } from "../tensor.js";
import { log1p } from "./elementary.js";
import { unary } from "./pointwise.js";

// All functions of this family have series in 1/x that are short where x >= 10. Smaller x are moved by the recurrence
// gamma(x + 1) = x gamma(x), and negative ones by reflection.
const shift = 10;
/** The Bernoulli numbers B2, B4, ..., B20. */
const bernoulli = [
  1 / 6,
  -1 / 30,
  1 / 42,
  -1 / 30,
  5 / 66,
  -691 / 2730,
  7 / 6,
  -3617 / 510,
  43867 / 798,
  -174611 / 330,
];

/** The sum of c[k] / x^(2k), without its first factor. */
const inEvenPowers = (coefficients: readonly number[], x: Tensor): Tensor => {
  const inverse = div(1, x);
  return horner([...coefficients].reverse(), mul(inverse, inverse));
};
/** x where the series is short, else x + shift. */
const moved = (x: Tensor): Tensor => where(less(x, shift), add(x, shift), x);
/** The sum of the terms for x, x + 1, ..., x + shift - 1; 0 where x was not moved. */
const overSteps = (x: Tensor, term: (x: Tensor) => Tensor): Tensor =>
  where(less(x, shift), Array.from({ length: shift }, (_, k) => term(add(x, k))).reduce(add), 0);

/** The zeta function minus 1, at whole numbers from 2 on (Euler–Maclaurin). */
function zetaMinusOne(s: number): number {
  let sum = 0;
  for (let n = 2; n < shift; n++) sum += n ** -s;
  const rest = tailCoefficients(s).reduce((total, c, j) => total + c * shift ** -(2 * j), 0);
  return sum + shift ** (1 - s) / (s - 1) + shift ** -s / 2 + shift ** (-s - 1) * rest;
}
/** B2j / (2j)! s (s + 1) ... (s + 2j - 2) for j = 1, 2, ...: what is left of the sum of (x + n)^-s, over x^(-s - 2j + 1). */
function tailCoefficients(s: number): number[] {
  let factor = s / 2;
  return bernoulli.map((b, j) => {
    const out = b * factor;
    const top = 2 * j + 1;
    factor *= ((s + top) * (s + top + 1)) / ((top + 2) * (top + 3));
    return out;
  });
}

const euler = 0.5772156649015329;
/** lgamma(2 + d) / d as a series in d, highest power first: it keeps lgamma exact around its zeros at 1 and 2. */
const nearTwo = [
  1 - euler,
  ...Array.from({ length: 27 }, (_, i) => ((-1) ** i * zetaMinusOne(i + 2)) / (i + 2)),
].reverse();
const stirling = bernoulli.map((b, j) => b / ((2 * j + 2) * (2 * j + 1)));
const logarithmic = bernoulli.map((b, j) => b / (2 * j + 2));

const lgammaPositive = unary(
  "lgamma",
  (x) => {
    // Below the series in 1/x: from 2 + d, |d| <= 1/2, by the recurrence. All its terms have one sign, except around 1.
    const isNear = less(x, shift);
    const t = where(isNear, x, 2);
    const d = sub(t, round(t));
    const steps = sub(round(t), 2);
    const isLow = less(steps, -1.5);
    const factors = Array.from({ length: shift - 2 }, (_, k) => where(less(k, steps), sub(t, k + 1), 1));
    const moved = log(where(isLow, mul(t, add(t, 1)), factors.reduce(mul)));
    const toOne = log1p(where(equal(steps, -1), d, 0));
    const near = sub(add(mul(d, horner(nearTwo, d)), where(isLow, neg(moved), moved)), toOne);
    const z = where(isNear, shift, x);
    const main = add(mul(sub(z, 0.5), sub(log(z), 1)), 0.5 * Math.log(2 * Math.PI) - 0.5);
    return where(isNear, near, add(main, div(inEvenPowers(stirling, z), z)));
  },
  (x) => digammaPositive(x),
);

const digammaPositive: (x: Tensor) => Tensor = unary(
  "digamma",
  (x) => {
    const z = moved(x);
    const inverse = div(1, z);
    const rest = mul(mul(inverse, inverse), inEvenPowers(logarithmic, z));
    const steps = overSteps(x, (t) => div(1, t));
    return sub(sub(log(z), add(mul(inverse, 0.5), rest)), steps);
  },
  (x) => polygamma(1, x),
);

/** For negative x: 1 - x, and pi times the distance to the nearest integer. */
function reflected(x: Tensor): { isNegative: Tensor; mirror: Tensor; turn: Tensor } {
  const isNegative = less(x, 0);
  const inside = where(isNegative, x, -0.5);
  return {
    isNegative,
    mirror: where(isNegative, sub(1, x), x),
    turn: mul(sub(inside, round(inside)), Math.PI),
  };
}

/** log|gamma(x)|; infinite at 0 and at negative integers. */
export function lgamma(x: Tensor): Tensor {
  const { isNegative, mirror, turn } = reflected(x);
  const value = lgammaPositive(mirror);
  return where(isNegative, sub(sub(Math.log(Math.PI), log(abs(sin(turn)))), value), value);
}

/** The derivative of `lgamma`; infinite or NaN at 0 and at negative integers. */
export function digamma(x: Tensor): Tensor {
  const { isNegative, mirror, turn } = reflected(x);
  const value = digammaPositive(mirror);
  return where(isNegative, sub(value, mul(div(cos(turn), sin(turn)), Math.PI)), value);
}

const polygammas = new Map<number, (x: Tensor) => Tensor>();

/**
 * The derivative of order `order` (1, 2, ...) of `digamma`, for x > 0:
 * (-1)^(order + 1) order! times the sum of 1 / (x + n)^(order + 1) over n = 0, 1, 2, ...
 *
 * Throws `ShapeError` for another order. Left of 0 the result is NaN.
 */
export function polygamma(order: number, x: Tensor): Tensor {
  if (!Number.isInteger(order) || order < 1) {
    throw new ShapeError("polygamma", `the order must be a whole number from 1 on, got ${order}; order 0 is digamma`);
  }
  let f = polygammas.get(order);
  if (!f) {
    const s = order + 1;
    let scale = (-1) ** s;
    for (let k = 2; k <= order; k++) scale *= k;
    const tail = tailCoefficients(s);
    f = unary(
      `polygamma${order}`,
      (t) => {
        const z = moved(t);
        const power = pow(z, -order);
        const rest = div(mul(power, inEvenPowers(tail, z)), mul(z, z));
        const zeta = add(add(mul(power, 1 / order), mul(div(power, z), 0.5)), rest);
        const steps = overSteps(t, (u) => pow(u, -s));
        return mul(where(less(t, 0), Number.NaN, add(zeta, steps)), scale);
      },
      (t) => polygamma(order + 1, t),
    );
    polygammas.set(order, f);
  }
  return f(x);
}

/** The derivative of `digamma`, for x > 0. */
export const trigamma = (x: Tensor): Tensor => polygamma(1, x);

/** log of the beta function, lgamma(a) + lgamma(b) - lgamma(a + b), which loses digits when a and b are very unequal. */
export const betaln = (a: Tensor, b: Tensor): Tensor => sub(add(lgamma(a), lgamma(b)), lgamma(add(a, b)));
