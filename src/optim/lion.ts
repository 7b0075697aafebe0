import { add, mul, sign } from "../engine/primitives/elementwise.js";
import { type DescentOptions, descent } from "./descent.js";
import type { Optimizer } from "./optimizer.js";
import { mapTree, movingAverage, zerosLike } from "./trees.js";

export interface LionState {
  /** Moving average of gradients, a tree like the parameters. */
  readonly first: unknown;
}

export interface ScaleByLionOptions {
  /** Weight of the average in the step. Default 0.9. */
  readonly beta1?: number;
  /** Decay of the average. Default 0.99. */
  readonly beta2?: number;
}

/** The direction of `lion`, for use in a chain. */
export function scaleByLion({ beta1 = 0.9, beta2 = 0.99 }: ScaleByLionOptions = {}): Optimizer<LionState> {
  return {
    init: (params) => ({ first: zerosLike(params) }),
    update(grads, state) {
      const updates = mapTree((g, m) => sign(add(mul(m, beta1), mul(g, 1 - beta1))), grads, state.first);
      return [updates, { first: movingAverage(beta2, state.first, grads) }];
    },
  };
}

/**
 * Signs of interpolated momentum (Chen et al., 2023): p <- p - learningRate (sign(beta1 m + (1 - beta1) g) +
 * weightDecay p); m <- beta2 m + (1 - beta2) g. Half of Adam's memory. Every step moves each parameter by the learning
 * rate, so take a third to a tenth of Adam's, and as many times more weight decay:
 * `trainStep(loss, lion({ learningRate: 1e-4, weightDecay: 0.1 }))`.
 */
export const lion = (options: ScaleByLionOptions & DescentOptions): Optimizer => descent(scaleByLion(options), options);
