import { isFloat } from "../dtype.js";
import {
  abs,
  add,
  and,
  div,
  equal,
  exp,
  floor,
  greater,
  less,
  lessEqual,
  log,
  maximum,
  minimum,
  mul,
  neg,
  not,
  or,
  pow,
  sigmoid,
  sign,
  sqrt,
  sub,
  where,
} from "../primitives/elementwise.js";
import type { Operand, Tensor } from "../tensor.js";
import { binary, unary } from "./pointwise.js";

/** The smallest integer not below x; its derivative is 0. */
export const ceil = (x: Tensor): Tensor => neg(floor(neg(x)));
/** x without its fraction: rounded towards zero; its derivative is 0. */
export const trunc = (x: Tensor): Tensor => mul(sign(x), floor(abs(x)));

/** x kept between `low` and `high`, either of which may be undefined; at a bound half of the gradient passes. */
export function clip(x: Tensor, low?: Operand, high?: Operand): Tensor {
  const above = low === undefined ? x : maximum(x, low);
  return high === undefined ? above : minimum(above, high);
}

/** 1 / sqrt(x). */
export const rsqrt = (x: Tensor): Tensor => div(1, sqrt(x));
/** 2 to the power x. */
export const exp2 = (x: Tensor): Tensor => pow(2, x);
/** The logarithm to base 2. */
export const log2 = (x: Tensor): Tensor => mul(log(x), Math.LOG2E);
/** The logarithm to base 10. */
export const log10 = (x: Tensor): Tensor => mul(log(x), Math.LOG10E);

/**
 * exp(x) - 1, accurate also for small x. There the rounding error of u = exp(x) cancels in (u - 1) x / log(u)
 * (W. Kahan; see N. Higham, Accuracy and Stability of Numerical Algorithms, 2002, 1.14.1).
 */
export const expm1 = unary(
  "expm1",
  (x) => {
    const isSmall = less(abs(x), 0.5);
    const u = exp(x);
    const near = where(isSmall, u, 2);
    const isTiny = equal(near, 1);
    const corrected = mul(sub(near, 1), div(x, log(where(isTiny, 2, near))));
    return where(isSmall, where(isTiny, x, corrected), sub(u, 1));
  },
  (x) => exp(x),
);

/** log(1 + x), accurate also for small x: the rounding error of u = 1 + x cancels in log(u) x / (u - 1). */
export const log1p = unary(
  "log1p",
  (x) => {
    const u = add(x, 1);
    const rounded = sub(u, 1);
    const isTiny = equal(rounded, 0);
    // x / (u - 1) would be infinity over infinity where x is infinite.
    const ratio = where(equal(rounded, x), 1, div(x, where(isTiny, 1, rounded)));
    return where(isTiny, x, mul(log(u), ratio));
  },
  (x) => div(1, add(x, 1)),
);

/** The real cube root, also of negative numbers; its derivative is infinite at 0. */
export const cbrt = unary(
  "cbrt",
  (x) => {
    const isZero = equal(x, 0);
    const size = where(isZero, 1, abs(x));
    const guess = pow(size, 1 / 3);
    // One Newton step, because 1/3 is not exact; where the guess is infinite there is nothing to improve.
    const step = div(sub(guess, div(size, mul(guess, guess))), 3);
    return mul(sign(x), where(isZero, 0, where(finite(step), sub(guess, step), guess)));
  },
  (_x, y) => div(1 / 3, mul(y, y)),
);

/** sqrt(a^2 + b^2) without overflow; its derivatives are a/y and b/y, and 0 at the origin. */
export const hypot = binary(
  "hypot",
  (a, b) => {
    const size = maximum(abs(a), abs(b));
    const scale = where(and(greater(size, 0), finite(size)), size, 1);
    const [p, q] = [div(a, scale), div(b, scale)];
    return mul(scale, sqrt(add(mul(p, p), mul(q, q))));
  },
  (a, _b, y) => div(a, where(equal(y, 0), 1, y)),
  (_a, b, y) => div(b, where(equal(y, 0), 1, y)),
);

/** x log(y), which is 0 where x is 0 whatever y; its derivatives there are log(y) (0 where y <= 0) and 0. */
export const xlogy = binary(
  "xlogy",
  (x, y) => where(equal(x, 0), 0, mul(x, log(where(equal(x, 0), 1, y)))),
  (x, y) => log(where(and(equal(x, 0), lessEqual(y, 0)), 1, y)),
  (x, y) => div(x, where(equal(x, 0), 1, y)),
);

/** log(p / (1 - p)): the inverse of `sigmoid`. */
export const logit = (p: Tensor): Tensor => sub(log(p), log1p(neg(p)));

/** a - b, and 0 rather than NaN where both are the same infinity. */
const gap = (a: Tensor, b: Tensor): Tensor => {
  const d = sub(a, b);
  return where(notNumber(d), 0, d);
};

/** log(exp(a) + exp(b)), without overflow; -infinity stands for log 0. */
export const logAddExp = binary(
  "logAddExp",
  (a, b) => add(maximum(a, b), log1p(exp(neg(abs(gap(a, b)))))),
  (a, b) => sigmoid(gap(a, b)),
  (a, b) => sigmoid(gap(b, a)),
);

/** Where x is NaN. */
const notNumber = (x: Tensor): Tensor => not(equal(x, x));
/** Where x is neither infinite nor NaN. */
const finite = (x: Tensor): Tensor => (isFloat(x.dtype) ? less(abs(x), Number.POSITIVE_INFINITY) : equal(x, x));
/** Where x is plus or minus infinity. */
const infinite = (x: Tensor): Tensor => not(or(notNumber(x), finite(x)));

export { finite as isFinite, infinite as isInfinite, notNumber as isNaN };

/** The largest finite number of each float dtype. */
const largest: Readonly<Record<string, number>> = {
  float16: 65504,
  float32: 3.4028234663852886e38,
  float64: Number.MAX_VALUE,
};

/**
 * x with NaN replaced by `nan` and infinities by `posInf` and `negInf` (by default the largest finite numbers of the
 * dtype); no gradient flows where something was replaced. Integers have nothing to replace.
 */
export function nanToNum(
  x: Tensor,
  { nan = 0, posInf, negInf }: { nan?: number; posInf?: number; negInf?: number } = {},
): Tensor {
  if (!isFloat(x.dtype)) return x;
  const top = posInf ?? largest[x.dtype];
  const bottom = negInf ?? -largest[x.dtype];
  const inner = where(equal(x, Number.POSITIVE_INFINITY), top, where(equal(x, Number.NEGATIVE_INFINITY), bottom, x));
  return where(notNumber(x), nan, inner);
}
