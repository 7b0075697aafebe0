import { add, div, mul, pow, sqrt, sub } from "../engine/primitives/elementwise.js";
import { full, ones } from "../engine/primitives/structure.js";
import type { Tensor } from "../engine/tensor.js";
import { type DescentOptions, descent } from "./descent.js";
import type { Optimizer } from "./optimizer.js";
import { firstStep, inDType, oneMinusPower, perDType, scalarDType } from "./scalars.js";
import { mapTree, movingAverage, movingAverageOfSquares, zerosLike } from "./trees.js";

export interface NadamState {
  readonly step: Tensor;
  /** The product of all momenta so far, a scalar. */
  readonly product: Tensor;
  readonly first: unknown;
  readonly second: unknown;
}

export interface ScaleByNadamOptions {
  /** What the momentum of the first moment rises to. Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** How fast the momentum rises. Default 0.004. */
  readonly momentumDecay?: number;
}

/** The direction of `nadam`, for use in a chain. */
export function scaleByNadam(options: ScaleByNadamOptions = {}): Optimizer<NadamState> {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, momentumDecay = 0.004 } = options;
  const momentumAt = (t: Tensor) => mul(sub(1, mul(pow(full([], 0.96, t.dtype), mul(t, momentumDecay)), 0.5)), beta1);
  return {
    init: (params) => ({
      step: firstStep(),
      product: ones([], scalarDType(params)),
      first: zerosLike(params),
      second: zerosLike(params),
    }),
    update(grads, state) {
      const step = add(state.step, 1);
      const t = inDType(step, state.product.dtype);
      const now = momentumAt(t);
      const next = momentumAt(add(t, 1));
      const product = mul(state.product, now);
      const first = movingAverage(beta1, state.first, grads);
      const second = movingAverageOfSquares(beta2, state.second, grads);
      const scalars = perDType((dtype) => ({
        ofGradient: inDType(div(sub(1, now), sub(1, product)), dtype),
        ofFirst: inDType(div(next, sub(1, mul(product, next))), dtype),
        correction: oneMinusPower(beta2, inDType(step, dtype)),
      }));
      const updates = mapTree(
        (g, m, v) => {
          const { ofGradient, ofFirst, correction } = scalars(g.dtype);
          return div(add(mul(g, ofGradient), mul(m, ofFirst)), add(sqrt(div(v, correction)), epsilon));
        },
        grads,
        first,
        second,
      );
      return [updates, { step, product, first, second }];
    },
  };
}

/**
 * Adam with Nesterov momentum, in PyTorch's form (Dozat, 2016): with mu_t = beta1 (1 - 0.96^(t momentumDecay) / 2) and
 * M_t the product of mu_1 to mu_t,
 *
 *     p <- p - learningRate [(1 - mu_t) / (1 - M_t) g + mu_(t+1) / (1 - M_(t+1)) m] / (sqrt(v / (1 - beta2^t)) + epsilon)
 *
 * Often a little faster than Adam on the same learning rate: `trainStep(loss, nadam({ learningRate: 2e-3 }))`.
 */
export const nadam = (options: ScaleByNadamOptions & DescentOptions): Optimizer =>
  descent(scaleByNadam(options), options);
