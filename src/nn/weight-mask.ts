import { mul } from "../engine/primitives/elementwise.js";
import { cast } from "../engine/primitives/structure.js";
import type { Tensor } from "../engine/tensor.js";
import { treeMap } from "../engine/tree.js";
import type { Optimizer } from "../optim/optimizer.js";

/**
 * Which weights live: a tree like the parameters `P`. A prunable tensor has a float32 mask of its own shape, 1 for alive
 * and 0 for dead; a tensor that is never pruned has the scalar 1, so that it counts for no density.
 */
export type WeightMask<P> = P;

/**
 * m ⊙ w, in the graph: dead weights become 0, living ones keep their bits. Traceable and vmappable. Throws `HebbError`
 * when the trees differ in structure and `ShapeError` when a mask does not fit its tensor.
 */
export const applyMask = <P>(params: P, mask: WeightMask<P>): P =>
  treeMap((w: Tensor, m: Tensor) => (m.rank === 0 ? w : mul(w, cast(m, w.dtype))), params, mask) as P;

/**
 * `optimizer` on the living weights alone: gradients are masked before it sees them, so that its moments hold nothing of
 * dead weights, and updates after it, so that dead weights stay where they are (at 0, if they were masked) whatever momentum
 * or weight decay add.
 */
export const withMask = <S>(optimizer: Optimizer<S>, mask: unknown): Optimizer<S> => ({
  init: (params) => optimizer.init(params),
  update(grads, state, params) {
    const [updates, next] = optimizer.update(applyMask(grads, mask as typeof grads), state, params);
    return [applyMask(updates, mask as typeof updates), next];
  },
});
