import { div, greater, sqrt, square } from "../primitives/elementwise.js";
import { max, min, sum } from "../primitives/reduce.js";
import { cast } from "../primitives/structure.js";
import type { Tensor } from "../tensor.js";
import { cutoff, type RankOptions } from "./least-squares.js";
import { checkMatrix } from "./primitive.js";
import { svdvals } from "./svd.js";

/**
 * A norm of matrices [..., m, n], of shape [...]: "fro" is the root of the sum of squares (Frobenius), "nuc" the sum of
 * singular values (nuclear), 2 the largest singular value (spectral).
 */
export function norm(a: Tensor, kind: "fro" | "nuc" | 2 = "fro"): Tensor {
  checkMatrix("norm", a);
  if (kind === "fro") return sqrt(sum(square(a), [-2, -1]));
  return kind === "nuc" ? sum(svdvals(a), -1) : max(svdvals(a), -1);
}

/** The condition number of matrices [..., m, n], of shape [...]: the largest over the smallest singular value. */
export function cond(a: Tensor): Tensor {
  const s = svdvals(a);
  return div(max(s, -1), min(s, -1));
}

/** The number of singular values that do not count as zero: int32 [...]. */
export function matrixRank(a: Tensor, options: RankOptions = {}): Tensor {
  const s = svdvals(a);
  return sum(cast(greater(s, cutoff(a, s, options)), "int32"), -1);
}
