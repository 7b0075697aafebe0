import {
  abs,
  add,
  atan,
  cos,
  div,
  equal,
  exp,
  greater,
  less,
  log,
  maximum,
  minimum,
  mul,
  neg,
  sign,
  sin,
  sqrt,
  sub,
  where,
} from "../primitives/elementwise.js";
import type { Tensor } from "../tensor.js";
import { expm1, log1p } from "./elementary.js";
import { binary, unary } from "./pointwise.js";

/** sqrt(1 - x^2), accurate also near -1 and 1. */
const cathetus = (x: Tensor): Tensor => sqrt(mul(sub(1, x), add(x, 1)));

/** sin(x) / cos(x). */
export const tan = unary(
  "tan",
  (x) => div(sin(x), cos(x)),
  (_x, y) => add(mul(y, y), 1),
);
/** The angle in [-pi/2, pi/2] whose sine is x; NaN outside of [-1, 1]. */
export const asin = unary(
  "asin",
  (x) => atan(div(x, cathetus(x))),
  (x) => div(1, cathetus(x)),
);
/** The angle in [0, pi] whose cosine is x; NaN outside of [-1, 1]. */
export const acos = unary(
  "acos",
  (x) => mul(atan(sqrt(div(sub(1, x), add(x, 1)))), 2),
  (x) => div(-1, cathetus(x)),
);

/** The angle in [-pi, pi] of the point (x, y), seen from the origin; the signs of zeros are not read. */
export const atan2 = binary(
  "atan2",
  (y, x) => {
    const [tall, wide] = [abs(y), abs(x)];
    const long = maximum(tall, wide);
    const steep = atan(div(minimum(tall, wide), where(equal(long, 0), 1, long)));
    const first = where(greater(tall, wide), sub(Math.PI / 2, steep), steep);
    const upper = where(less(x, 0), sub(Math.PI, first), first);
    return where(less(y, 0), neg(upper), upper);
  },
  (y, x) => div(x, add(mul(x, x), mul(y, y))),
  (y, x) => neg(div(y, add(mul(x, x), mul(y, y)))),
);

/** (exp(x) - exp(-x)) / 2. */
export const sinh: (x: Tensor) => Tensor = unary(
  "sinh",
  (x) => mul(sub(expm1(x), expm1(neg(x))), 0.5),
  (x) => cosh(x),
);
/** (exp(x) + exp(-x)) / 2. */
export const cosh: (x: Tensor) => Tensor = unary(
  "cosh",
  (x) => mul(add(exp(x), exp(neg(x))), 0.5),
  (x) => sinh(x),
);

/** Beyond this, 1 is nothing beside x^2, which may overflow. */
const far = 1e9;

/** The inverse of `sinh`: log(x + sqrt(x^2 + 1)). */
export const asinh = unary(
  "asinh",
  (x) => {
    const size = abs(x);
    const isFar = greater(size, far);
    const near = where(isFar, 0, size);
    const squared = mul(near, near);
    const inner = log1p(add(near, div(squared, add(sqrt(add(squared, 1)), 1))));
    return mul(sign(x), where(isFar, add(log(size), Math.LN2), inner));
  },
  (x) => div(1, sqrt(add(mul(x, x), 1))),
);
/** The inverse of `cosh`, at least 0: log(x + sqrt(x^2 - 1)); NaN below 1. */
export const acosh = unary(
  "acosh",
  (x) => {
    const isFar = greater(x, far);
    const t = sub(where(isFar, 1, x), 1);
    const inner = log1p(add(t, sqrt(mul(t, add(t, 2)))));
    return where(isFar, add(log(x), Math.LN2), inner);
  },
  (x) => div(1, mul(sqrt(sub(x, 1)), sqrt(add(x, 1)))),
);
/** The inverse of `tanh`: log((1 + x) / (1 - x)) / 2; NaN outside of [-1, 1]. */
export const atanh = unary(
  "atanh",
  (x) => {
    const size = abs(x);
    return mul(sign(x), mul(log1p(div(mul(size, 2), sub(1, size))), 0.5));
  },
  (x) => div(1, mul(sub(1, x), add(x, 1))),
);
