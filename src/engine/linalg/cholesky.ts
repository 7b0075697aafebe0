import { diagonal, tril } from "../composites/matrices.js";
import { add, log, mul } from "../primitives/elementwise.js";
import { matmul } from "../primitives/matmul.js";
import { sum } from "../primitives/reduce.js";
import { swapAxes } from "../primitives/structure.js";
import type { Tensor } from "../tensor.js";
import { choleskyInPlace } from "./host/cholesky.js";
import { symmetricPart } from "./host/matrix.js";
import { matrixPrimitive, squareSize } from "./primitive.js";
import { solveTriangular } from "./triangular.js";

export const choleskyPrimitive = matrixPrimitive({
  name: "cholesky",
  infer([a]) {
    squareSize("cholesky", a);
    return [a];
  },
  async compute([a], _attrs, product) {
    const l = symmetricPart(a);
    await choleskyInPlace(l, product);
    for (let i = 0; i < l.rows; i++) l.data.fill(0, i * l.cols + i + 1, (i + 1) * l.cols);
    return [l.data];
  },
  // The symmetric part of L'^-1 P L^-1, with P the lower triangle of L' g and half its diagonal (Murray 2016).
  grad([g], { outputs: [l] }) {
    const inner = tril(matmul(l, tril(g!), { transposeA: true }));
    const p = mul(add(inner, tril(inner, -1)), 0.5);
    const half = solveTriangular(l, p, { transpose: true });
    return [symmetrise(solveTriangular(l, swapAxes(half, -1, -2), { transpose: true }))];
  },
});

/** (a + a') / 2. */
export const symmetrise = (a: Tensor): Tensor => mul(add(a, swapAxes(a, -1, -2)), 0.5);

/**
 * The Cholesky factor of symmetric positive definite matrices: the lower triangular L with positive diagonal and
 * a = L L'. Of a matrix that is not symmetric, the symmetric part (a + a') / 2 is factored.
 *
 * `a` has shape [..., n, n], as has the result. Throws `ShapeError` when it is not square, `HebbError` when a pivot is
 * not positive or an element not finite. Gradient: I. Murray, "Differentiation of the Cholesky decomposition" (2016).
 */
export const cholesky = (a: Tensor): Tensor => choleskyPrimitive.apply([a], {})[0];

/** The solution x of L L' x = b for a Cholesky factor L [..., n, n]; `b` as in `solve`. */
export const choleskySolve = (l: Tensor, b: Tensor): Tensor =>
  solveTriangular(l, solveTriangular(l, b), { transpose: true });

/** log det a of symmetric positive definite matrices [..., n, n], through `cholesky`: shape [...]. */
export const logdet = (a: Tensor): Tensor => mul(sum(log(diagonal(cholesky(a))), -1), 2);
