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
