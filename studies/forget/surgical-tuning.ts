import type { ModelCache } from "../../src/lab/index.js";
import { once } from "./once.js";
import { type Arm, type EraseTraining, type Erasure, eraseWith } from "./surgical-arms.js";
import { erasedLimit, type SampleCounts, surgicalMeasures } from "./surgical-measures.js";
import { guidance, samplingSteps, type TrackG } from "./track-g.js";
import { drawConfigurations, tuningSeed } from "./tuning.js";

export interface SurgicalTuning {
  /** Configurations to try for each arm. */
  readonly trials: number;
  readonly learningRate: readonly [low: number, high: number];
  /** None of the verdict's. */
  readonly erasure: Erasure;
}

/** What a learning rate came to: at the first check at which the digit was gone, or at the last. */
interface Trial {
  readonly learningRate: number;
  readonly erasedRate: number;
  readonly drift: number;
}

export interface TuneSurgicalOptions {
  readonly arms: readonly Arm[];
  readonly tuning: SurgicalTuning;
  readonly training: EraseTraining;
  readonly counts: SampleCounts;
  /** All that decides the models of the track. */
  readonly key: unknown;
  readonly cache: ModelCache;
  readonly signal?: AbortSignal;
  readonly onTrial?: (done: number, total: number, arm: Arm) => void;
}

/**
 * The learning rate of each arm, out of the same draws for all: the one that moves the other digits least when the digit is
 * gone, on the tuning seed and on a digit apart from the verdict's. Where none gets so far, the one that erases most.
 */
export async function tuneSurgical(track: TrackG, options: TuneSurgicalOptions): Promise<Record<Arm, number>> {
  const { arms, tuning, training, counts, key, cache, onTrial } = options;
  const total = arms.length * tuning.trials;
  const measures = once(async () => {
    const original = await track.diffusion(tuningSeed);
    return { original, ...(await surgicalMeasures(track, original, tuning.erasure, counts, tuningSeed)) };
  });
  // With draws of its own for each arm, luck would count for more than what arms differ in.
  const space = { learningRate: { log: tuning.learningRate } };
  const draws = drawConfigurations({ name: "concept erasing", space }, tuning.trials);
  const looks = { training, counts, guidance, samplingSteps, erasedLimit, seed: tuningSeed };
  const chosen: [Arm, number][] = [];
  let done = 0;
  for (const arm of arms) {
    const trials: Trial[] = [];
    for (const configuration of draws) {
      const learningRate = configuration.learningRate as number;
      const config = { track: key, trial: arm, learningRate, ...looks, ...tuning.erasure };
      trials.push(await cache.get(config, () => attempt(arm, learningRate)));
      onTrial?.(++done, total, arm);
    }
    chosen.push([arm, bestTrial(trials)]);
  }
  return Object.fromEntries(chosen) as Record<Arm, number>;

  async function attempt(arm: Arm, learningRate: number): Promise<Trial> {
    options.signal?.throwIfAborted();
    const { original, check } = await measures();
    const { steps, batchSize, checks } = training;
    const { signal } = options;
    const run = eraseWith(arm, track, original, tuning.erasure, {
      steps,
      batchSize,
      learningRate,
      seed: tuningSeed,
      signal,
    });
    let last: Trial = { learningRate, erasedRate: 100, drift: Number.MAX_VALUE };
    for await (const { step, params } of run) {
      if (!checks.includes(step)) continue;
      last = { learningRate, ...(await check(params as typeof original)) };
      if (last.erasedRate <= erasedLimit) break;
    }
    return last;
  }
}

/** The learning rate of the best of these trials. */
export function bestTrial(trials: readonly Trial[]): number {
  const gone = trials.filter(({ erasedRate }) => erasedRate <= erasedLimit);
  const by = gone.length > 0 ? ("drift" as const) : ("erasedRate" as const);
  return [...(gone.length > 0 ? gone : trials)].sort((a, b) => a[by] - b[by])[0].learningRate;
}
