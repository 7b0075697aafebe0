import { add, div, mul, sqrt } from "../engine/primitives/elementwise.js";
import { type DescentOptions, descent } from "./descent.js";
import type { Optimizer } from "./optimizer.js";
import { mapTree, movingAverageOfSquares, zerosLike } from "./trees.js";

export interface AdadeltaState {
  /** Moving average of squared gradients, a tree like the parameters. */
  readonly ofGrads: unknown;
  /** Moving average of squared steps. */
  readonly ofSteps: unknown;
}

export interface ScaleByAdadeltaOptions {
  /** Default 0.9. */
  readonly decay?: number;
  /** Default 1e-6. */
  readonly epsilon?: number;
}

/** The direction of `adadelta`, for use in a chain. */
export function scaleByAdadelta({
  decay = 0.9,
  epsilon = 1e-6,
}: ScaleByAdadeltaOptions = {}): Optimizer<AdadeltaState> {
  return {
    init: (params) => ({ ofGrads: zerosLike(params), ofSteps: zerosLike(params) }),
    update(grads, state) {
      const ofGrads = movingAverageOfSquares(decay, state.ofGrads, grads);
      const updates = mapTree(
        (g, v, d) => mul(div(sqrt(add(d, epsilon)), sqrt(add(v, epsilon))), g),
        grads,
        ofGrads,
        state.ofSteps,
      );
      return [updates, { ofGrads, ofSteps: movingAverageOfSquares(decay, state.ofSteps, updates) }];
    },
  };
}

/**
 * Steps in the parameters' own units, hardly in need of a learning rate (Zeiler, 2012): v <- decay v + (1 - decay) g^2;
 * u = sqrt(d + epsilon) / sqrt(v + epsilon) g; d <- decay d + (1 - decay) u^2; p <- p - learningRate u, where
 * `learningRate` is 1 unless given. `trainStep(loss, adadelta())`
 */
export const adadelta = (options: ScaleByAdadeltaOptions & Partial<DescentOptions> = {}): Optimizer =>
  descent(scaleByAdadelta(options), { learningRate: 1, ...options });
