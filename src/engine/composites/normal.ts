import {
  abs,
  add,
  and,
  div,
  equal,
  exp,
  floor,
  less,
  lessEqual,
  log,
  minimum,
  mul,
  neg,
  sign,
  sqrt,
  sub,
  where,
} from "../primitives/elementwise.js";
import { erfNearZero, isNearZero, ratio, scaledTail } from "../primitives/erf.js";
import type { Tensor } from "../tensor.js";
import { log1p } from "./elementary.js";
import { unary } from "./pointwise.js";

const rootTwoPi = Math.sqrt(2 * Math.PI);
const rootPi = Math.sqrt(Math.PI);

/** exp(-x^2) to full relative accuracy: x is cut after its 1/16ths, whose square is exact. */
function gaussian(x: Tensor): Tensor {
  const coarse = div(floor(mul(x, 16)), 16);
  return mul(exp(neg(mul(coarse, coarse))), exp(neg(mul(sub(x, coarse), add(x, coarse)))));
}

/** 1 - erf(x), to full relative accuracy also where it is tiny. */
export const erfc = unary(
  "erfc",
  (x) => {
    const near = isNearZero(x);
    // Beyond 30 the result is 0 in every dtype; an infinite x would meet itself below.
    const far = minimum(where(near, 1, abs(x)), 30);
    const tail = mul(gaussian(far), scaledTail(far));
    return where(near, sub(1, erfNearZero(where(near, x, 0))), where(less(x, 0), sub(2, tail), tail));
  },
  (x) => mul(exp(neg(mul(x, x))), -2 / rootPi),
);

/** exp(x^2) erfc(x), the scaled complementary error function: about 1 / (x sqrt(pi)) for large x. */
export const erfcx = unary(
  "erfcx",
  (x) => {
    const near = isNearZero(x);
    const tail = scaledTail(where(near, 1, abs(x)));
    // Only on the left is exp(x^2) wanted far out.
    const grown = exp(mul(where(less(x, 0.5), x, 0), x));
    const inner = mul(grown, sub(1, erfNearZero(where(near, x, 0))));
    return where(near, inner, where(less(x, 0), sub(mul(grown, 2), tail), tail));
  },
  (x, y) => sub(mul(mul(x, y), 2), 2 / rootPi),
);

// Rational approximations of the normal quantile by M. J. Wichura, "Algorithm AS 241: the percentage points of the
// normal distribution", Applied Statistics 37 (1988): relative error about 1e-16 on each of three ranges.
const body = {
  p: [
    2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946, 1971.5909503065513,
    133.14166789178438, 3.3871328727963665,
  ],
  q: [
    5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751, 687.1870074920579,
    42.31333070160091, 1,
  ],
};
const shoulder = {
  p: [
    0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
    5.769497221460691, 4.630337846156546, 1.4234371107496835,
  ],
  q: [
    1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
    1.6763848301838038, 2.053191626637759, 1,
  ],
};
const tails = {
  p: [
    2.0103343992922881e-7, 2.7115555687434876e-5, 0.0012426609473880784, 0.026532189526576124, 0.29656057182850487,
    1.7848265399172913, 5.463784911164114, 6.657904643501103,
  ],
  q: [
    2.0442631033899397e-15, 1.421511758316446e-7, 1.8463183175100548e-5, 0.0007868691311456133, 0.014875361290850615,
    0.1369298809227358, 0.599832206555888, 1,
  ],
};

/** The standard normal quantile of p, given p - 1/2 and min(p, 1 - p), each to full relative accuracy. */
function quantileOf(centre: Tensor, tail: Tensor): Tensor {
  const isCentral = lessEqual(abs(centre), 0.425);
  const c = where(isCentral, centre, 0);
  const inner = mul(c, ratio(body, sub(0.180625, mul(c, c))));
  const isEnd = equal(tail, 0);
  const r = sqrt(neg(log(where(and(isCentral, lessEqual(0, tail)), 0.1, where(isEnd, 0.1, tail)))));
  const isNear = lessEqual(r, 5);
  const outer = where(
    isNear,
    ratio(shoulder, sub(where(isNear, r, 2), 1.6)),
    ratio(tails, sub(where(isNear, 6, r), 5)),
  );
  return where(isCentral, inner, mul(sign(centre), where(isEnd, Number.POSITIVE_INFINITY, outer)));
}

/** The inverse of `erf`: infinite at -1 and 1, NaN beyond. */
export const erfinv = unary(
  "erfinv",
  (y) => mul(quantileOf(mul(y, 0.5), mul(sub(1, abs(y)), 0.5)), Math.SQRT1_2),
  (_y, x) => mul(exp(mul(x, x)), rootPi / 2),
);

/** The standard normal distribution function, to full relative accuracy also in the far left tail. */
export const normalCdf = (x: Tensor): Tensor => mul(erfc(mul(x, -Math.SQRT1_2)), 0.5);

/** The logarithm of the standard normal distribution function; finite and accurate in the far left tail. */
export const logNormalCdf = unary(
  "logNormalCdf",
  (x) => {
    const isLeft = less(x, 0);
    const z = mul(x, -Math.SQRT1_2);
    const out = where(isLeft, z, 0);
    const left = sub(log(mul(erfcx(out), 0.5)), mul(out, out));
    return where(isLeft, left, log1p(mul(erfc(where(isLeft, 0, neg(z))), -0.5)));
  },
  // The density over the distribution function; on the left, both without their common factor exp(-x^2 / 2).
  (x) => {
    const isLeft = less(x, 0);
    const mills = div(Math.sqrt(2 / Math.PI), erfcx(mul(where(isLeft, x, 0), -Math.SQRT1_2)));
    const right = where(isLeft, 0, x);
    return where(isLeft, mills, div(mul(exp(mul(mul(right, right), -0.5)), 1 / rootTwoPi), normalCdf(right)));
  },
);

/** The standard normal quantile, the inverse of `normalCdf`: infinite at 0 and 1, NaN beyond. */
export const normalPpf = unary(
  "normalPpf",
  (p) => quantileOf(sub(p, 0.5), minimum(p, sub(1, p))),
  (_p, x) => mul(exp(mul(mul(x, x), 0.5)), rootTwoPi),
);
