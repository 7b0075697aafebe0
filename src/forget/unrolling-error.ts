import {
  add,
  type Feed,
  hvp,
  jit,
  linalg,
  mean,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
  treeLeaves,
  treeMap,
} from "../engine/index.js";
import { applyMask, type WeightMask } from "../nn/index.js";
import type { Labelled, LabelledBatch, UnlearnProblem } from "./problem.js";

export interface UnrollingErrorOptions<P> {
  readonly mask: WeightMask<P>;
  /** The parameters before training. */
  readonly initial: P;
  /** Of the training that made the original. */
  readonly learningRate: number;
  readonly steps: number;
  /** The rows whose mean loss is measured. */
  readonly rows: Labelled;
}

/** A bound up to a constant, and what it is made of. */
export interface UnrollingError {
  readonly bound: number;
  /** ||m ⊙ (theta_t - theta_0)||. */
  readonly distance: number;
  /** The largest eigenvalue, in size, of the Hessian of the mean loss over the living weights. */
  readonly sharpness: number;
}

/**
 * How far unlearning by gradient ascent may end from retraining, up to a constant: the second-order terms that unrolling
 * training leaves out,
 *
 *     learningRate^2 · steps · sigma(m) · ||m ⊙ (theta_t - theta_0)||,
 *
 * which falls as the mask m leaves fewer weights alive. Source: Jia et al., "Model Sparsity Can Simplify Machine
 * Unlearning", 2023, proposition 2.
 */
export async function unrollingErrorBound<P>(
  { params, perExampleLoss }: Required<Pick<UnlearnProblem<P>, "params" | "perExampleLoss">>,
  { mask, initial, learningRate, steps, rows }: UnrollingErrorOptions<P>,
): Promise<UnrollingError> {
  const batch: LabelledBatch = { x: tensor(rows.x), y: tensor(rows.y) };
  // The Hessian of the loss of masked weights is that of the loss with dead rows and columns set to 0.
  const loss = (p: P) => mean(perExampleLoss(applyMask(p, mask), batch));
  const curvature = jit((p: P, v: P) => hvp(loss, p, v), { name: "curvature" });
  const map = (v: P) => curvature(params as Feed<P>, v as Feed<P>) as Promise<P>;
  const { values } = await linalg.topEigenvalues(map, params, 1, { tolerance: 1e-3 });
  const moved = applyMask(treeMap((a: Tensor, b: Tensor) => sub(a, b), params, initial) as P, mask);
  const squares = treeLeaves(moved).map((leaf) => sum(square(leaf)));
  const distance = await sqrt(squares.reduce((a, b) => add(a, b))).item();
  const sharpness = Math.abs(values[0]);
  return { bound: learningRate ** 2 * steps * sharpness * distance, distance, sharpness };
}
