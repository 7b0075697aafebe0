import { abs, add, div, maximum, mul } from "../engine/primitives/elementwise.js";
import { type DescentOptions, descent } from "./descent.js";
import type { MomentsState, ScaleByMomentsOptions } from "./moments.js";
import type { Optimizer } from "./optimizer.js";
import { firstStep, inDType, oneMinusPower, perDType } from "./scalars.js";
import { mapTree, movingAverage, zerosLike } from "./trees.js";

/** The direction of `adamax`, for use in a chain. */
export function scaleByAdamax(options: ScaleByMomentsOptions = {}): Optimizer<MomentsState> {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  return {
    init: (params) => ({ step: firstStep(), first: zerosLike(params), second: zerosLike(params) }),
    update(grads, state) {
      const step = add(state.step, 1);
      const first = movingAverage(beta1, state.first, grads);
      const second = mapTree((u, g) => maximum(mul(u, beta2), add(abs(g), epsilon)), state.second, grads);
      const correction = perDType((dtype) => oneMinusPower(beta1, inDType(step, dtype)));
      const updates = mapTree((g, m, u) => div(m, mul(u, correction(g.dtype))), grads, first, second);
      return [updates, { step, first, second }];
    },
  };
}

/**
 * Adam with the largest recent gradient in place of its root mean square (Kingma and Ba, 2015, section 7):
 * u <- max(beta2 u, |g| + epsilon); p <- p - learningRate / (1 - beta1^t) m / u. PyTorch's form. Steady where gradients
 * are sparse: `trainStep(loss, adamax({ learningRate: 2e-3 }))`.
 */
export const adamax = (options: ScaleByMomentsOptions & DescentOptions): Optimizer =>
  descent(scaleByAdamax(options), options);
