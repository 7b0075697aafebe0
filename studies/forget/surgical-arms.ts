import { HebbError } from "../../src/engine/index.js";
import { ablateConcept, type EraseOptions, esdErase, surgicalErase } from "../../src/forget/index.js";
import { type DenoiserParams, pixels } from "./digit-denoiser.js";
import { guidance, samplingSteps, type TrackG } from "./track-g.js";

/** A digit to erase, and the one that its label is to give. */
export interface Erasure {
  readonly erase: number;
  readonly replace: number;
}

export interface EraseTraining {
  readonly steps: number;
  readonly batchSize: number;
  /** Steps after which the model is looked at. */
  readonly checks: readonly number[];
}

export const arms = {
  surgical: "Surgical, with an alternative",
  surgicalFree: "Surgical, without an alternative",
  unpreserved: "Surgical with an alternative, nothing preserved (weight 0)",
  esd1: "ESD, eta 1",
  esd2: "ESD, eta 2",
  anchor: "Anchor: the alternative's whole prediction",
} as const;
export type Arm = keyof typeof arms;

/** Starts an arm's training; all arms have the same steps, batches, sampling paths and optimiser. */
export function eraseWith(
  arm: Arm,
  { network, schedule }: TrackG,
  params: DenoiserParams,
  { erase, replace }: Erasure,
  options: Pick<EraseOptions, "steps" | "batchSize" | "learningRate" | "seed" | "signal">,
) {
  const common = { ...options, erase, schedule, shape: [pixels], samplingSteps, sampleGuidance: guidance, clip: 1 };
  switch (arm) {
    case "surgical":
      return surgicalErase(network.apply, params, { ...common, replace });
    case "surgicalFree":
      return surgicalErase(network.apply, params, common);
    case "unpreserved":
      return surgicalErase(network.apply, params, { ...common, replace, uncondWeight: 0 });
    case "esd1":
      return esdErase(network.apply, params, { ...common, eta: 1 });
    case "esd2":
      return esdErase(network.apply, params, { ...common, eta: 2 });
    case "anchor":
      return ablateConcept(network.apply, params, { ...common, anchor: replace });
    default:
      throw new HebbError(`surgical-concept-erasing: there is no arm "${arm satisfies never}".`);
  }
}
