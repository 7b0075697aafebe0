import type { Dataset } from "../../src/data/index.js";
import { crossEntropy, type Tensor } from "../../src/engine/index.js";
import type { Model } from "../../src/nn/index.js";
import {
  averageScores,
  el2n,
  forgettingCounter,
  grand,
  type Network,
  type NetworkTrainer,
  type Score,
  scoreNetworks,
  type TrainedSteps,
} from "../../src/select/index.js";
import { trainTo } from "./data-diet-bench.js";
import type { Options } from "./data-diet-options.js";

/** A score of every training row, averaged over the runs. */
export type Scores = readonly number[];

export interface ScoreJob<P> {
  readonly trainer: NetworkTrainer<P>;
  readonly model: Model<P>;
  /** The rows to score, which are those that the networks train on. Never test rows. */
  readonly data: Dataset;
  readonly seeds: readonly number[];
  readonly learningRate: number;
  readonly steps: number;
  readonly options: Options;
  readonly signal?: AbortSignal;
  readonly onSteps?: (steps: TrainedSteps<P>) => void;
  /** Told how many examples were scored, and whether that took gradients. */
  readonly onScored?: (examples: number, gradients: boolean) => void;
}

/** The averages of EL2N (and, if asked for, of GraNd) over networks trained a few epochs from their own seeds. */
export async function earlyScores<P>(
  job: ScoreJob<P>,
  { withGrand = false }: { withGrand?: boolean } = {},
): Promise<{ el2n: Scores; grand?: Scores }> {
  const { trainer, model, data, steps, signal } = job;
  const rows = data.x.shape[0];
  const errors: ArrayLike<number>[] = [];
  const gradients: ArrayLike<number>[] = [];
  for (const networks of groups(job)) {
    const { params } = await trainTo(trainer, networks, { steps, arm: "el2n", signal }, job.onSteps);
    errors.push(...(await scoreNetworks(el2nOf(model), params, data, { signal })));
    job.onScored?.(rows * networks.length, false);
    if (!withGrand) continue;
    gradients.push(...(await scoreNetworks(grandOf(model), params, data, { signal })));
    job.onScored?.(rows * networks.length, true);
  }
  return { el2n: average(errors), ...(withGrand ? { grand: average(gradients) } : {}) };
}

/** The average of GraNd over networks that were not trained at all. */
export async function initialGrand<P>({ trainer, model, data, signal, ...job }: ScoreJob<P>): Promise<Scores> {
  const runs: ArrayLike<number>[] = [];
  for (const networks of groups(job)) {
    runs.push(...(await scoreNetworks(grandOf(model), await trainer.init(networks), data, { signal })));
    job.onScored?.(data.x.shape[0] * networks.length, true);
  }
  return average(runs);
}

/**
 * The average of forgetting scores over whole training runs. An example that a run never got right counts there as
 * forgotten once for every epoch, which is more often than any example can be.
 */
export async function wholeRunForgetting<P>(job: ScoreJob<P>): Promise<Scores> {
  const { trainer, data, steps, signal, onSteps, options } = job;
  const runs: Float64Array[] = [];
  for (const networks of groups(job)) {
    const counters = networks.map(() => forgettingCounter(data.x.shape[0]));
    await trainTo(trainer, networks, { steps, arm: "forgetting", signal }, (block) => {
      block.observations.forEach((observation, s) => {
        counters[s].observe(observation);
      });
      onSteps?.(block);
    });
    runs.push(...counters.map((counter) => counter.scores({ neverLearned: options.epochs })));
  }
  return average(runs);
}

/** ‖x_i‖ of every row: the score that needs no network. */
export function inputNorms({ x }: Dataset): Scores {
  const width = x.data.length / x.shape[0];
  return Array.from({ length: x.shape[0] }, (_, i) => {
    const row = (x.data as Float32Array).subarray(i * width, (i + 1) * width);
    return Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
  });
}

const el2nOf =
  <P>(model: Model<P>): Score<P> =>
  (params: P, x: Tensor, y: Tensor) =>
    el2n(model, params, x, y);

const grandOf =
  <P>(model: Model<P>): Score<P> =>
  (params: P, x: Tensor, y: Tensor) =>
    grand(model, crossEntropy, params, x, y);

/** The average as plain numbers, which a unit of the run can keep. */
const average = (runs: readonly ArrayLike<number>[]): Scores => Array.from(averageScores(runs));

/** The runs' networks, in lists that train in one graph each. */
function groups({ seeds, learningRate, options }: Pick<ScoreJob<never>, "seeds" | "learningRate" | "options">) {
  return inGroups<Network>(
    seeds.map((seed) => ({ seed, learningRate })),
    options.together,
  );
}

export const inGroups = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
