import { add } from "../engine/primitives/elementwise.js";
import { treeMap } from "../engine/tree.js";

/**
 * A way to change parameters, as a pair of pure functions of trees. The state is itself a tree of tensors, so it goes
 * through `jit`, `vmap` and checkpoints like parameters do.
 */
export interface Optimizer<S = any> {
  /** The state before the first step, for parameters of this structure. */
  init(params: unknown): S;
  /** What to add to the parameters, a tree like `params`, and the next state. `grads` is a tree like `params`. */
  update<P>(grads: P, state: S, params: P): [updates: P, state: S];
}

/** The parameters after a step: params + updates, leaf by leaf. Throws `HebbError` when the structures differ. */
export const applyUpdates = <P>(params: P, updates: P): P => treeMap((p, u) => add(p, u), params, updates) as P;

/**
 * Optimisers one after the other: each gets the updates of the one before it in place of gradients. The state is the
 * list of their states.
 *
 * `chain(clipByGlobalNorm(1), adam({ learningRate: 1e-3 }))` clips the gradients before Adam sees them.
 */
export function chain(...optimizers: readonly Optimizer[]): Optimizer<readonly unknown[]> {
  return {
    init: (params) => optimizers.map((o) => o.init(params)),
    update(grads, state, params) {
      let updates = grads;
      const next = optimizers.map((o, i) => {
        const [changed, after] = o.update(updates, state[i], params);
        updates = changed;
        return after;
      });
      return [updates, next];
    },
  };
}
