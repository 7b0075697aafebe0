import { add, mul, sub } from "../engine/index.js";
import { type Denoiser, meanSquaredError } from "../nn/index.js";
import type { Procedure } from "../optim/index.js";
import { type EraseOptions, eraseBy } from "./concept-erasing.js";
import type { UnlearnStep } from "./session.js";
import type { Unlearned } from "./unlearn.js";

export interface EsdEraseOptions extends EraseOptions {
  /** How far past the unconditional prediction the conditional one is pushed. Default 1. */
  readonly eta?: number;
}

/**
 * Erases a concept by turning the whole conditional prediction away from it (ESD), at states of the frozen model's own
 * sampling paths for the concept:
 *
 *     mean (eps(z_t, t, c) - [eps*(z_t, t, null) - eta (eps*(z_t, t, c) - eps*(z_t, t, null))])^2
 *
 * The unconditional prediction is free to drift along. Yields, returns and throws as `surgicalErase`. Source: Gandikota et
 * al., "Erasing Concepts from Diffusion Models", 2023.
 */
export function esdErase<P>(
  denoiser: Denoiser<P>,
  params: P,
  options: EsdEraseOptions,
): Procedure<UnlearnStep, Unlearned<P>> {
  const { erase, eta = 1 } = options;
  return eraseBy(
    {
      name: "esdErase",
      asks: { now: 1, before: 2 },
      loss(now, before) {
        const free = before(null);
        const away = add(free, mul(sub(before(erase), free), -eta));
        return meanSquaredError(now(erase), away);
      },
    },
    denoiser,
    params,
    options,
  );
}
