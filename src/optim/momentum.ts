import { add, mul } from "../engine/primitives/elementwise.js";
import { zeros } from "../engine/primitives/structure.js";
import { treeMap } from "../engine/tree.js";
import type { Optimizer } from "./optimizer.js";

export interface MomentumState {
  /** The velocity: a tree like the parameters. */
  readonly velocity: unknown;
}

/**
 * Replaces gradients by their decaying sum, v <- decay v + g (Polyak, 1964), or with `nesterov` by g + decay v after
 * that (Sutskever et al., 2013). PyTorch's form without dampening.
 */
export function momentum(decay: number, { nesterov = false }: { nesterov?: boolean } = {}): Optimizer<MomentumState> {
  return {
    init: (params) => ({ velocity: treeMap((p) => zeros(p.shape, p.dtype), params) }),
    update(grads, state) {
      const velocity = treeMap((v, g) => add(mul(v, decay), g), state.velocity, grads) as typeof grads;
      const updates = nesterov ? (treeMap((v, g) => add(mul(v, decay), g), velocity, grads) as typeof grads) : velocity;
      return [updates, { velocity }];
    },
  };
}
