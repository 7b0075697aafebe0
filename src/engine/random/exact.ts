import {
  abs,
  add,
  div,
  equal,
  floor,
  less,
  lessEqual,
  maximum,
  mul,
  neg,
  sub,
  where,
} from "../primitives/elementwise.js";
import { cast, concat, full, pad, sliceAxis } from "../primitives/structure.js";
import type { Tensor } from "../tensor.js";

// Every build of the runtime rounds its logarithm and its cosine in its own way, and adds up in its own order. These are
// made of operations that IEEE arithmetic determines to the last bit, so that the same key gives the same numbers on every
// backend.

/** The sum of coefficient(k) x^k for k below `count`, by Horner's rule. */
export function series(x: Tensor, count: number, coefficient: (k: number) => number): Tensor {
  let sum = add(mul(x, coefficient(count - 1)), coefficient(count - 2));
  for (let k = count - 3; k >= 0; k--) sum = add(mul(sum, x), coefficient(k));
  return sum;
}

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));

/** The natural logarithm of numbers in (0, 1], down to 2^-31 in float32 and 2^-63 in float64. */
export function exactLog(x: Tensor): Tensor {
  const double = x.dtype === "float64";
  let m = x;
  let halvings: Tensor | number = 0;
  // Brings m to (1/2, 1], counting the factors of two, ...
  for (const s of double ? [32, 16, 8, 4, 2, 1] : [16, 8, 4, 2, 1]) {
    const low = less(m, 2 ** -s);
    m = where(low, mul(m, 2 ** s), m);
    halvings = add(mul(cast(low, x.dtype), s), halvings);
  }
  // ... and then to [1/sqrt 2, sqrt 2).
  const low = less(m, Math.SQRT1_2);
  m = where(low, mul(m, 2), m);
  halvings = add(cast(low, x.dtype), halvings);
  // log m = 2 artanh f with f = (m - 1) / (m + 1), at most 0.172 in size.
  const f = div(sub(m, 1), add(m, 1));
  const log = mul(
    f,
    series(mul(f, f), double ? 11 : 6, (k) => 2 / (2 * k + 1)),
  );
  return sub(log, mul(halvings, Math.LN2));
}

/** Cosine and sine of 2 pi u, for u in [0, 1). */
export function exactTurn(u: Tensor): { cos: Tensor; sin: Tensor } {
  // The nearest quarter turn q, from 0 to 4, and the rest, within an eighth of a turn.
  const q = floor(add(mul(u, 4), 0.5));
  const x = mul(sub(u, mul(q, 0.25)), 2 * Math.PI);
  const square = mul(x, x);
  const count = u.dtype === "float64" ? 10 : 6;
  const c = series(square, count, (k) => (-1) ** k / factorial(2 * k));
  const s = mul(
    x,
    series(square, count, (k) => (-1) ** k / factorial(2 * k + 1)),
  );
  const odd = equal(abs(sub(q, 2)), 1);
  const sign = sub(1, mul(cast(less(abs(sub(q, 2.5)), 1), u.dtype), 2));
  return { cos: mul(sign, where(odd, neg(s), c)), sin: mul(sign, where(odd, c, s)) };
}

/** exp(x) of float64 numbers x <= 0; 0 below -708, where the numbers of full precision end. */
export function exactExp(x: Tensor): Tensor {
  const finite = maximum(x, -708);
  let halvings = floor(sub(0.5, mul(finite, 1 / Math.LN2)));
  // log 2 in two parts, the first with zeros at its end, so that its products with small integers are exact.
  const rest = add(add(finite, mul(halvings, 0.6931471803691238)), mul(halvings, 1.9082149292705877e-10));
  let power: Tensor = series(rest, 14, (k) => 1 / factorial(k));
  for (const s of [512, 256, 128, 64, 32, 16, 8, 4, 2, 1]) {
    const high = lessEqual(s, halvings);
    power = where(high, mul(power, 2 ** -s), power);
    halvings = where(high, sub(halvings, s), halvings);
  }
  return where(less(x, -708), 0, power);
}

/** The sum of the last axis, kept with size one, by adding its second half to its first until one is left. */
export function exactSum(x: Tensor): Tensor {
  const n = x.shape[x.rank - 1];
  if (n === 1) return x;
  if (n === 0) return full([...x.shape.slice(0, -1), 1], 0, x.dtype);
  const half = Math.ceil(n / 2);
  const none = x.shape.map(() => 0);
  const second = pad(sliceAxis(x, -1, half, n), none, none.with(-1, 2 * half - n));
  return exactSum(add(sliceAxis(x, -1, 0, half), second));
}

/** Running products along the last axis, by doubling (Hillis and Steele, 1986). */
export function exactProducts(x: Tensor): Tensor {
  const n = x.shape[x.rank - 1];
  let out = x;
  for (let s = 1; s < n; s *= 2) {
    const start = full([...x.shape.slice(0, -1), s], 1, x.dtype);
    out = mul(concat([start, sliceAxis(out, -1, 0, n - s)], -1), out);
  }
  return out;
}
