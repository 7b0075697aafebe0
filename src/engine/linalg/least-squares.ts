import { customGradient } from "../autodiff.js";
import { eye } from "../composites/matrices.js";
import { sameDType } from "../core.js";
import { ShapeError } from "../errors.js";
import { add, mul, neg, sub } from "../primitives/elementwise.js";
import { matmul } from "../primitives/matmul.js";
import { max } from "../primitives/reduce.js";
import { expandDims, swapAxes } from "../primitives/structure.js";
import { show } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { inverseAbove } from "./eigh.js";
import { alignLead, checkMatrix, epsilonOf } from "./primitive.js";
import { svd } from "./svd.js";
import { withColumns } from "./triangular.js";

export interface RankOptions {
  /** Singular values up to this share of the largest count as zero. Default: max(m, n) times the dtype's epsilon. */
  readonly rcond?: number;
}

/** The size up to which singular values s [..., k] of `a` count as zero: [..., 1]. */
export const cutoff = (a: Tensor, s: Tensor, { rcond }: RankOptions): Tensor =>
  mul(max(s, -1, { keepDims: true }), rcond ?? Math.max(...a.shape.slice(-2)) * epsilonOf(a.dtype));

/** P b, or P' b, for the pseudo-inverse P of a. */
function project(a: Tensor, b: Tensor, transpose: boolean, options: RankOptions): Tensor {
  const { u, s, vt } = svd(a);
  const inverse = expandDims(inverseAbove(s, cutoff(a, s, options)), -1);
  return transpose
    ? matmul(u, mul(inverse, matmul(vt, b)))
    : matmul(vt, mul(inverse, matmul(u, b, { transposeA: true })), { transposeA: true });
}

/** `project` with the gradient of a pseudo-inverse of constant rank (Golub and Pereyra 1973), which needs no vectors. */
function leastSquares(a: Tensor, b: Tensor, transpose: boolean, options: RankOptions): Tensor {
  const solution = customGradient(
    (m: Tensor, y: Tensor) => project(m, y, transpose, options),
    (g, [m, y], x) => {
      const gy = leastSquares(m, g, !transpose, options);
      const residual = sub(y, matmul(m, x, { transposeA: transpose }));
      const rest = sub(g, matmul(m, gy, { transposeA: !transpose }));
      const outer = (left: Tensor, right: Tensor) => matmul(left, right, { transposeB: true });
      const terms = [
        neg(outer(gy, x)),
        outer(residual, leastSquares(m, gy, transpose, options)),
        outer(leastSquares(m, x, !transpose, options), rest),
      ];
      const gm = terms.reduce(add);
      return [transpose ? swapAxes(gm, -1, -2) : gm, gy];
    },
  );
  return solution(a, b);
}

/**
 * The x of smallest norm among those that minimise |a x - b|, through the singular value decomposition.
 *
 * `a` has shape [..., m, n]; `b` is a vector [m] or has shape [..., m, k], and x is [n] or [..., n, k]. Throws
 * `ShapeError` when shapes do not fit. The gradient is that at constant rank.
 */
export const lstsq = (a: Tensor, b: Tensor, options: RankOptions = {}): Tensor => {
  sameDType("lstsq", [a, b]);
  return withColumns("lstsq", a, b, (m, y) => {
    const [rows, unknowns] = [m.shape[m.rank - 2], y.shape[y.rank - 2]];
    if (rows !== unknowns)
      throw new ShapeError(
        "lstsq",
        `shapes ${show(a.shape)} and ${show(b.shape)} do not fit: ${rows} rows, but ${unknowns} values`,
      );
    return leastSquares(m, y, false, options);
  });
};

/** The Moore–Penrose pseudo-inverse of matrices [..., m, n]: [..., n, m]. The gradient is that at constant rank. */
export function pinv(a: Tensor, options: RankOptions = {}): Tensor {
  checkMatrix("pinv", a);
  const [m, y] = alignLead("pinv", [a, eye(a.shape[a.rank - 2], { dtype: a.dtype })]);
  return leastSquares(m, y, false, options);
}
