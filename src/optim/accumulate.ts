import { HebbError } from "../engine/errors.js";
import { add, equal, mul } from "../engine/primitives/elementwise.js";
import type { Tensor } from "../engine/tensor.js";
import type { Optimizer } from "./optimizer.js";
import { firstStep } from "./scalars.js";
import { mapTree, treeWhere, zerosLike } from "./trees.js";

export interface AccumulateState<S> {
  readonly inner: S;
  /** The sum of the gradients since the last step, a tree like the parameters. */
  readonly sum: unknown;
  /** How many there are, float32 scalar. */
  readonly count: Tensor;
}

/**
 * `optimizer` once in `every` calls, on the mean of their gradients; the updates of the calls between are zero, and
 * schedules count steps, not calls. Batches of any size in little memory: with `every` 8,
 * `trainStep(loss, accumulate(adamW({ learningRate: 1e-3 }), 8))` steps as a batch eight times as large would.
 *
 * Throws `HebbError` when `every` is not a whole number of at least 1.
 */
export function accumulate<S>(optimizer: Optimizer<S>, every: number): Optimizer<AccumulateState<S>> {
  if (!Number.isInteger(every) || every < 1)
    throw new HebbError(`accumulate: the number of calls for a step must be a whole number above 0, got ${every}.`);
  return {
    init: (params) => ({ inner: optimizer.init(params), sum: zerosLike(params), count: firstStep() }),
    update(grads, state, params) {
      const count = add(state.count, 1);
      const sum = mapTree((g, s) => add(s, g), grads, state.sum);
      const full = equal(count, every);
      const mean = mapTree((s) => mul(s, 1 / every), sum);
      const [updates, next] = optimizer.update(mean, state.inner, params);
      return [
        treeWhere(full, updates, zerosLike(updates)),
        {
          inner: treeWhere(full, next, state.inner),
          ...treeWhere(full, { sum: zerosLike(sum), count: firstStep() }, { sum, count }),
        },
      ];
    },
  };
}
