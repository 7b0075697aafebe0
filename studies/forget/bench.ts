import {
  accuracyOf,
  anamnesisRatio,
  finetune,
  gradDiff,
  gradientAscent,
  predictor,
  type Relearned,
  randomLabelling,
  type Scores,
  type TrainingOptions,
} from "../../src/forget/index.js";
import { type MeasureInfo, mean, type RunContext } from "../../src/lab/index.js";
import { nameOf, type Place, settingOf } from "./arm-unit.js";
import type { Scene } from "./track.js";
import type { Arm } from "./tuning.js";

/** The arms that stand in every table besides original and gold, with what is tuned of them. */
export const baselines = {
  FT: {
    name: "FT",
    method: finetune,
    space: { learningRate: { log: [1e-3, 0.3] }, epochs: { integer: [1, 9] } },
  } as Arm<TrainingOptions>,
  GA: {
    name: "GA",
    method: gradientAscent,
    space: { learningRate: { log: [1e-3, 1e-2] }, epochs: { integer: [1, 5] } },
  } as Arm<TrainingOptions>,
  GradDiff: {
    name: "GradDiff",
    method: gradDiff,
    // Its epochs are those of the forget set: short ones for a class, and up to the whole budget for random rows.
    space: {
      learningRate: { log: [1e-3, 0.1] },
      epochs: { choice: [1, 2, 5, 10, 20, 40] },
      forgetWeight: { log: [0.03, 1] },
    },
  } as Arm,
  RL: {
    name: "RL",
    method: randomLabelling,
    space: { learningRate: { log: [1e-3, 0.1] }, epochs: { integer: [1, 8] } },
  } as Arm<TrainingOptions>,
} as const;

/** The measures of the common table. */
export const measures: Readonly<Record<string, MeasureInfo>> = {
  UA: { label: "Error on the forget set", unit: "%" },
  RA: { label: "Accuracy on the retain set", unit: "%" },
  TA: { label: "Accuracy on the test set", unit: "%" },
  MIA: { label: "Forget rows called non-members", unit: "%" },
  "MIA-AUC": { label: "AUC of the loss, forget against test" },
  AvgGap: { label: "Mean distance of UA, RA, TA, MIA from gold", unit: "points", better: "lower" },
  KLf: { label: "KL from gold on the forget set", unit: "nats", better: "lower" },
  KLt: { label: "KL from gold on the test set", unit: "nats", better: "lower" },
  Act: { label: "Distance of probabilities from gold on the forget set", better: "lower" },
  Par: { label: "Distance of parameters from gold, relative", better: "lower" },
  trainAccuracy: { label: "Training accuracy of the original", unit: "%" },
  gap: { label: "Training minus test accuracy of the original", unit: "points" },
  cost: { label: "Passes, relative to one retraining", unit: "%", better: "lower" },
};

/** Whether an original has learned by heart, so that there is something to forget. */
export interface Admission {
  readonly trainAccuracy: number;
  /** Training minus test accuracy, in points. */
  readonly gap: number;
}

/** What classifiers are asked for: 99 % of the training set, and 8 points less on the test set. */
export const admission: Admission = { trainAccuracy: 99, gap: 8 };

export async function admissionOf({ problem, train, test }: Scene): Promise<Admission> {
  const predict = predictor(problem);
  const trainAccuracy = accuracyOf(await predict(problem.params, train), train);
  return { trainAccuracy, gap: trainAccuracy - accuracyOf(await predict(problem.params, test), test) };
}

/** The arms of every table that are no methods. */
export const references = {
  original: "The original",
  gold: "Retrained without the forget set",
  floor: "Retrained, against other retrained ones (noise floor)",
} as const;

/** Records what unlearned models are compared with, and whether the original has learned by heart. */
export const referenceUnit = (context: RunContext<any>, place: Place): Promise<Admission> =>
  context.unit(nameOf(place, "reference"), async () => {
    const scene = await place.scene();
    const { card, golds, problem } = scene;
    const record = (arm: keyof typeof references, measures: Readonly<Record<string, number>>) =>
      context.record({ arm, seed: place.seed, setting: settingOf(place), measures });
    const found = await admissionOf(scene);
    record("original", { ...(await card.score(problem.params)), cost: 0, ...found });
    record("gold", { ...card.gold, cost: 100 });
    if (golds.length > 1) record("floor", meanScores(await card.floor()));
    return found;
  });

/** The mean of each score over several models. */
export const meanScores = (all: readonly Scores[]): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.keys(all[0]).map((name) => [name, mean(all.map((scores) => scores[name as keyof Scores] as number))]),
  );

/** How long a model took to relearn the forget set, whether it gave up, and the anamnesis index where there is one. */
export function relearnMeasures(own: Relearned, gold: Relearned): Readonly<Record<string, number>> {
  const AIN = anamnesisRatio(own, gold);
  return { relearn: own.steps, capped: Number(own.capped), ...(Number.isNaN(AIN) ? {} : { AIN }) };
}
