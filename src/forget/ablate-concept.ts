import { type Denoiser, meanSquaredError } from "../nn/index.js";
import type { Procedure } from "../optim/index.js";
import { type Concept, type EraseOptions, eraseBy } from "./concept-erasing.js";
import type { UnlearnStep } from "./session.js";
import type { Unlearned } from "./unlearn.js";

export interface AblateConceptOptions extends EraseOptions {
  /** What the concept's name is to stand for; null for what the model draws without a condition. */
  readonly anchor: Concept | null;
}

/**
 * Erases a concept by giving its name the whole prediction of an anchor, at states of the frozen model's own sampling paths
 * for the concept: mean (eps(z_t, t, c) - eps*(z_t, t, anchor))^2.
 *
 * Yields, returns and throws as `surgicalErase`. Source: Kumari et al., "Ablating Concepts in Text-to-Image Diffusion
 * Models", 2023 (the model-based form, which noises samples of the anchor; here states are those of the concept).
 */
export function ablateConcept<P>(
  denoiser: Denoiser<P>,
  params: P,
  options: AblateConceptOptions,
): Procedure<UnlearnStep, Unlearned<P>> {
  const { erase, anchor } = options;
  return eraseBy(
    {
      name: "ablateConcept",
      asks: { now: 1, before: 1 },
      loss: (now, before) => meanSquaredError(now(erase), before(anchor)),
    },
    denoiser,
    params,
    options,
  );
}
