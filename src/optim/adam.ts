import { add, div, mul, sqrt, tanh } from "../engine/primitives/elementwise.js";
import { zeros } from "../engine/primitives/structure.js";
import type { Tensor } from "../engine/tensor.js";
import { treeMap } from "../engine/tree.js";
import { firstStep } from "./learning-rate.js";
import { type Mask, resolveMask } from "./mask.js";
import type { Optimizer } from "./optimizer.js";
import { inDType, perDType, rateAt, times } from "./scalars.js";
import type { Schedule } from "./schedules.js";

export interface AdamState {
  /** Steps taken, float32 scalar. */
  readonly step: Tensor;
  /** Decaying sum of gradients, a tree like the parameters; the usual first moment is (1 - beta1) times it. */
  readonly first: unknown;
  /** Decaying sum of squared gradients; the usual second moment is (1 - beta2) times it. */
  readonly second: unknown;
}

export interface ScaleByAdamOptions {
  /** Decay of the first moment. Default 0.9. */
  readonly beta1?: number;
  /** Decay of the second moment. Default 0.999. */
  readonly beta2?: number;
  /** Added to the square root of the second moment. Default 1e-8. */
  readonly epsilon?: number;
}

export interface AdamOptions extends ScaleByAdamOptions {
  readonly learningRate: number | Schedule;
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
 * p <- p - learningRate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon).
 */
export const adam = (options: AdamOptions): Optimizer<AdamState> => steps(options, options.learningRate, 0, true, -1);

/** Adam with decoupled weight decay (Loshchilov and Hutter, 2019): first p <- (1 - learningRate weightDecay) p. */
export const adamW = ({ weightDecay = 0.01, mask = true, ...options }: AdamWOptions): Optimizer<AdamState> =>
  steps(options, options.learningRate, weightDecay, mask, -1);

/**
 * With M = m / (1 - beta1) and V = v / (1 - beta2), every factor that is the same for all parameters goes into two
 * scalars: the update is size * M / (sqrt(V) + floor), nine operations for each parameter.
 */
function steps(
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: ScaleByAdamOptions,
  rate: number | Schedule,
  weightDecay: number,
  mask: Mask,
  sign: 1 | -1,
): Optimizer<AdamState> {
  const like = (params: unknown) => treeMap((p) => zeros(p.shape, p.dtype), params);
  return {
    init: (params) => ({ step: firstStep(), first: like(params), second: like(params) }),
    update(grads, state, params) {
      const step = add(state.step, 1);
      const scalars = perDType((dtype) => {
        const t = inDType(step, dtype);
        const lr = times(rateAt(rate, state.step, dtype), sign);
        // sqrt((1 - beta2^t) / (1 - beta2)) brings sqrt(V) to the corrected sqrt(v).
        const root = sqrt(div(oneMinusPower(beta2, t), 1 - beta2));
        const size = mul(root, div(times(lr, 1 - beta1), oneMinusPower(beta1, t)));
        return { size, floor: mul(root, epsilon), decay: times(lr, weightDecay) };
      });
      const first = treeMap((m, g) => add(mul(m, beta1), g), state.first, grads);
      const second = treeMap((v, g) => add(mul(v, beta2), mul(g, g)), state.second, grads);
      const keep = weightDecay === 0 ? [] : resolveMask(mask, params);
      let at = 0;
      const updates = treeMap(
        (m, v, p) => {
          const { size, floor, decay } = scalars(m.dtype);
          const move = mul(div(m, add(sqrt(v), floor)), size);
          return keep[at++] ? add(move, mul(p, decay)) : move;
        },
        first,
        second,
        params,
      );
      return [updates as typeof grads, { step, first, second }];
    },
  };
}

/** 1 - beta^t without cancellation: with h = -t log(beta) / 2 it is 2 tanh(h) / (1 + tanh(h)). */
function oneMinusPower(beta: number, t: Tensor): Tensor {
  const h = tanh(mul(t, beta === 0 ? 1e3 : -Math.log(beta) / 2));
  return div(mul(h, 2), add(h, 1));
}
