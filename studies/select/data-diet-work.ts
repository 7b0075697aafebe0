import type { Dataset } from "../../src/data/index.js";
import { type RunContext, readOnce } from "../../src/lab/index.js";
import type { Model } from "../../src/nn/index.js";
import {
  type Network,
  type NetworkTrainer,
  type PruneOptions,
  rowsByScore,
  type TrainedSteps,
} from "../../src/select/index.js";
import { accuracies, type Bench, macsOfMlp, meanLosses, recipe } from "./data-diet-bench.js";
import { trainGroups, type Watcher } from "./data-diet-groups.js";
import { learningRateOf, type Options, stepsPerEpoch, totalSteps } from "./data-diet-options.js";
import type { ScoreJob, Scores } from "./data-diet-scores.js";

type OnSteps = (steps: TrainedSteps<any>) => void;

/** The part of a score's ranking that is kept. */
export type Kept = PruneOptions & { readonly score: Scores };

/** Final runs of one kind: the same for every seed but for what the seed decides. */
export interface Retraining {
  readonly arm: string;
  readonly setting: Readonly<Record<string, number | string>>;
  readonly learningRate: number;
  readonly trainer: NetworkTrainer<any>;
  /** Which rows of the score's ranking to keep. Without it: all. */
  readonly kept?: Kept;
}

/** The parts of a run: units that train, count what they cost and say how far they are. */
export class Work {
  readonly options: Options;
  /** Trains the study's own model on the training rows. */
  readonly trainer: NetworkTrainer<any>;
  readonly #test: (reader?: string) => Dataset;
  readonly #macs: number;
  #units = 0;

  constructor(
    readonly context: RunContext<Options>,
    readonly bench: Bench,
  ) {
    this.options = context.options;
    this.trainer = recipe(bench.model, bench.train, this.options);
    this.#test = readOnce(bench.test);
    this.#macs = macsOfMlp(bench.train.x.shape[1], this.options.hidden);
  }

  /** One resumable unit, whose networks train for `steps`. */
  async unit<T>(
    name: string,
    { steps, macs = this.#macs }: { steps: number; macs?: number },
    work: (onSteps: OnSteps) => Promise<T>,
  ): Promise<T> {
    const { context } = this;
    const total = unitsOf(this.options);
    context.progress(100 * this.#units, 100 * total, name);
    // Groups of networks train one after the other, and each starts at step 0 again.
    let furthest = 0;
    const value = await context.unit(name, () =>
      work(({ step, observations }) => {
        for (const { indices } of observations) context.meter.step(indices.length, macs);
        furthest = Math.max(furthest, Math.floor((99 * step) / steps));
        context.progress(100 * this.#units + furthest, 100 * total, name);
      }),
    );
    this.#units++;
    context.progress(100 * this.#units, 100 * total, name);
    return value;
  }

  /** Score runs of a model on `data`, with the recipe of the full runs and seeds that serve nothing else. */
  scoreJob(trainer: NetworkTrainer<any>, model: Model, data: Dataset, macs = this.#macs): ScoreJob<any> {
    const { options, context } = this;
    return {
      trainer,
      model,
      data,
      seeds: options.scoreSeeds,
      learningRate: learningRateOf(options, "full", 1),
      steps: options.scoreEpochs * stepsPerEpoch(options),
      options,
      signal: context.signal,
      checkpoint: context.checkpoint,
      onScored: (examples, gradients) => {
        context.meter.forward(examples, macs);
        if (gradients) context.meter.backward(examples, macs);
      },
    };
  }

  /** Trains fresh networks of all seeds, and records their test accuracy, which comes back by seed. */
  retrain({ arm, setting, learningRate, trainer, kept }: Retraining): Promise<readonly number[]> {
    const { context, bench } = this;
    const { seeds, signal, checkpoint } = context;
    const steps = totalSteps(this.options);
    const name = [arm, ...Object.entries(setting).map(([key, value]) => `${key} ${value}`)].join(", ");
    const networks = seeds.map((seed): Network => {
      const rows = kept && rowsByScore(kept.score, { ...kept, seed });
      return { seed, learningRate, ...(rows ? { rows } : {}) };
    });
    return this.unit(name, { steps }, async (onSteps) => {
      const test = this.#test(name);
      const groups = await trainGroups({
        trainer,
        networks,
        together: this.options.together,
        steps,
        arm,
        signal,
        checkpoint,
        watch: (group, seen?: number) => this.#curve({ arm, setting, steps, onSteps }, group, seen),
        finish: async (group, trained) => {
          const accuracy = await accuracies(bench.model, trained.params, test, signal);
          context.meter.forward(group.length * test.y.shape[0], this.#macs);
          group.forEach(({ seed }, s) => {
            const measures = { accuracy: accuracy[s], startLoss: trained.startLoss[s], endLoss: trained.endLoss[s] };
            context.record({ arm, seed, setting, measures });
          });
          return accuracy;
        },
      });
      return groups.flat();
    });
  }

  /** Records the training loss about twenty times in a run; what it has seen is the step at which that is due again. */
  #curve(
    {
      arm,
      setting,
      steps,
      onSteps,
    }: Pick<Retraining, "arm" | "setting"> & { readonly steps: number; readonly onSteps: OnSteps },
    networks: readonly Network[],
    next = 0,
  ): Watcher<any, number> {
    return {
      onSteps: (block) => {
        onSteps(block);
        const { step } = block;
        if (step < next && step < steps) return;
        next = step + steps / 20;
        const losses = meanLosses(block);
        networks.forEach(({ seed }, s) => {
          this.context.metric({ arm, seed, step, setting, values: { loss: losses[s] } });
        });
      },
      seen: () => next,
    };
  }
}

/** How many units a run has. */
function unitsOf({ pruned, keeps, noise, transfer }: Options): number {
  const scores = 1 + Number(pruned.includes("grand-init")) + Number(pruned.includes("forgetting"));
  const known = noise && keeps.includes(noise.keep) && pruned.includes("el2n") && noise.offsets.includes(0);
  const windows = noise ? 2 + noise.offsets.length * 2 - Number(known) : 0;
  return scores + 1 + pruned.length * keeps.length + windows + (transfer ? 2 : 0);
}
