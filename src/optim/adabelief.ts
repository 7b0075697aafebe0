import { add, div, mul, sqrt, sub } from "../engine/primitives/elementwise.js";
import { type DescentOptions, descent } from "./descent.js";
import type { MomentsState, ScaleByMomentsOptions } from "./moments.js";
import type { Optimizer } from "./optimizer.js";
import { firstStep, inDType, oneMinusPower, perDType } from "./scalars.js";
import { mapTree, movingAverage, zerosLike } from "./trees.js";

export interface ScaleByBeliefOptions extends ScaleByMomentsOptions {
  /** Added to the second moment at each step, which keeps it from zero. Default 1e-16. */
  readonly epsilonRoot?: number;
}

/** The direction of `adabelief`, for use in a chain. */
export function scaleByBelief(options: ScaleByBeliefOptions = {}): Optimizer<MomentsState> {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-16, epsilonRoot = 1e-16 } = options;
  return {
    init: (params) => ({ step: firstStep(), first: zerosLike(params), second: zerosLike(params) }),
    update(grads, state) {
      const step = add(state.step, 1);
      const first = movingAverage(beta1, state.first, grads);
      const second = mapTree(
        (s, m, g) => {
          const surprise = sub(g, m);
          return add(add(mul(s, beta2), mul(mul(surprise, surprise), 1 - beta2)), epsilonRoot);
        },
        state.second,
        first,
        grads,
      );
      const corrections = perDType((dtype) => {
        const t = inDType(step, dtype);
        return { ofFirst: oneMinusPower(beta1, t), ofSecond: oneMinusPower(beta2, t) };
      });
      const updates = mapTree(
        (g, m, s) => {
          const { ofFirst, ofSecond } = corrections(g.dtype);
          return div(div(m, ofFirst), add(sqrt(div(s, ofSecond)), epsilon));
        },
        grads,
        first,
        second,
      );
      return [updates, { step, first, second }];
    },
  };
}

/**
 * Steps by belief in the gradient (Zhuang et al., 2020): Adam with the variance of the gradient about its moving average
 * in place of its second moment, s <- beta2 s + (1 - beta2) (g - m)^2 + epsilonRoot;
 * p <- p - learningRate (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + epsilon). `epsilon` is 1e-16 by default.
 *
 * Long steps where gradients agree, short ones where they do not: `trainStep(loss, adabelief({ learningRate: 1e-3 }))`.
 */
export const adabelief = (options: ScaleByBeliefOptions & DescentOptions): Optimizer =>
  descent(scaleByBelief(options), options);
