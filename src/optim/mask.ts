import { zeros } from "../engine/primitives/structure.js";
import { flattenTree, unflattenTree } from "../engine/tree.js";
import type { Optimizer } from "./optimizer.js";
import { type Prefix, resolvePrefix } from "./prefix.js";
import { mapTree } from "./trees.js";

/**
 * Which parameters: true or false for all, a tree of booleans in which one boolean may stand for a whole subtree, or a
 * function of a parameter's path (such as `layers[0].w`) and tensor.
 */
export type Mask = Prefix<boolean>;

/**
 * A mask's value for each leaf of `params`, in the order of `flattenTree`. Throws `HebbError` naming the first path at
 * which the mask does not fit.
 */
export const resolveMask = (mask: Mask, params: unknown): boolean[] =>
  resolvePrefix(mask, params, (x) => typeof x === "boolean", "mask: there is no true or false");

/**
 * `optimizer` on the parameters for which `mask` is true; the others are frozen: their updates are zero, and they have
 * no state (and no gradient is computed for them under `jit`).
 *
 * `masked(adam({ learningRate: 1e-3 }), { body: false, head: true })` trains the head alone.
 */
export function masked<S>(optimizer: Optimizer<S>, mask: Mask): Optimizer<S> {
  const pick = (tree: unknown, keep: readonly boolean[]) => flattenTree(tree).leaves.filter((_, i) => keep[i]);
  return {
    init: (params) => optimizer.init(pick(params, resolveMask(mask, params))),
    update(grads, state, params) {
      const keep = resolveMask(mask, params);
      // Checks that the structures agree, and gives frozen parameters their zero updates.
      const still = mapTree((p, _g) => zeros(p.shape, p.dtype), params, grads);
      const { leaves, def } = flattenTree(still);
      const [updates, next] = optimizer.update(pick(grads, keep), state, pick(params, keep));
      let at = 0;
      return [
        unflattenTree(
          def,
          leaves.map((zero, i) => (keep[i] ? updates[at++] : zero)),
        ),
        next,
      ];
    },
  };
}

/**
 * Zero updates for the parameters for which `mask` is true, all by default: the last link of a chain, or the optimiser
 * of a frozen part in `partition`. Unlike `masked`, it leaves the links before it their state.
 */
export function freeze(mask: Mask = true): Optimizer<Record<string, never>> {
  return {
    init: () => ({}),
    update(grads, state, params) {
      const frozen = resolveMask(mask, params);
      let at = 0;
      return [mapTree((g) => (frozen[at++] ? zeros(g.shape, g.dtype) : g), grads), state];
    },
  };
}
