import { add, div, maximum, mul, sqrt } from "../engine/primitives/elementwise.js";
import type { Tensor } from "../engine/tensor.js";
import { type Mask, resolveMask } from "./mask.js";
import type { Optimizer } from "./optimizer.js";
import { firstStep, inDType, oneMinusPower, perDType, rateAt, times } from "./scalars.js";
import type { Rate } from "./schedules.js";
import { mapTree, zerosLike } from "./trees.js";

export interface AdamState {
  /** Steps taken, float32 scalar. */
  readonly step: Tensor;
  /** Decaying sum of gradients, a tree like the parameters; the usual first moment is (1 - beta1) times it. */
  readonly first: unknown;
  /** Decaying sum of squared gradients; the usual second moment is (1 - beta2) times it. */
  readonly second: unknown;
  /** The largest `second` so far; only with `amsgrad`. */
  readonly largest?: unknown;
}

export interface ScaleByAdamOptions {
  /** Decay of the first moment. Default 0.9. */
  readonly beta1?: number;
  /** Decay of the second moment. Default 0.999. */
  readonly beta2?: number;
  /** Added to the square root of the second moment. Default 1e-8. */
  readonly epsilon?: number;
  /**
   * Added to the second moment under the root. Default 0. Whoever differentiates through Adam's steps needs it: the
   * slope of the root is infinite where a gradient has always been exactly 0.
   */
  readonly epsilonRoot?: number;
  /** Divide by the largest second moment so far, which mends cases where Adam diverges (Reddi et al., 2018). */
  readonly amsgrad?: boolean;
}

export interface AdamOptions extends ScaleByAdamOptions {
  readonly learningRate: Rate;
}

export interface AdamWOptions extends AdamOptions {
  /** Default 0.01. */
  readonly weightDecay?: number;
  /** Which parameters decay: all by default. */
  readonly mask?: Mask;
}

/**
 * Adam's direction, without a learning rate, for use in a chain: m / (sqrt(v) + epsilon), with bias-corrected moments m
 * and v of the gradient (Kingma and Ba, 2015).
 */
export const scaleByAdam = (options: ScaleByAdamOptions = {}): Optimizer<AdamState> => steps(options, 1, 0, true, 1);

/**
 * Adam in PyTorch's form (Kingma and Ba, 2015): m <- beta1 m + (1 - beta1) g; v <- beta2 v + (1 - beta2) g^2;
 * p <- p - learningRate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon). With `amsgrad`, the largest v so far
 * takes the place of v.
 */
export const adam = (options: AdamOptions): Optimizer<AdamState> => steps(options, options.learningRate, 0, true, -1);

/** Adam with decoupled weight decay (Loshchilov and Hutter, 2019): first p <- (1 - learningRate weightDecay) p. */
export const adamW = ({ weightDecay = 0.01, mask = true, ...options }: AdamWOptions): Optimizer<AdamState> =>
  steps(options, options.learningRate, weightDecay, mask, -1);

/**
 * With M = m / (1 - beta1) and V = v / (1 - beta2), every factor that is the same for all parameters goes into a few
 * scalars: the update is size * M / (sqrt(V) + floor), nine operations for each parameter.
 */
function steps(
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, epsilonRoot = 0, amsgrad = false }: ScaleByAdamOptions,
  rate: Rate,
  weightDecay: number,
  mask: Mask,
  sign: 1 | -1,
): Optimizer<AdamState> {
  return {
    init(params) {
      const [first, second] = [zerosLike(params), zerosLike(params)];
      return { step: firstStep(), first, second, ...(amsgrad ? { largest: zerosLike(params) } : {}) };
    },
    update(grads, state, params) {
      const step = add(state.step, 1);
      const scalars = perDType((dtype) => {
        const t = inDType(step, dtype);
        const lr = times(rateAt(rate, state.step, dtype), sign);
        // The square root of (1 - beta2^t) / (1 - beta2) brings sqrt(V) to the corrected sqrt(v).
        const ratio = div(oneMinusPower(beta2, t), 1 - beta2);
        const root = sqrt(ratio);
        const size = mul(root, div(times(lr, 1 - beta1), oneMinusPower(beta1, t)));
        const under = epsilonRoot === 0 ? 0 : mul(ratio, epsilonRoot);
        return { size, floor: mul(root, epsilon), under, decay: times(lr, weightDecay) };
      });
      const first = mapTree((m, g) => add(mul(m, beta1), g), state.first, grads);
      const second = mapTree((v, g) => add(mul(v, beta2), mul(g, g)), state.second, grads);
      const largest = amsgrad ? mapTree((a, b) => maximum(a, b), state.largest, second) : second;
      const keep = weightDecay === 0 ? [] : resolveMask(mask, params);
      let at = 0;
      const updates = mapTree(
        (p, m, v) => {
          const { size, floor, under, decay } = scalars(m.dtype);
          const move = mul(div(m, add(sqrt(add(v, under)), floor)), size);
          return keep[at++] ? add(move, mul(p, decay)) : move;
        },
        params,
        first,
        largest,
      );
      return [updates, { step, first, second, ...(amsgrad ? { largest } : {}) }];
    },
  };
}
