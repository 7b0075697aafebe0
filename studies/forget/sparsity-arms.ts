import {
  finetune,
  type InfluenceOptions,
  influenceUnlearn,
  type L1SparseOptions,
  l1Sparse,
  type TrainingOptions,
} from "../../src/forget/index.js";
import { baselines } from "./bench.js";
import type { Arm } from "./tuning.js";

/** Methods that run on sparse originals as well as on the dense one. */
export const sparseArms = {
  FT: baselines.FT,
  GA: baselines.GA,
  IU: {
    name: "IU",
    method: influenceUnlearn,
    space: { scale: { log: [0.3, 5] }, damping: { log: [2e-2, 0.2] } },
  } as Arm<InfluenceOptions>,
} as const;

const l1Space = {
  gamma: { log: [1e-5, 1e-3] },
  learningRate: { log: [1e-3, 0.3] },
  epochs: { integer: [4, 10] },
} as const;

/** Methods that run on the dense original alone. */
export const denseArms = {
  GradDiff: baselines.GradDiff,
  RL: baselines.RL,
  "l1-sparse": { name: "l1-sparse", method: l1Sparse, space: l1Space } as Arm<L1SparseOptions>,
  "l1-constant": {
    name: "l1-constant",
    method: l1Sparse,
    fixed: { schedule: "constant" },
    space: l1Space,
  } as Arm<L1SparseOptions>,
  "FT-high-lr": {
    name: "FT-high-lr",
    method: finetune,
    // Above about 0.2 it diverges: a higher limit would waste trials.
    space: { learningRate: { log: [0.03, 0.3] }, epochs: { integer: [1, 10] } },
  } as Arm<TrainingOptions>,
  "FT-L2": {
    name: "FT-L2",
    method: finetune,
    space: {
      weightDecay: { log: [1e-4, 1e-1] },
      learningRate: { log: [1e-3, 0.3] },
      epochs: { integer: [1, 10] },
    },
  } as Arm<TrainingOptions>,
} as const;

/** Fine-tuning with the options of l1-sparse but for the norm: what is left is the norm's own doing. */
export const sameTime: Arm<TrainingOptions> = { name: "FT-same-time", method: finetune };

export type SparseArm = keyof typeof sparseArms;
export type DenseArm = keyof typeof denseArms;
