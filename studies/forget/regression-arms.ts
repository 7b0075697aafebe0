import {
  type BlindspotOptions,
  blindspotProxy,
  blindspotUnlearn,
  finetune,
  gaussianAmnesiac,
  gradDiff,
  gradientAscent,
  type TrainingOptions,
  type Unlearner,
} from "../../src/forget/index.js";
import type { Arm } from "./tuning.js";

/** The methods that are tuned, by the names of their rows. */
export type Tuned = "FT" | "GA" | "GradDiff" | "amnesiac" | "blindspot";
/** Blindspot without a part of it, with the options that were found for the whole. */
export type Ablation = "no-attention" | "proxy-only" | "full-proxy";

const training = { optimizer: "adam", batchSize: 64 } as const satisfies Partial<TrainingOptions>;

/** Every method has 8 draws of its own space; all of them stay within a quarter of a retraining. */
export const tunedArms: Readonly<Record<Tuned, Arm>> = {
  FT: {
    name: "FT",
    method: finetune,
    fixed: training,
    space: { learningRate: { log: [1e-4, 3e-3] }, epochs: { integer: [1, 6] } },
  },
  GA: {
    name: "GA",
    method: gradientAscent,
    fixed: training,
    space: { learningRate: { log: [1e-5, 1e-3] }, epochs: { integer: [1, 5] } },
  },
  GradDiff: {
    name: "GradDiff",
    method: gradDiff,
    fixed: training,
    space: { learningRate: { log: [1e-4, 3e-3] }, epochs: { integer: [1, 5] }, forgetWeight: { log: [0.1, 1] } },
  },
  amnesiac: {
    name: "amnesiac",
    method: gaussianAmnesiac,
    space: { learningRate: { log: [1e-4, 3e-3] }, epochs: { integer: [1, 4] }, batchSize: { choice: [64, 256] } },
  },
  blindspot: {
    name: "blindspot",
    method: blindspotUnlearn,
    space: {
      learningRate: { log: [3e-4, 3e-3] },
      proxyEpochs: { integer: [1, 2] },
      epochs: { integer: [1, 2] },
      batchSize: { choice: [64, 256] },
    },
  },
};

/** The proxy in the place of the model that was to imitate it. */
const proxyOnly: Unlearner<BlindspotOptions> = { ...blindspotUnlearn, name: "proxy", run: blindspotProxy };

export const ablations: Readonly<Record<Ablation, Arm<BlindspotOptions>>> = {
  "no-attention": { name: "no-attention", method: blindspotUnlearn, fixed: { attentionBeta: 0 } },
  "proxy-only": { name: "proxy-only", method: proxyOnly },
  "full-proxy": { name: "full-proxy", method: blindspotUnlearn, fixed: { proxyRows: "all" } },
};
