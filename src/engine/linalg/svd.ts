import { diag } from "../composites/matrices.js";
import type { Spec } from "../core.js";
import { HebbError } from "../errors.js";
import { add, mul, sub } from "../primitives/elementwise.js";
import { matmul } from "../primitives/matmul.js";
import { expandDims, swapAxes } from "../primitives/structure.js";
import type { Tensor } from "../tensor.js";
import { inverseAbove, inverseGaps, negligible } from "./eigh.js";
import { transposed } from "./host/matrix.js";
import { singularValues } from "./host/svd.js";
import { matrixPrimitive } from "./primitive.js";

export const svdPrimitive = matrixPrimitive<{ full: boolean }>({
  name: "svd",
  infer([a], { full }): readonly Spec[] {
    const [m, n] = a.shape.slice(-2);
    const lead = a.shape.slice(0, -2);
    const k = Math.min(m, n);
    return [
      { shape: [...lead, m, full ? m : k], dtype: a.dtype },
      { shape: [...lead, k], dtype: a.dtype },
      { shape: [...lead, full ? n : k, n], dtype: a.dtype },
    ];
  },
  async compute([a], { full }, product) {
    const { u, s, v } = await singularValues(a, full, product);
    return [u.data, s, transposed(v).data];
  },
  // J. Townsend, "Differentiating the singular value decomposition" (2016).
  grad([gu, gs, gvt], { inputs: [a], outputs: [u, s, vt], attrs: { full } }) {
    const [m, n] = a.shape.slice(-2);
    if (full && m !== n && (gu || gvt)) {
      throw new HebbError(
        "svd: the additional vectors of the full decomposition have no gradient; leave out { full }.",
      );
    }
    const row = expandDims(s, -2);
    const gaps = mul(inverseGaps(s), inverseAbove(add(row, expandDims(s, -1)), expandDims(negligible(s), -1)));
    const inverse = expandDims(inverseAbove(s, negligible(s)), -2);
    /** F * (x - x') for x = w' g. */
    const turn = (w: Tensor, g: Tensor) => {
      const inner = matmul(w, g, { transposeA: true });
      return mul(gaps, sub(inner, swapAxes(inner, -1, -2)));
    };
    /** (I - w w') g diag(s)^-1. */
    const outside = (w: Tensor, g: Tensor) => mul(sub(g, matmul(w, matmul(w, g, { transposeA: true }))), inverse);
    const inner: Tensor[] = [];
    const outer: Tensor[] = [];
    if (gs) inner.push(diag(gs));
    if (gu) {
      inner.push(mul(turn(u, gu), row));
      if (m > n) outer.push(matmul(outside(u, gu), vt));
    }
    if (gvt) {
      const [v, gv] = [swapAxes(vt, -1, -2), swapAxes(gvt, -1, -2)];
      inner.push(mul(expandDims(s, -1), turn(v, gv)));
      if (n > m) outer.push(matmul(u, outside(v, gv), { transposeB: true }));
    }
    return [[matmul(matmul(u, inner.reduce(add)), vt), ...outer].reduce(add)];
  },
});

export interface SVD {
  /** Orthonormal columns: [..., m, k], or [..., m, m] with `full`. */
  readonly u: Tensor;
  /** In descending order, not negative: [..., k]. */
  readonly s: Tensor;
  /** Orthonormal rows: [..., k, n], or [..., n, n] with `full`. */
  readonly vt: Tensor;
}

/**
 * The singular value decomposition a = u diag(s) vt of matrices [..., m, n], with k = min(m, n). In each column of u the
 * first element of at least half the largest size is positive.
 *
 * Householder bidiagonalisation, then divide and conquer (Gu and Eisenstat 1995); errors are of the size of rounding,
 * relative to the largest singular value. In gradients, terms with 1 / (s_j - s_i) or 1 / s_i are left out where the
 * denominator is zero up to rounding: right for functions that do not depend on the choice of vectors there.
 */
export function svd(a: Tensor, { full = false }: { full?: boolean } = {}): SVD {
  const [u, s, vt] = svdPrimitive.apply([a], { full });
  return { u, s, vt };
}

/** Singular values of matrices [..., m, n] in descending order: [..., min(m, n)]. */
export const svdvals = (a: Tensor): Tensor => svd(a).s;
