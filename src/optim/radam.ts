import { add, div, greater, maximum, mul, sqrt, sub, where } from "../engine/primitives/elementwise.js";
import { type DescentOptions, descent } from "./descent.js";
import type { MomentsState, ScaleByMomentsOptions } from "./moments.js";
import type { Optimizer } from "./optimizer.js";
import { firstStep, inDType, oneMinusPower, perDType } from "./scalars.js";
import { mapTree, movingAverage, movingAverageOfSquares, zerosLike } from "./trees.js";

/** The direction of `radam`, for use in a chain. */
export function scaleByRadam(options: ScaleByMomentsOptions = {}): Optimizer<MomentsState> {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  const limit = 2 / (1 - beta2) - 1;
  return {
    init: (params) => ({ step: firstStep(), first: zerosLike(params), second: zerosLike(params) }),
    update(grads, state) {
      const step = add(state.step, 1);
      const first = movingAverage(beta1, state.first, grads);
      const second = movingAverageOfSquares(beta2, state.second, grads);
      const scalars = perDType((dtype) => {
        const t = inDType(step, dtype);
        const correction = oneMinusPower(beta2, t);
        const length = sub(limit, div(mul(mul(t, 2), sub(1, correction)), correction));
        const rectifiable = greater(length, 5);
        const long = maximum(length, 5);
        const share = div(mul(sub(long, 4), sub(long, 2)), long);
        const rectification = sqrt(mul(share, limit / ((limit - 4) * (limit - 2))));
        return { rectifiable, size: mul(rectification, sqrt(correction)), ofFirst: oneMinusPower(beta1, t) };
      });
      const updates = mapTree(
        (g, m, v) => {
          const { rectifiable, size, ofFirst } = scalars(g.dtype);
          return mul(div(m, ofFirst), where(rectifiable, div(size, add(sqrt(v), epsilon)), 1));
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
 * Rectified Adam, which needs no warm-up, in PyTorch's form (Liu et al., 2020). With the length of the second moment's
 * memory rho_t = rho - 2 t beta2^t / (1 - beta2^t), rho = 2 / (1 - beta2) - 1, it takes momentum steps while
 * rho_t <= 5, and then Adam's steps times
 *
 *     sqrt((rho_t - 4) (rho_t - 2) rho / ((rho - 4) (rho - 2) rho_t))
 *
 * `trainStep(loss, radam({ learningRate: 1e-3 }))`
 */
export const radam = (options: ScaleByMomentsOptions & DescentOptions): Optimizer =>
  descent(scaleByRadam(options), options);
