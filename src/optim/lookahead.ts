import { HebbError } from "../engine/errors.js";
import { add, equal, mul, sub } from "../engine/primitives/elementwise.js";
import type { Tensor } from "../engine/tensor.js";
import type { Optimizer } from "./optimizer.js";
import { firstStep } from "./scalars.js";
import { mapTree, treeWhere } from "./trees.js";

export interface LookaheadState<S> {
  readonly inner: S;
  /** The slow weights: a tree like the parameters. */
  readonly slow: unknown;
  /** Steps since they moved, float32 scalar. */
  readonly step: Tensor;
}

export interface LookaheadOptions {
  /** Steps of the fast weights for one of the slow ones. Default 5. */
  readonly every?: number;
  /** How far the slow weights go towards the fast ones. Default 0.5. */
  readonly rate?: number;
}

/**
 * k steps forward, one step back (Zhang et al., 2019): the parameters take `every` steps of `optimizer`, then the slow
 * weights move, s <- s + rate (p - s), and the parameters start again from there. The optimiser's state goes on.
 *
 * `trainStep(loss, lookahead(adam({ learningRate: 1e-3 })))`. Throws `HebbError` when `every` is not a whole number of
 * at least 1.
 */
export function lookahead<S>(
  optimizer: Optimizer<S>,
  { every = 5, rate = 0.5 }: LookaheadOptions = {},
): Optimizer<LookaheadState<S>> {
  if (!Number.isInteger(every) || every < 1)
    throw new HebbError(`lookahead: \`every\` must be a whole number of at least 1, got ${every}.`);
  return {
    init: (params) => ({ inner: optimizer.init(params), slow: params, step: firstStep() }),
    update(grads, state, params) {
      const [updates, inner] = optimizer.update(grads, state.inner, params);
      const step = add(state.step, 1);
      const sync = equal(step, every);
      const slow = mapTree((p, u, s) => add(s, mul(sub(add(p, u), s), rate)), params, updates, state.slow);
      const back = mapTree((s, p) => sub(s, p), slow, params);
      return [
        treeWhere(sync, back, updates),
        { inner, ...treeWhere(sync, { slow, step: firstStep() }, { slow: state.slow as typeof slow, step }) },
      ];
    },
  };
}
