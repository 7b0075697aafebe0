import { add, div, maximum, mul, sqrt, sub } from "../engine/primitives/elementwise.js";
import { type DescentOptions, descent } from "./descent.js";
import { momentum as withMomentum } from "./momentum.js";
import { chain, type Optimizer } from "./optimizer.js";
import { mapTree, movingAverage, movingAverageOfSquares, zerosLike } from "./trees.js";

export interface RmsState {
  /** Moving average of squared gradients, a tree like the parameters. */
  readonly second: unknown;
  /** Moving average of gradients; only when centred. */
  readonly first?: unknown;
}

export interface ScaleByRmsOptions {
  /** Default 0.99. */
  readonly decay?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Divide by the standard deviation in place of the root mean square (Graves, 2013). */
  readonly centred?: boolean;
}

export interface RmspropOptions extends ScaleByRmsOptions, DescentOptions {
  /** Decay of a velocity of the scaled gradients; none by default. */
  readonly momentum?: number;
}

/** The direction of `rmsprop`, for use in a chain. */
export function scaleByRms(options: ScaleByRmsOptions = {}): Optimizer<RmsState> {
  const { decay = 0.99, epsilon = 1e-8, centred = false } = options;
  return {
    init: (params) => ({ second: zerosLike(params), ...(centred ? { first: zerosLike(params) } : {}) }),
    update(grads, state) {
      const second = movingAverageOfSquares(decay, state.second, grads);
      const scaled = (g: any, v: any) => div(g, add(sqrt(v), epsilon));
      if (!centred) return [mapTree(scaled, grads, second), { second }];
      const first = movingAverage(decay, state.first, grads);
      // Rounding may take the difference below zero.
      const spread = mapTree((v, m) => maximum(sub(v, mul(m, m)), 0), second, first);
      return [mapTree(scaled, grads, spread), { second, first }];
    },
  };
}

/**
 * Gradients divided by their recent root mean square (Tieleman and Hinton, 2012), in PyTorch's form:
 * v <- decay v + (1 - decay) g^2; p <- p - learningRate g / (sqrt(v) + epsilon), with momentum after the division.
 *
 * `trainStep(loss, rmsprop({ learningRate: 1e-3, momentum: 0.9 }))`
 */
export function rmsprop(options: RmspropOptions): Optimizer {
  const scaled = scaleByRms(options);
  return descent(options.momentum ? chain(scaled, withMomentum(options.momentum)) : scaled, options);
}
