import { valueAndGrad } from "../engine/autodiff.js";
import { type Jitted, jit } from "../engine/jit.js";
import type { Tensor } from "../engine/tensor.js";
import { applyUpdates, type Optimizer } from "../optim/optimizer.js";

/** The outcome of one training step; the loss is that before the step. */
export interface Stepped<P, S> {
  readonly params: P;
  readonly state: S;
  readonly loss: Tensor;
}

/**
 * One step of training, compiled: `(params, state, ...batch) => { params, state, loss }` for a scalar
 * `loss(params, ...batch)`.
 *
 * Parameters and state are donated: after a call only the returned ones may be used. `{ donate: false }` keeps both.
 */
export function trainStep<P, S, B extends unknown[]>(
  loss: (params: P, ...batch: B) => Tensor,
  optimizer: Optimizer<S>,
  { donate = true }: { donate?: boolean } = {},
): Jitted<[params: P, state: S, ...batch: B], Stepped<P, S>> {
  const step = (params: P, state: S, ...batch: B): Stepped<P, S> => {
    const [value, grads] = valueAndGrad((p: P) => loss(p, ...batch))(params);
    const [updates, next] = optimizer.update(grads, state, params);
    return { params: applyUpdates(params, updates), state: next, loss: value };
  };
  return jit(step, { donate: donate ? [0, 1] : [], name: "trainStep" });
}

/** The outcome of one training step of a model with a state of its own, such as running statistics. */
export interface SteppedStateful<P, M, S> extends Stepped<P, S> {
  readonly modelState: M;
}

/**
 * One step of training of a `StatefulModel`, compiled: `(params, modelState, state, ...batch) => { params, modelState,
 * state, loss }` for `loss(params, modelState, ...batch)` that gives a scalar and the model's next state, as its
 * `train` does. Parameters and both states are donated, as by `trainStep`.
 */
export function statefulTrainStep<P, M, S, B extends unknown[]>(
  loss: (params: P, modelState: M, ...batch: B) => readonly [loss: Tensor, modelState: M],
  optimizer: Optimizer<S>,
  { donate = true }: { donate?: boolean } = {},
): Jitted<[params: P, modelState: M, state: S, ...batch: B], SteppedStateful<P, M, S>> {
  const step = (params: P, before: M, state: S, ...batch: B): SteppedStateful<P, M, S> => {
    const run = (p: P) => loss(p, before, ...batch);
    const [[value, modelState], grads] = valueAndGrad(run, { hasAux: true })(params);
    const [updates, next] = optimizer.update(grads, state, params);
    return { params: applyUpdates(params, updates), modelState, state: next, loss: value };
  };
  return jit(step, { donate: donate ? [0, 1, 2] : [], name: "statefulTrainStep" });
}
