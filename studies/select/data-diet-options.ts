import { HebbError } from "../../src/engine/index.js";

/** What a cell of the study trains on: an arm of `arms` and the share of the rows that it keeps. */
export type Cell = `${string}@${number}`;

export interface Options {
  readonly data: "fashion-mnist" | "digits8";
  readonly trainRows: number;
  readonly validationRows: number;
  /** Draws the train and validation rows from the data's own training split. */
  readonly splitSeed: number;
  readonly hidden: number;
  readonly batchSize: number;
  /** Passes over all training rows that a full run makes; every arm takes as many steps. */
  readonly epochs: number;
  readonly momentum: number;
  readonly weightDecay: number;
  /** Peak of the cosine schedule for each cell. Score runs and forgetting runs take that of "full@1". */
  readonly learningRates: Readonly<Record<Cell, number>>;
  /** Seeds of the score runs, their number is R; never those of a final run. */
  readonly scoreSeeds: readonly number[];
  readonly scoreEpochs: number;
  readonly keeps: readonly number[];
  /** The pruned arms to train. */
  readonly pruned: readonly Pruned[];
  readonly noise?: {
    readonly fraction: number;
    readonly seed: number;
    /** Where the kept window of the ranking starts. */
    readonly offsets: readonly number[];
    readonly keep: number;
  };
  readonly transfer?: {
    readonly hidden: number;
    readonly channels: readonly number[];
    readonly seeds: readonly number[];
    readonly epochs: number;
    readonly learningRates: { readonly narrow: number; readonly cnn: number };
  };
  /** Networks trained in one graph: more of them together no longer fit the processor's cache, and slow down. */
  readonly together: number;
  /** Training steps in one compiled call. */
  readonly unroll: number;
}

export const prunedArms = ["random", "el2n", "grand", "grand-init", "forgetting", "el2n-easy", "input-norm"] as const;
export type Pruned = (typeof prunedArms)[number];

/** At most 10 s on any machine: the shipped digits, the method and its baseline, about 5 % of the standard steps. */
export const smoke: Options = {
  data: "digits8",
  trainRows: 1400,
  validationRows: 0,
  splitSeed: 0,
  hidden: 256,
  batchSize: 128,
  epochs: 10,
  momentum: 0.9,
  weightDecay: 5e-4,
  // Not tuned: smoke runs give no verdict.
  learningRates: { "full@1": 0.05, "random@0.5": 0.05, "el2n@0.5": 0.05 },
  scoreSeeds: [10_001, 10_002],
  scoreEpochs: 1,
  keeps: [0.5],
  pruned: ["random", "el2n"],
  together: 4,
  unroll: 10,
};

export const standard: Options = {
  data: "fashion-mnist",
  trainRows: 12_000,
  validationRows: 5_000,
  splitSeed: 7,
  hidden: 256,
  batchSize: 128,
  epochs: 20,
  // Momentum and weight decay are the paper's; a half cosine stands for its step decay.
  momentum: 0.9,
  weightDecay: 5e-4,
  // Printed by data-diet-tune.ts: validation accuracy after full-length training, two tuning seeds, scores of four runs of
  // their own; the same grid 0.02, 0.04, 0.08, 0.16 for every cell, extended to 0.01 and 0.32 for all since some were best
  // at an end. ("el2n-easy@0.5" is still best at 0.32, by 0.2 points.)
  learningRates: {
    "full@1": 0.08,
    "random@0.3": 0.08,
    "el2n@0.3": 0.02,
    "grand@0.3": 0.02,
    "grand-init@0.3": 0.02,
    "forgetting@0.3": 0.02,
    "el2n-easy@0.3": 0.16,
    "input-norm@0.3": 0.04,
    "random@0.5": 0.08,
    "el2n@0.5": 0.02,
    "grand@0.5": 0.02,
    "grand-init@0.5": 0.04,
    "forgetting@0.5": 0.08,
    "el2n-easy@0.5": 0.32,
    "input-norm@0.5": 0.04,
  },
  scoreSeeds: [10_001, 10_002, 10_003, 10_004, 10_005, 10_006, 10_007, 10_008],
  scoreEpochs: 2,
  keeps: [0.3, 0.5],
  pruned: prunedArms,
  noise: { fraction: 0.1, seed: 30_001, offsets: [0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5], keep: 0.5 },
  transfer: {
    hidden: 64,
    channels: [16, 32],
    seeds: [20_001, 20_002, 20_003, 20_004],
    epochs: 1,
    // Validation accuracy after one epoch; same seeds, grid 0.02 to 0.16, extended to 0.32.
    learningRates: { narrow: 0.08, cnn: 0.16 },
  },
  together: 4,
  unroll: 31,
};

/** Steps in an epoch over all training rows; what is left over of a batch is dropped. */
export const stepsPerEpoch = ({ trainRows, batchSize }: Options): number => Math.floor(trainRows / batchSize);

/** The steps of every final run, whatever it keeps. */
export const totalSteps = (options: Options): number => options.epochs * stepsPerEpoch(options);

export const cell = (arm: string, keep: number): Cell => `${arm}@${keep}`;

/** The tuned learning rate of a cell. */
export function learningRateOf({ learningRates }: Options, arm: string, keep: number): number {
  const rate = learningRates[cell(arm, keep)];
  if (rate === undefined)
    throw new HebbError(`data-diet: there is no learning rate for "${cell(arm, keep)}" among the options.`);
  return rate;
}

/** A score run that shares its seed with a final run would know that run's start and order: refused. */
export function checkSeeds(finals: readonly number[], { scoreSeeds, transfer }: Options): void {
  const shared = [...scoreSeeds, ...(transfer?.seeds ?? [])].filter((seed) => finals.includes(seed));
  if (shared.length > 0)
    throw new HebbError(`data-diet: the seeds ${shared.join(", ")} serve score runs and final runs.`);
}
