import { add, jvp, sub, type Tensor, treeMap } from "../engine/index.js";
import type { Model } from "../nn/model.js";

/**
 * The first-order model of a network around `params0`:
 * `f(w0, x) + J(x) (w - w0)`, with J the Jacobian of the outputs with respect to the parameters at w0.
 *
 * It has the same parameters and is linear in them, so gradient descent on it is kernel regression with the initial
 * tangent kernel. J is never formed: the product is one forward-mode pass (`jvp`). `init` returns `params0`.
 *
 * Throws `HebbError` (in `apply`) when the structures of the two parameter trees differ.
 *
 * Source: Lee et al., "Wide neural networks of any depth evolve as linear models under gradient descent", 2019,
 * section 2.2.
 */
export function linearise<P>(model: Model<P>, params0: P): Model<P> {
  return {
    init: () => params0,
    apply(params, x) {
      const move = treeMap((w: Tensor, w0: Tensor) => sub(w, w0), params, params0) as P;
      const [value, change] = jvp((w: P) => model.apply(w, x), [params0], [move]);
      return add(value, change);
    },
  };
}
