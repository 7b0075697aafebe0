import { mean } from "../engine/composites/statistics.js";
import { ShapeError } from "../engine/errors.js";
import { norm } from "../engine/linalg/norms.js";
import { qr } from "../engine/linalg/qr.js";
import { add, div, mul, square, sub } from "../engine/primitives/elementwise.js";
import { matmul } from "../engine/primitives/matmul.js";
import { sum } from "../engine/primitives/reduce.js";
import { cast } from "../engine/primitives/structure.js";
import { show } from "../engine/shape.js";
import type { Tensor } from "../engine/tensor.js";

/**
 * The squared Frechet distance between two sets of features, a [n, d] and b [m, d], taken as normal distributions:
 *
 *     |mean_a - mean_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2))
 *
 * with the sample covariances S (divisors n - 1, m - 1), in float64 on the host; a scalar (Dowson and Landau, 1982; between
 * features of images, Heusel et al., 2017). Throws `ShapeError` unless both have at least two rows of one width.
 */
export function frechetDistance(a: Tensor, b: Tensor): Tensor {
  if (a.rank !== 2 || b.rank !== 2 || a.shape[1] !== b.shape[1] || a.shape[0] < 2 || b.shape[0] < 2)
    throw new ShapeError(
      "frechetDistance",
      `needs [n, d] and [m, d], n and m at least 2, got ${show(a.shape)} and ${show(b.shape)}`,
    );
  const [first, second] = [momentsOf(a), momentsOf(b)];
  // With S = R'R, the square roots of the eigenvalues of S_a S_b are the singular values of R_a R_b'.
  const shared = norm(matmul(first.root, second.root, { transposeB: true }), "nuc");
  const spread = add(sum(square(first.root)), sum(square(second.root)));
  return add(sum(square(sub(first.centre, second.centre))), sub(spread, mul(shared, 2)));
}

/** The mean, and R with R'R the covariance. */
function momentsOf(x: Tensor): { centre: Tensor; root: Tensor } {
  const wide = cast(x, "float64");
  const centre = mean(wide, 0);
  return { centre, root: div(qr(sub(wide, centre)).r, Math.sqrt(x.shape[0] - 1)) };
}
