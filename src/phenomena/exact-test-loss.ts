import {
  add,
  arange,
  div,
  equal,
  matmul,
  mul,
  norm,
  type Operand,
  oneHot,
  ones,
  square,
  sub,
  sum,
  type Tensor,
  where,
} from "../engine/index.js";
import { type StudentMoments, studentMoments } from "./poly-regression.js";

/** The test loss of a quadratic student and where it comes from. All are scalars; the three parts add up to `total`. */
export interface PolyTestLoss {
  /** E (f - y)^2 over x ~ N(0, I/D). */
  readonly total: Tensor;
  /** Linear power that the task does not have: `alpha^2 |wbar|^2 / D`. */
  readonly linear: Tensor;
  /** What is missing (or too much) along the task's direction: `3 (alpha eps beta' M beta / |beta|^2 - |beta|^2)^2 / (4 D^2)`. */
  readonly misalignment: Tensor;
  /** The rest: quadratic power in other directions, with its cross term. */
  readonly variance: Tensor;
  /** How much of the learned quadratic form is the task's: `beta' M beta / (|beta|^2 |M|_F)`; 0 where M = 0. */
  readonly alignment: Tensor;
}

/**
 * The exact test loss of the centred, scaled student `alpha (f(W) - f(W0))` on `polyRegressionTask`, without a test set:
 * with wbar and M the changes of the student's moments mean(w_i) and mean(w_i w_i') since W0, and
 * `A = alpha eps M - beta beta'`,
 *
 * `E (f - y)^2 = alpha^2 |wbar|^2 / D + [(tr A)^2 + 2 tr(A^2)] / (4 D^2)`.
 *
 * `W`, `W0` [N, D], `beta` [D]. At W = W0 the loss is 3 |beta|^4 / (4 D^2), and the alignment 0.
 *
 * Source: Kumar et al., "Grokking as the transition from lazy to rich training dynamics", 2024, section 4 (Gaussian
 * fourth moments).
 */
export function exactPolyTestLoss(W: Tensor, W0: Tensor, beta: Tensor, alpha: Operand, eps: Operand): PolyTestLoss {
  const now = studentMoments(W);
  const start = studentMoments(W0);
  const change = { first: sub(now.first, start.first), second: sub(now.second, start.second) };
  return polyTestLossOfMoments(change, beta, alpha, eps);
}

/**
 * The same loss from the change of the moments itself. A linearised student has the change
 * `jvp(studentMoments, [W0], [W - W0])[1]`.
 */
export function polyTestLossOfMoments(
  { first, second }: StudentMoments,
  beta: Tensor,
  alpha: Operand,
  eps: Operand,
): PolyTestLoss {
  const D = beta.shape[0];
  const eye = oneHot(arange(D), D, beta.dtype);
  const power = sum(square(beta));
  const learned = mul(mul(second, alpha), eps);
  const task = mul(beta.reshape(D, 1), beta);
  const A = sub(learned, task);
  const linear = mul(sum(square(mul(first, alpha))), 1 / D);
  // A is symmetric, so tr(A^2) is the sum of its squares.
  const quadratic = mul(add(square(sum(mul(A, eye))), mul(sum(square(A)), 2)), 1 / (4 * D * D));
  const along = sum(mul(matmul(learned, beta), beta));
  const misalignment = mul(square(sub(div(along, power), power)), 3 / (4 * D * D));
  return {
    total: add(linear, quadratic),
    linear,
    misalignment,
    variance: sub(quadratic, misalignment),
    alignment: featureAlignment(second, beta),
  };
}

/**
 * How much of a quadratic form lies along `beta`: `beta' M beta / (|beta|^2 |M|_F)`, for M [D, D]: 1 when M is a
 * multiple of beta beta', 1/sqrt(D) for the identity, 0 where M = 0.
 */
export function featureAlignment(M: Tensor, beta: Tensor): Tensor {
  const along = sum(mul(matmul(M, beta), beta));
  const size = norm(M);
  return div(along, mul(sum(square(beta)), where(equal(size, 0), ones([], size.dtype), size)));
}
