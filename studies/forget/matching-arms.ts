import {
  type Datamodels,
  datamodelMatching,
  finetune,
  gradDiff,
  gradientAscent,
  type OracleTargets,
  oracleMatching,
  scrub,
  type Unlearner,
} from "../../src/forget/index.js";
import type { Arm, Drawn, Range } from "./tuning.js";

export const baselines = ["ft", "ga", "gradDiff", "scrub"] as const;
export const trainedArms = [...baselines, "dmm", "omExact"] as const;
export type TrainedArm = (typeof trainedArms)[number];

export const armNames = {
  original: "Original (no-op)",
  floor: "Gold against gold (noise floor)",
  ft: "FT: fine-tuning on retain rows",
  ga: "GA: ascent on forget rows",
  gradDiff: "GradDiff: both",
  scrub: "SCRUB, light",
  dmm: "DMM: matching of datamodels' predictions",
  omExact: "OM with exact oracle: matching of golds' mean logits",
  dmDirect: "DM-Direct: the predictions, without a network",
} as const;

/** Rows of each set at a step, and the most steps that stay below a quarter of a retraining. */
export interface ArmSizes {
  readonly forget: number;
  readonly retain: number;
  readonly steps: number;
}

/** What is drawn for each arm. The datamodels' penalty is DMM's own: how far effects are shrunk decides its targets. */
export function spacesOf(
  { steps }: ArmSizes,
  lambdas: readonly number[],
): Record<TrainedArm, NonNullable<Arm["space"]>> {
  const upTo = (most: number): Range => ({ integer: [Math.ceil(most / 8), most] });
  const weight: Range = { log: [0.01, 3] };
  const matching = { learningRate: { log: [1e-4, 0.03] }, steps: upTo(steps) } as const;
  return {
    ft: { learningRate: { log: [3e-3, 0.3] }, steps: upTo(steps) },
    ga: { learningRate: { log: [1e-4, 0.1] }, steps: { integer: [1, Math.min(40, steps)] } },
    gradDiff: { learningRate: { log: [1e-3, 0.1] }, steps: upTo(steps), forgetWeight: weight },
    scrub: {
      learningRate: { log: [1e-3, 0.1] },
      // A teacher that is run beside the student costs a third more.
      steps: upTo(Math.floor((3 / 4) * steps)),
      keepWeight: weight,
      forgetWeight: weight,
      pushShare: { choice: [0.25, 0.5, 0.75] },
    },
    dmm: { ...matching, lambda: { choice: lambdas } },
    omExact: matching,
  };
}

/** What the two matching arms match. */
export interface Matched {
  /** The datamodels with this penalty. */
  readonly datamodels: (lambda: number) => Promise<Datamodels>;
  readonly forget: Int32Array;
  readonly oracle: OracleTargets;
}

/** The method of an arm and its options, with as many forget rows as retain rows at a step, where it has both. */
export async function methodOf(
  arm: TrainedArm,
  { lambda, ...options }: Drawn,
  { forget, retain }: ArmSizes,
  { datamodels, oracle, ...matched }: Matched,
): Promise<{ readonly method: Unlearner; readonly options: object }> {
  const common = { optimizer: "sgd", ...options };
  const both = { ...common, batchSize: forget + retain, forgetFraction: forget / (forget + retain) };
  const paced = (batchSize: number) => ({ ...common, batchSize, epochs: undefined });
  switch (arm) {
    case "ft":
      return { method: finetune, options: paced(forget + retain) };
    case "ga":
      return { method: gradientAscent, options: paced(forget) };
    case "gradDiff":
      return { method: gradDiff, options: paced(forget) };
    case "scrub":
      return { method: scrub, options: paced(forget) };
    case "dmm":
      return { method: datamodelMatching(await datamodels(lambda as number), matched.forget), options: both };
    case "omExact":
      return { method: oracleMatching(oracle), options: both };
  }
}
