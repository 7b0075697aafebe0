import { diag } from "../composites/matrices.js";
import type { Spec } from "../core.js";
import { abs, add, div, lessEqual, mul, sub, where } from "../primitives/elementwise.js";
import { matmul } from "../primitives/matmul.js";
import { max } from "../primitives/reduce.js";
import { expandDims, stopGradient } from "../primitives/structure.js";
import type { Tensor } from "../tensor.js";
import { symmetrise } from "./cholesky.js";
import { symmetricEigen } from "./host/eigh.js";
import { epsilonOf, matrixPrimitive, squareSize } from "./primitive.js";

export const eighPrimitive = matrixPrimitive({
  name: "eigh",
  infer([a]): readonly Spec[] {
    squareSize("eigh", a);
    return [{ shape: a.shape.slice(0, -1), dtype: a.dtype }, a];
  },
  async compute([a], _attrs, product) {
    const { values, vectors } = await symmetricEigen(a, product);
    return [values, vectors.data];
  },
  // V (diag(gw) + F * V' gV) V', with F[i][j] = 1 / (w_j - w_i).
  grad([gw, gv], { outputs: [w, v] }) {
    const terms: Tensor[] = [];
    if (gw) terms.push(diag(gw));
    if (gv) terms.push(mul(inverseGaps(w), matmul(v, gv, { transposeA: true })));
    return [symmetrise(matmul(matmul(v, terms.reduce(add)), v, { transposeB: true }))];
  },
});

/** Element [i][j] is 1 / (w_j - w_i), and 0 where the two are equal up to rounding. */
export function inverseGaps(w: Tensor): Tensor {
  const gaps = sub(expandDims(w, -2), expandDims(w, -1));
  return inverseAbove(gaps, expandDims(negligible(w), -1));
}

/** What rounding may change in the values of an n by n matrix: n epsilon times the largest, with a last axis of one. */
export const negligible = (w: Tensor): Tensor =>
  stopGradient(mul(max(abs(w), -1, { keepDims: true }), w.shape[w.rank - 1] * epsilonOf(w.dtype)));

/** 1 / x, and 0 where |x| is not above the bound. */
export function inverseAbove(x: Tensor, bound: Tensor): Tensor {
  const isSmall = lessEqual(abs(x), bound);
  return where(isSmall, 0, div(1, where(isSmall, 1, x)));
}

export interface Eigendecomposition {
  /** In ascending order, [..., n]. */
  readonly values: Tensor;
  /** Orthonormal columns, [..., n, n]. */
  readonly vectors: Tensor;
}

/**
 * Eigenvalues and eigenvectors of symmetric matrices [..., n, n]: a = V diag(w) V'. Of a matrix that is not symmetric,
 * the symmetric part (a + a') / 2 is taken. In each vector the first element of at least half the largest size is positive.
 *
 * Householder tridiagonalisation, then divide and conquer (Cuppen 1981; Gu and Eisenstat 1995). Errors are of the size
 * of rounding, relative to the largest eigenvalue. In gradients, terms with 1 / (w_j - w_i) are left out where the two
 * values are equal up to rounding: right for functions that do not depend on the choice of vectors there.
 */
export function eigh(a: Tensor): Eigendecomposition {
  const [values, vectors] = eighPrimitive.apply([a], {});
  return { values, vectors };
}

/** Eigenvalues of symmetric matrices [..., n, n] in ascending order: [..., n]. */
export const eigvalsh = (a: Tensor): Tensor => eigh(a).values;
