import { type Tensor, valueAndGrad } from "../engine/index.js";
import { applyUpdates, type Optimizer } from "../optim/index.js";

/** One step of training as a pure function; `loss` is that before the step. */
export interface Update<P, S, B> {
  init(params: P): S;
  step(params: P, state: S, batch: B): { readonly params: P; readonly state: S; readonly loss: Tensor };
}

/** The step of an optimiser down the gradient of a scalar loss. */
export const gradientUpdate = <P, S, B>(
  loss: (params: P, batch: B) => Tensor,
  optimizer: Optimizer<S>,
): Update<P, S, B> => ({
  init: (params) => optimizer.init(params),
  step(params, before, batch) {
    const [value, grads] = valueAndGrad((p: P) => loss(p, batch))(params);
    const [updates, state] = optimizer.update(grads, before, params);
    return { params: applyUpdates(params, updates), state, loss: value };
  },
});
