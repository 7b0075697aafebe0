import { add, mul } from "../engine/primitives/elementwise.js";
import type { Optimizer } from "./optimizer.js";
import { mapTree, zerosLike } from "./trees.js";

export interface MomentumState {
  /** The velocity: a tree like the parameters. */
  readonly velocity: unknown;
}

/**
 * Replaces gradients by their decaying sum, v <- decay v + g (Polyak, 1964), or with `nesterov` by g + decay v after
 * that (Sutskever et al., 2013). PyTorch's form without dampening.
 */
export function momentum(decay: number, { nesterov = false }: { nesterov?: boolean } = {}): Optimizer<MomentumState> {
  const sum = <P>(velocity: P, grads: P): P => mapTree((v, g) => add(mul(v, decay), g), velocity, grads);
  return {
    init: (params) => ({ velocity: zerosLike(params) }),
    update(grads, state) {
      const velocity = sum(state.velocity as typeof grads, grads);
      return [nesterov ? sum(velocity, grads) : velocity, { velocity }];
    },
  };
}
