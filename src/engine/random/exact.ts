import { abs, add, div, equal, floor, less, mul, neg, sub, where } from "../primitives/elementwise.js";
import { cast } from "../primitives/structure.js";
import type { Tensor } from "../tensor.js";

// Every build of the runtime rounds its logarithm and its cosine in its own way. These are made of operations that IEEE
// arithmetic determines to the last bit, so that the same key gives the same numbers on every backend.

/** The sum of coefficient(k) x^k for k below `count`, by Horner's rule. */
function series(x: Tensor, count: number, coefficient: (k: number) => number): Tensor {
  let sum = add(mul(x, coefficient(count - 1)), coefficient(count - 2));
  for (let k = count - 3; k >= 0; k--) sum = add(mul(sum, x), coefficient(k));
  return sum;
}

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
  const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
  const c = series(square, count, (k) => (-1) ** k / factorial(2 * k));
  const s = mul(
    x,
    series(square, count, (k) => (-1) ** k / factorial(2 * k + 1)),
  );
  const odd = equal(abs(sub(q, 2)), 1);
  const sign = sub(1, mul(cast(less(abs(sub(q, 2.5)), 1), u.dtype), 2));
  return { cos: mul(sign, where(odd, neg(s), c)), sin: mul(sign, where(odd, c, s)) };
}
