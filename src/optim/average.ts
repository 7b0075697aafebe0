import { HebbError } from "../engine/errors.js";
import { add, and, div, equal, floor, greaterEqual, maximum, mul, sub } from "../engine/primitives/elementwise.js";
import type { Tensor } from "../engine/tensor.js";
import { applyUpdates, type Optimizer } from "./optimizer.js";
import { firstStep, inDType, oneMinusPower, perDType } from "./scalars.js";
import { mapTree, movingAverage, treeWhere, zerosLike } from "./trees.js";

/** An average over visited parameters. */
export interface AverageState<P> {
  /** Parameters seen so far, float32 scalar. */
  readonly step: Tensor;
  /** How many of them the average holds. */
  readonly count: Tensor;
  /** A tree like the parameters; `value` reads it. */
  readonly mean: P;
}

/** A way to average parameters along a path, as pure functions of trees. */
export interface Average {
  init<P>(params: P): AverageState<P>;
  /** The next state, once `params` have been visited. */
  update<P>(state: AverageState<P>, params: P): AverageState<P>;
  /** The average so far. */
  value<P>(state: AverageState<P>): P;
}

/**
 * Exponential moving average of parameters (Polyak and Juditsky, 1992): m <- decay m + (1 - decay) p, from the first
 * parameters on. With `debias`, from zero and divided by 1 - decay^t. Throws `HebbError` for a decay outside [0, 1).
 *
 * `trainStep(loss, averaged(adam({ learningRate: 1e-3 }), ema({ decay: 0.999 })))`
 */
export function ema({ decay, debias = false }: { decay: number; debias?: boolean }): Average {
  if (!(decay >= 0 && decay < 1)) throw new HebbError(`ema: the decay must be from 0 to below 1, got ${decay}.`);
  return {
    init: (params) => ({ step: firstStep(), count: firstStep(), mean: debias ? zerosLike(params) : params }),
    update({ step, count, mean }, params) {
      return { step: add(step, 1), count: add(count, 1), mean: movingAverage(decay, mean, params) };
    },
    value({ count, mean }) {
      if (!debias) return mean;
      const weight = perDType((dtype) => oneMinusPower(decay, inDType(maximum(count, 1), dtype)));
      return mapTree((m) => div(m, weight(m.dtype)), mean);
    },
  };
}

/**
 * Stochastic weight averaging (Izmailov et al., 2018): the equal average of every `every`-th visited point, from the
 * visit after `start` on; before that, the parameters at the beginning. Normalisation statistics do not follow the
 * average: recompute them. Throws `HebbError` when `every` is not a whole number of at least 1.
 *
 * `trainStep(loss, averaged(sgd({ learningRate: 0.05 }), swa({ start: 1000, every: 100 })))`
 */
export function swa({ start = 0, every = 1 }: { start?: number; every?: number } = {}): Average {
  if (!Number.isInteger(every) || every < 1)
    throw new HebbError(`swa: \`every\` must be a whole number of at least 1, got ${every}.`);
  return {
    init: (params) => ({ step: firstStep(), count: firstStep(), mean: params }),
    update({ step, count, mean }, params) {
      const since = sub(step, start);
      const take = and(greaterEqual(since, 0), equal(since, mul(floor(div(since, every)), every)));
      const more = add(count, 1);
      const weight = perDType((dtype) => inDType(more, dtype));
      const moved = mapTree((m, p) => add(m, div(sub(p, m), weight(p.dtype))), mean, params);
      const next = treeWhere(take, { count: more, mean: moved }, { count, mean });
      return { step: add(step, 1), ...next };
    },
    value: ({ mean }) => mean,
  };
}

export interface AveragedState<S, P = any> {
  readonly inner: S;
  readonly average: AverageState<P>;
}

/**
 * `optimizer`, whose state also follows an average of the parameters after each step:
 * `const average = ema({ decay: 0.99 }); const optimizer = averaged(sgd({ learningRate: 0.1 }), average)`, and at the
 * end `average.value(state.average)`.
 */
export const averaged = <S>(optimizer: Optimizer<S>, average: Average): Optimizer<AveragedState<S>> => ({
  init: (params) => ({ inner: optimizer.init(params), average: average.init(params) }),
  update(grads, state, params) {
    const [updates, inner] = optimizer.update(grads, state.inner, params);
    return [updates, { inner, average: average.update(state.average, applyUpdates(params, updates)) }];
  },
});
