import { add, and, equal, mul, not } from "../engine/primitives/elementwise.js";
import { sum } from "../engine/primitives/reduce.js";
import { cast } from "../engine/primitives/structure.js";
import type { Tensor } from "../engine/tensor.js";
import { treeLeaves } from "../engine/tree.js";
import type { Optimizer } from "./optimizer.js";
import { firstStep } from "./scalars.js";
import { treeWhere, zerosLike } from "./trees.js";

export interface ApplyIfState<S> {
  readonly inner: S;
  /** Calls so far, float32 scalar. */
  readonly step: Tensor;
  /** Calls at which nothing was done. */
  readonly skipped: Tensor;
}

/**
 * `optimizer` only where a condition (a scalar of bool) holds; elsewhere updates are zero and the optimiser's state
 * stays. The condition sees the number of earlier calls, the gradients and the parameters.
 *
 * `applyIf(sgd({ learningRate: 0.1 }), (_step, grads) => less(globalNorm(grads), 100))` leaves out outliers.
 */
export function applyIf<S>(
  optimizer: Optimizer<S>,
  condition: (step: Tensor, grads: any, params: any) => Tensor,
): Optimizer<ApplyIfState<S>> {
  return {
    init: (params) => ({ inner: optimizer.init(params), step: firstStep(), skipped: firstStep() }),
    update(grads, { inner, step, skipped }, params) {
      const go = condition(step, grads, params);
      const [updates, next] = optimizer.update(grads, inner, params);
      return [
        treeWhere(go, updates, zerosLike(updates)),
        { inner: treeWhere(go, next, inner), step: add(step, 1), skipped: add(skipped, cast(not(go), "float32")) },
      ];
    },
  };
}

/**
 * `optimizer`, but steps with a NaN or an infinity among the gradients are left out, and counted in `state.skipped`:
 * `trainStep(loss, applyIfFinite(adam({ learningRate: 1e-3 })))`.
 */
export const applyIfFinite = <S>(optimizer: Optimizer<S>): Optimizer<ApplyIfState<S>> =>
  applyIf(optimizer, (_step, grads) => allFinite(grads));

/** Whether a tree holds neither NaN nor infinity, a bool scalar: 0 times those is NaN, which equals nothing. */
export const allFinite = (tree: unknown): Tensor =>
  treeLeaves(tree)
    .map((t) => equal(sum(mul(t, 0)), 0))
    .reduce((a, b) => and(a, b));
