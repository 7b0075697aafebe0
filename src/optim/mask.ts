import { HebbError } from "../engine/errors.js";
import { zeros } from "../engine/primitives/structure.js";
import { Tensor } from "../engine/tensor.js";
import { flattenTree, treeMap, unflattenTree } from "../engine/tree.js";
import type { Optimizer } from "./optimizer.js";

/**
 * Which parameters: true or false for all, a tree of booleans in which one boolean may stand for a whole subtree, or a
 * function of a parameter's path (such as `layers[0].w`) and tensor.
 */
export type Mask =
  | boolean
  | readonly Mask[]
  | { readonly [key: string]: Mask }
  | ((path: string, param: Tensor) => boolean);

/**
 * A mask's value for each leaf of `params`, in the order of `flattenTree`. Throws `HebbError` naming the first path at
 * which the mask does not fit.
 */
export function resolveMask(mask: Mask, params: unknown): boolean[] {
  const { leaves, paths } = flattenTree(params);
  if (typeof mask === "function") return leaves.map((leaf, i) => mask(paths[i], leaf as Tensor));
  const walk = (part: Mask | undefined, tree: any, path: string): boolean[] => {
    if (typeof part === "boolean") return flattenTree(tree).leaves.map(() => part);
    if (part === undefined || tree instanceof Tensor) {
      throw new HebbError(`mask: there is no true or false for the parameter "${path}".`);
    }
    if (Array.isArray(tree)) return tree.flatMap((item, i) => walk((part as Mask[])[i], item, `${path}[${i}]`));
    const keys = Object.keys(tree).sort();
    return keys.flatMap((k) => walk((part as Record<string, Mask>)[k], tree[k], path ? `${path}.${k}` : k));
  };
  return walk(mask, params, "");
}

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
      const still = treeMap((p, _g) => zeros(p.shape, p.dtype), params, grads);
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
