import { eye, tril, triu } from "../composites/matrices.js";
import type { Spec } from "../core.js";
import { HebbError } from "../errors.js";
import { add, exp, mul, neg } from "../primitives/elementwise.js";
import { argsort, takeAlongAxis } from "../primitives/indexing.js";
import { matmul } from "../primitives/matmul.js";
import { broadcastTo, expandDims, swapAxes } from "../primitives/structure.js";
import type { Tensor } from "../tensor.js";
import { luInPlace } from "./host/lu.js";
import { copy, type Matrix, matrix, type Product } from "./host/matrix.js";
import { solveTriangularInPlace } from "./host/triangular.js";
import { matrixPrimitive, squareSize } from "./primitive.js";
import { inferSolve, solveTriangular, withColumns } from "./triangular.js";

async function factor(a: Matrix, product: Product) {
  const packed = copy(a);
  return { packed, permutation: await luInPlace(packed, product) };
}

export const luPrimitive = matrixPrimitive({
  name: "lu",
  infer([a]): readonly Spec[] {
    squareSize("lu", a);
    return [a, { shape: a.shape.slice(0, -1), dtype: "int32" }];
  },
  async compute([a], _attrs, product) {
    const { packed, permutation } = await factor(a, product);
    return [packed.data, permutation.rows];
  },
  // With a permuted to L U: L'^-1 (lower(L' gL) + upper(gU U')) U'^-1, whose rows then go back to their places.
  grad([g], { outputs: [packed, rows] }) {
    if (!g) return [undefined];
    const { l, u } = unpack(packed);
    const lower = tril(matmul(l, tril(g, -1), { transposeA: true }), -1);
    const upper = triu(matmul(triu(g), u, { transposeB: true }));
    const left = solveTriangular(l, add(lower, upper), { transpose: true, unitDiagonal: true });
    const both = swapAxes(solveTriangular(u, swapAxes(left, -1, -2), { lower: false }), -1, -2);
    return [takeAlongAxis(both, broadcastTo(expandDims(argsort(rows), -1), both.shape), -2)];
  },
});

const unpack = (packed: Tensor): { l: Tensor; u: Tensor } => ({
  l: add(tril(packed, -1), eye(packed.shape[packed.rank - 1], { dtype: packed.dtype })),
  u: triu(packed),
});

export interface LU {
  /** Row i of l u is row `permutation[i]` of the matrix: int32 [..., n]. */
  readonly permutation: Tensor;
  /** Unit lower triangular, [..., n, n]. */
  readonly l: Tensor;
  /** Upper triangular, [..., n, n]. */
  readonly u: Tensor;
}

/**
 * The LU factorisation of square matrices [..., n, n] with partial pivoting: the permuted rows of `a` are l u. A
 * singular matrix has a zero on the diagonal of u, and no gradient.
 */
export function lu(a: Tensor): LU {
  const [packed, permutation] = luPrimitive.apply([a], {});
  return { permutation, ...unpack(packed) };
}

export const solvePrimitive = matrixPrimitive<{ transpose: boolean }>({
  name: "solve",
  infer: (inputs) => inferSolve("solve", inputs),
  async compute([a, b], { transpose }, product) {
    const { packed, permutation } = await factor(a, product);
    const { data, rows: n } = packed;
    for (let i = 0; i < n; i++)
      if (data[i * n + i] === 0) throw new HebbError(`the matrix is singular: pivot ${i} is 0.`);
    const x = matrix(n, b.cols);
    const row = (m: Matrix, i: number) => m.data.subarray(m.at + i * m.stride, m.at + i * m.stride + m.cols);
    const lower = { lower: true, transpose, unitDiagonal: true };
    const upper = { lower: false, transpose, unitDiagonal: false };
    for (let i = 0; i < n; i++) row(x, i).set(row(b, transpose ? i : permutation.rows[i]));
    await solveTriangularInPlace(packed, x, transpose ? upper : lower, product);
    await solveTriangularInPlace(packed, x, transpose ? lower : upper, product);
    if (!transpose) return [x.data];
    const out = matrix(n, b.cols);
    for (let i = 0; i < n; i++) row(out, permutation.rows[i]).set(row(x, i));
    return [out.data];
  },
  grad([g], { inputs: [a], outputs: [x], attrs: { transpose }, needs }) {
    const gb = solveWith(a, g!, !transpose);
    if (!needs[0]) return [undefined, gb];
    const [left, right] = transpose ? [x, gb] : [gb, x];
    return [neg(matmul(left, right, { transposeB: true })), gb];
  },
});

const solveWith = (a: Tensor, b: Tensor, transpose: boolean): Tensor => solvePrimitive.apply([a, b], { transpose })[0];

/**
 * The solution x of a x = b, by LU factorisation with partial pivoting.
 *
 * `a` has shape [..., n, n]; `b` is a vector [n] or has shape [..., n, k]. Axes before the last two broadcast. Throws
 * `ShapeError` when shapes do not fit, `HebbError` when a pivot is exactly 0.
 */
export const solve = (a: Tensor, b: Tensor): Tensor => withColumns("solve", a, b, (l, r) => solveWith(l, r, false));

/** The inverse of square matrices [..., n, n]; `solve` is faster and more accurate where a product with it is wanted. */
export const inv = (a: Tensor): Tensor => solve(a, eye(squareSize("inv", a), { dtype: a.dtype }));

export const slogdetPrimitive = matrixPrimitive({
  name: "slogdet",
  infer([a]): readonly Spec[] {
    squareSize("slogdet", a);
    const out: Spec = { shape: a.shape.slice(0, -2), dtype: a.dtype };
    return [out, out];
  },
  async compute([a], _attrs, product) {
    const { packed, permutation } = await factor(a, product);
    let { sign } = permutation;
    let log = 0;
    for (let i = 0; i < packed.rows; i++) {
      const pivot = packed.data[i * packed.cols + i];
      sign *= Math.sign(pivot);
      log += Math.log(Math.abs(pivot));
    }
    // Not -0.
    return [[sign || 0], [log]];
  },
  grad([, g], { inputs: [a] }) {
    if (!g) return [undefined];
    const transposedInverse = swapAxes(inv(a), -1, -2);
    return [mul(expandDims(expandDims(g, -1), -1), transposedInverse)];
  },
});

/**
 * The determinant of square matrices [..., n, n] as its sign (0 for a singular matrix) and the logarithm of its size:
 * det a = sign exp(logdet), without overflow. Both have shape [...].
 */
export function slogdet(a: Tensor): { sign: Tensor; logdet: Tensor } {
  const [sign, logdet] = slogdetPrimitive.apply([a], {});
  return { sign, logdet };
}

/** The determinant of square matrices [..., n, n]: shape [...]. Its gradient needs an invertible matrix. */
export function det(a: Tensor): Tensor {
  const { sign, logdet } = slogdet(a);
  return mul(sign, exp(logdet));
}
