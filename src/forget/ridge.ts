import {
  add,
  eye,
  gather,
  HebbError,
  linalg,
  matmul,
  mul,
  reshape,
  ShapeError,
  sub,
  swapAxes,
  type Tensor,
  tensor,
} from "../engine/index.js";

/**
 * Ridge regression: the theta [d] that minimises ||X theta - y||^2 + lambda ||theta||^2, that is
 * (X'X + lambda I)^-1 X'y. `x` [n, d] and `y` [n], float64 for accuracy. Throws `ShapeError` when they do not go together,
 * `HebbError` when X'X + lambda I is not positive definite.
 */
export function ridge(x: Tensor, y: Tensor, lambda: number): Tensor {
  checkRows("ridge", x, y);
  return vector(linalg.choleskySolve(factor(x, lambda), matmul(x, column(y), { transposeA: true })));
}

/** What ridge regression comes to without some of its rows. */
export interface LeftOut {
  /** The parameters [d] that training without the rows gives. */
  readonly params: Tensor;
  /** What they predict for all rows [n], those left out among them. */
  readonly outputs: Tensor;
}

/**
 * Ridge regression without the rows F, in closed form from the fit on all rows (`lambda` as in `ridge`):
 *
 *     theta_-F = theta - H^-1 X_F' (I - K)^-1 (y_F - X_F theta),  H = X'X + lambda I,  K = X_F H^-1 X_F'.
 *
 * It is exactly what training on the other rows gives: the retrained model that unlearning is to reach. `rows` are positions
 * in `x` [n, d] and `y` [n]. Throws `HebbError` when there are no rows, one is named twice or is not there.
 */
export function ridgeLeaveOut(x: Tensor, y: Tensor, lambda: number, rows: ArrayLike<number>): LeftOut {
  checkRows("ridgeLeaveOut", x, y);
  const n = x.shape[0];
  const list = Int32Array.from(rows);
  if (list.length === 0) throw new HebbError("ridgeLeaveOut: there are no rows to leave out.");
  if (new Set(list).size < list.length) throw new HebbError("ridgeLeaveOut: a row is named twice.");
  const outside = list.find((row, i) => row < 0 || row >= n || row !== rows[i]);
  if (outside !== undefined) throw new HebbError(`ridgeLeaveOut: there is no row ${outside} among ${n}.`);

  const l = factor(x, lambda);
  const theta = linalg.choleskySolve(l, matmul(x, column(y), { transposeA: true }));
  const at = tensor(list);
  const left = gather(x, at);
  const spread = linalg.choleskySolve(l, swapAxes(left, 0, 1));
  const residuals = sub(gather(column(y), at), matmul(left, theta));
  const kept = sub(eye(list.length, { dtype: x.dtype }), matmul(left, spread));
  const params = sub(theta, matmul(spread, linalg.solve(kept, residuals)));
  return { params: vector(params), outputs: vector(matmul(x, params)) };
}

/** The Cholesky factor of X'X + lambda I. */
const factor = (x: Tensor, lambda: number): Tensor =>
  linalg.cholesky(add(matmul(x, x, { transposeA: true }), mul(eye(x.shape[1], { dtype: x.dtype }), lambda)));

const column = (y: Tensor): Tensor => reshape(y, [y.shape[0], 1]);
const vector = (y: Tensor): Tensor => reshape(y, [y.shape[0]]);

function checkRows(operation: string, x: Tensor, y: Tensor): void {
  if (x.rank !== 2 || y.rank !== 1 || x.shape[0] !== y.shape[0])
    throw new ShapeError(operation, `x must be [n, d] and y [n], got [${x.shape}] and [${y.shape}]`);
}
