import { ceil } from "../composites/elementary.js";
import { eye } from "../composites/matrices.js";
import { HebbError } from "../errors.js";
import { abs, add, greater, log, maximum, mul, sub, where } from "../primitives/elementwise.js";
import { matmul } from "../primitives/matmul.js";
import { max, sum } from "../primitives/reduce.js";
import { broadcastTo, stopGradient } from "../primitives/structure.js";
import type { Tensor } from "../tensor.js";
import { inv, solve } from "./lu.js";
import { checkMatrix, squareSize } from "./primitive.js";

/** Coefficients of the numerator of the [13/13] Padé approximant to exp. */
const pade = [
  64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600,
  670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
];
/** The largest 1-norm for which that approximant has the accuracy of float64. */
const reach = 5.371920351148152;

/**
 * The exponential of square matrices [..., n, n], by a Padé approximant of a / 2^s and s squarings (Higham 2005).
 *
 * s follows from the 1-norm of each matrix; `maxSquarings` (default 16) products are computed whatever it is, and a
 * matrix that would need more (a norm above 5.37 * 2^maxSquarings) gives NaN.
 */
export function expm(a: Tensor, { maxSquarings = 16 }: { maxSquarings?: number } = {}): Tensor {
  checkMatrix("expm", a);
  const n = squareSize("expm", a);
  const size = stopGradient(max(sum(abs(a), -2, { keepDims: true }), -1, { keepDims: true }));
  const squarings = ceil(mul(log(maximum(mul(size, 1 / reach), 1)), Math.LOG2E));
  const isNeeded = Array.from({ length: maxSquarings }, (_, i) => greater(squarings, i));
  const scaled = isNeeded.reduce((x, needed) => where(needed, mul(x, 0.5), x), a);

  const one = eye(n, { dtype: a.dtype });
  const two = matmul(scaled, scaled);
  const four = matmul(two, two);
  const six = matmul(two, four);
  /** The polynomial in the square of a whose coefficients are pade[i], pade[i + 2], ..., pade[i + 12]. */
  const polynomial = (i: number) => {
    const high = [mul(six, pade[12 + i]), mul(four, pade[10 + i]), mul(two, pade[8 + i])].reduce(add);
    const low = [mul(six, pade[6 + i]), mul(four, pade[4 + i]), mul(two, pade[2 + i]), mul(one, pade[i])].reduce(add);
    return add(matmul(six, high), low);
  };
  const odd = matmul(scaled, polynomial(1));
  const even = polynomial(0);
  const start = solve(sub(even, odd), add(even, odd));
  const out = isNeeded.reduce((x, needed) => where(needed, matmul(x, x), x), start);
  return where(greater(squarings, maxSquarings), Number.NaN, out);
}

/** `a` to an integer power, by repeated squaring; a negative power is one of the inverse. */
export function matrixPower(a: Tensor, exponent: number): Tensor {
  const n = squareSize("matrixPower", a);
  if (!Number.isInteger(exponent)) throw new HebbError(`matrixPower: the exponent ${exponent} is not an integer.`);
  if (exponent < 0) return matrixPower(inv(a), -exponent);
  if (exponent === 0) return broadcastTo(eye(n, { dtype: a.dtype }), a.shape);
  if (exponent === 1) return a;
  const half = matrixPower(a, Math.floor(exponent / 2));
  const square = matmul(half, half);
  return exponent % 2 === 0 ? square : matmul(square, a);
}
