import { HebbError } from "../engine/errors.js";
import { div, maximum, minimum, mul, sqrt } from "../engine/primitives/elementwise.js";
import { sum } from "../engine/primitives/reduce.js";
import type { Tensor } from "../engine/tensor.js";
import type { Optimizer } from "./optimizer.js";
import { mapTree } from "./trees.js";
import { unitAxes } from "./units.js";

/**
 * Gradients cut to a share of the weights' size, unit by unit (Brock et al., 2021): with norms over one output unit's
 * weights (over all of a vector), g <- g min(1, ratio max(|p|, epsilon) / |g|).
 *
 * Trains deep networks without normalisation layers: `chain(adaptiveClip(0.01), sgd({ learningRate: 0.1, momentum: 0.9
 * }))`. Throws `HebbError` when `ratio` is not above 0.
 */
export function adaptiveClip(
  ratio: number,
  { epsilon = 1e-3 }: { epsilon?: number } = {},
): Optimizer<Record<string, never>> {
  if (!(ratio > 0)) throw new HebbError(`adaptiveClip: the ratio must be above 0, got ${ratio}.`);
  const atLeast = (t: Tensor, least: number) =>
    sqrt(maximum(sum(mul(t, t), unitAxes(t), { keepDims: true }), least ** 2));
  return {
    init: () => ({}),
    update: (grads, state, params) => [
      mapTree((g, p) => mul(g, minimum(div(mul(atLeast(p, epsilon), ratio), atLeast(g, 1e-6)), 1)), grads, params),
      state,
    ],
  };
}
