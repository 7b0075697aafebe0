import type { Dataset } from "../../src/data/index.js";
import { crossEntropy, type Tensor } from "../../src/engine/index.js";
import type { Checkpoint } from "../../src/lab/index.js";
import type { Model } from "../../src/nn/index.js";
import {
  averageScores,
  el2n,
  type ForgettingState,
  forgettingCounter,
  grand,
  type NetworkTrainer,
  type Score,
  scoreNetworks,
  type TrainedSteps,
} from "../../src/select/index.js";
import { inGroups, type Progress, trainGroups } from "./data-diet-groups.js";
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
  readonly checkpoint?: Checkpoint;
  readonly onSteps?: (steps: TrainedSteps<P>) => void;
  /** Told how many examples were scored, and whether that took gradients. */
  readonly onScored?: (examples: number, gradients: boolean) => void;
}

/** The averages of EL2N (and, if asked for, of GraNd) over networks trained a few epochs from their own seeds. */
export async function earlyScores<P>(
  job: ScoreJob<P>,
  { withGrand = false }: { withGrand?: boolean } = {},
): Promise<{ el2n: Scores; grand?: Scores }> {
  const { model, data, signal, onSteps } = job;
  const rows = data.x.shape[0];
  type Part = { readonly errors: readonly Float32Array[]; readonly gradients: readonly Float32Array[] };
  const groups = await trainGroups({
    ...job,
    arm: "el2n",
    networks: networksOf(job),
    together: job.options.together,
    watch: () => ({ onSteps: (block) => onSteps?.(block), seen: () => null }),
    finish: async (_group, { params }, _seen, { from, save }: Progress<Part>) => {
      let part = from ?? { errors: [], gradients: [] };
      const scored = (change: Partial<Part>) => {
        part = { ...part, ...change };
        job.onScored?.(rows, "gradients" in change);
        return save(part);
      };
      await scoreNetworks(el2nOf(model), params, data, {
        signal,
        from: part.errors,
        onNetwork: (errors) => scored({ errors: [...errors] }),
      });
      if (!withGrand) return part;
      await scoreNetworks(grandOf(model), params, data, {
        signal,
        from: part.gradients,
        onNetwork: (gradients) => scored({ gradients: [...gradients] }),
      });
      return part;
    },
  });
  const el2n = average(groups.flatMap(({ errors }) => errors));
  return { el2n, ...(withGrand ? { grand: average(groups.flatMap(({ gradients }) => gradients)) } : {}) };
}

/** The average of GraNd over networks that were not trained at all. */
export async function initialGrand<P>(job: ScoreJob<P>): Promise<Scores> {
  const { trainer, model, data, signal, checkpoint, options } = job;
  let runs = checkpoint?.restore<readonly Float32Array[]>() ?? [];
  for (const [g, networks] of inGroups(networksOf(job), options.together).entries()) {
    const before = g * options.together;
    if (runs.length >= before + networks.length) continue;
    const earlier = runs.slice(0, before);
    await scoreNetworks(grandOf(model), await trainer.init(networks), data, {
      signal,
      from: runs.slice(before),
      onNetwork: (scores) => {
        runs = [...earlier, ...scores];
        job.onScored?.(data.x.shape[0], true);
        return checkpoint?.save(() => runs);
      },
    });
  }
  return average(runs);
}

/**
 * The average of forgetting scores over whole training runs. An example that a run never got right counts there as
 * forgotten once for every epoch, which is more often than any example can be.
 */
export async function wholeRunForgetting<P>(job: ScoreJob<P>): Promise<Scores> {
  const { data, onSteps, options } = job;
  const groups = await trainGroups({
    ...job,
    arm: "forgetting",
    networks: networksOf(job),
    together: options.together,
    watch: (group, seen?: readonly ForgettingState[]) => {
      const counters = group.map((_, s) => forgettingCounter(data.x.shape[0], seen?.[s]));
      return {
        onSteps: (block) => {
          block.observations.forEach((observation, s) => {
            counters[s].observe(observation);
          });
          onSteps?.(block);
        },
        seen: () => counters.map((counter) => counter.state()),
      };
    },
    finish: async (_group, _trained, seen) =>
      seen.map((state) => forgettingCounter(data.x.shape[0], state).scores({ neverLearned: options.epochs })),
  });
  return average(groups.flat());
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

/** The runs' networks. */
const networksOf = ({ seeds, learningRate }: Pick<ScoreJob<never>, "seeds" | "learningRate">) =>
  seeds.map((seed) => ({ seed, learningRate }));
