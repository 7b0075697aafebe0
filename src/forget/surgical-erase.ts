import { add, mul, stopGradient, sub, type Tensor, zeros } from "../engine/index.js";
import { type Denoiser, meanSquaredError } from "../nn/index.js";
import type { Procedure } from "../optim/index.js";
import { type Concept, type EraseOptions, eraseBy } from "./concept-erasing.js";
import type { UnlearnStep } from "./session.js";
import type { Unlearned } from "./unlearn.js";

/**
 * What a condition adds to the noise that a model finds: eps(z, t, c) - eps(z, t, null), for noisy samples z [B, ...] at
 * times t, int32 [B]: the term that guidance multiplies.
 */
export const guidanceTerm = <P>(denoiser: Denoiser<P>, params: P, z: Tensor, t: Tensor, c: Tensor): Tensor =>
  sub(denoiser(params, z, t, c), denoiser(params, z, t, null));

export interface SurgicalEraseOptions extends EraseOptions {
  /** What the model is to draw in place of the concept; null, the default, for what it draws without a condition. */
  readonly replace?: Concept | null;
  /** How much keeping the unconditional prediction weighs. Default 1. */
  readonly uncondWeight?: number;
  /** Whether the first term also moves the unconditional prediction, which the second holds. Default true. */
  readonly throughNull?: boolean;
}

/**
 * Erases a concept from a conditional diffusion model by what the condition adds alone, and holds the unconditional
 * prediction where it was, at states z_t of the frozen model's own sampling paths for the concept:
 *
 *     mean (g(z_t, t, c) - g*(z_t, t, c'))^2 + uncondWeight mean (eps(z_t, t, null) - eps*(z_t, t, null))^2
 *
 * with g the guidance term, * the frozen model, c the concept and c' what replaces it (without one the target is 0: the
 * concept's name then means nothing). Yields each step; its result is `{ params, cost, log }`.
 *
 * The paper gives neither the weight of the second term, nor the steps, nor which parameters train, nor the times, nor
 * whether the first term reaches the unconditional prediction. Here all of them are options; by default everything trains,
 * since the sum then is a potential that is 0 exactly where it is meant to be.
 *
 * Throws `HebbError` for options that make no run, and at a loss that is not finite; rethrows the reason of `signal`.
 * Source: Hong, Lee and Woo, "All but One: Surgical Concept Erasing with Model Preservation in Text-to-Image Diffusion
 * Models", 2024.
 */
export function surgicalErase<P>(
  denoiser: Denoiser<P>,
  params: P,
  options: SurgicalEraseOptions,
): Procedure<UnlearnStep, Unlearned<P>> {
  const { erase, replace = null, uncondWeight = 1, throughNull = true } = options;
  return eraseBy(
    {
      name: "surgicalErase",
      asks: { now: 2, before: replace !== null ? 2 : uncondWeight === 0 ? 0 : 1 },
      loss(now, before) {
        const [named, free] = [now(erase), now(null)];
        const term = sub(named, throughNull ? free : stopGradient(free));
        const target = replace === null ? zeros(term.shape, term.dtype) : sub(before(replace), before(null));
        const erasing = meanSquaredError(term, target);
        if (uncondWeight === 0) return erasing;
        return add(erasing, mul(meanSquaredError(free, before(null)), uncondWeight));
      },
    },
    denoiser,
    params,
    options,
  );
}
