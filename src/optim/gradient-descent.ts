import type { Tensor } from "../engine/tensor.js";
import { armijo } from "./line-search.js";
import { dot, type MinimizeOptions, type MinimizeStep, type Minimum, minimize } from "./minimize.js";
import type { Procedure } from "./procedure.js";

/**
 * Minimises a function of all data by gradient descent, with rates found by backtracking (Armijo, 1966): each line
 * search starts at twice the last rate.
 *
 * `const { params, reason } = await gradientDescent((p) => loss(p, x, y), start, { steps: 1000 }).run()`
 *
 * Throws as `lbfgs`, which needs far fewer steps.
 */
export function gradientDescent<P>(
  f: (params: P) => Tensor,
  params: P,
  options: MinimizeOptions = {},
): Procedure<MinimizeStep<P>, Minimum<P>> {
  let rate: number | undefined;
  return minimize("gradientDescent", f, params, options, {
    direction: ({ gradient }) => gradient.map((g) => -g),
    firstRate: ({ gradient }) => (rate === undefined ? 1 / Math.sqrt(dot(gradient, gradient)) : 2 * rate),
    search: armijo,
    moved(_before, _after, taken) {
      rate = taken;
    },
    forget: () => false,
  });
}
