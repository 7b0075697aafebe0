import { grad } from "../engine/autodiff.js";
import { HebbError } from "../engine/errors.js";
import { abs, add, div, maximum, mul, sqrt } from "../engine/primitives/elementwise.js";
import { stopGradient } from "../engine/primitives/structure.js";
import type { Tensor } from "../engine/tensor.js";
import { sumOfSquares } from "./clip.js";
import { inDType, perDType } from "./scalars.js";
import { mapTree } from "./trees.js";

export interface SamOptions {
  /** The radius of the neighbourhood. Default 0.05 (0.5 with `adaptive`). */
  readonly rho?: number;
  /** Measure the neighbourhood relative to each weight's size (Kwon et al., 2021). */
  readonly adaptive?: boolean;
  /** The size that a weight counts as having at least, with `adaptive`. Default 0.01. */
  readonly least?: number;
}

/**
 * The loss in the worst place near the parameters, to first order; its gradient is that of sharpness-aware minimisation
 * (Foret et al., 2021): L(p + e) with e = rho g / |g| held fixed, for g the gradient of L at p. With `adaptive`
 * (Kwon et al., 2021), e = rho T^2 g / |T g|, T = |p| + least.
 *
 * A loss for a loss, so every optimiser and training loop takes it: `trainStep(sam(loss, { rho: 0.05 }), sgd({
 * learningRate: 0.1 }))`, or `grad(sam(loss))(params, x, y)`. Costs two gradients. Throws `HebbError` when `rho` is not
 * above 0.
 */
export function sam<P, B extends unknown[]>(
  loss: (params: P, ...batch: B) => Tensor,
  { adaptive = false, rho = adaptive ? 0.5 : 0.05, least = 0.01 }: SamOptions = {},
): (params: P, ...batch: B) => Tensor {
  if (!(rho > 0)) throw new HebbError(`sam: rho must be above 0, got ${rho}.`);
  return (params, ...batch) => {
    const gradient = grad((p: P) => loss(p, ...batch))(params) as P;
    const sized = (t: Tensor, p: Tensor) => (adaptive ? mul(t, add(abs(p), least)) : t);
    const ascent = mapTree((g, p) => sized(g, p), gradient, params);
    // At a stationary point the neighbourhood has no worst side: e is 0.
    const factor = div(rho, sqrt(maximum(sumOfSquares("sam", ascent), 1e-30)));
    const at = perDType((d) => inDType(factor, d));
    const moved = mapTree((p, t) => add(p, stopGradient(mul(sized(t, p), at(p.dtype)))), params, ascent);
    return loss(moved, ...batch);
  };
}
