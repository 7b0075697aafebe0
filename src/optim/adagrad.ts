import { add, div, mul, sqrt } from "../engine/primitives/elementwise.js";
import { full } from "../engine/primitives/structure.js";
import { type DescentOptions, descent } from "./descent.js";
import type { Optimizer } from "./optimizer.js";
import { mapTree } from "./trees.js";

export interface AdagradState {
  /** The sum of squared gradients, a tree like the parameters. */
  readonly sum: unknown;
}

export interface ScaleByAdagradOptions {
  /** Where the sums start. Default 0. */
  readonly initial?: number;
  /** Default 1e-10. */
  readonly epsilon?: number;
}

/** The direction of `adagrad`, for use in a chain. */
export function scaleByAdagrad({ initial = 0, epsilon = 1e-10 }: ScaleByAdagradOptions = {}): Optimizer<AdagradState> {
  return {
    init: (params) => ({ sum: mapTree((p) => full(p.shape, initial, p.dtype), params) }),
    update(grads, state) {
      const sum = mapTree((s, g) => add(s, mul(g, g)), state.sum, grads);
      return [mapTree((g, s) => div(g, add(sqrt(s), epsilon)), grads, sum), { sum }];
    },
  };
}

/**
 * Steps that shrink for each parameter with all gradients it has seen (Duchi et al., 2011): s <- s + g^2;
 * p <- p - learningRate g / (sqrt(s) + epsilon). For convex problems and sparse features, with a large learning rate:
 * `trainStep(loss, adagrad({ learningRate: 0.1 }))`.
 */
export const adagrad = (options: ScaleByAdagradOptions & DescentOptions): Optimizer =>
  descent(scaleByAdagrad(options), options);
