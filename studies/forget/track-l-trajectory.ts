import { HebbError } from "../../src/engine/index.js";
import { DivergedError, type UnlearnState, unlearn } from "../../src/forget/index.js";
import type { Json, ModelCache } from "../../src/lab/index.js";
import type { GptParams } from "../../src/nn/index.js";
import { rowsHash } from "./recipe.js";
import type { SceneL } from "./track-l.js";
import type { RowL } from "./track-l-measures.js";
import { type Arm, type Drawn, drawConfigurations } from "./tuning.js";

/** A model on its way: where it stands, how it does, and what it cost so far. The next step uses its parameters up. */
export interface Stop {
  readonly step: number;
  readonly params: GptParams;
  readonly row: RowL;
  readonly passes: number;
}

export interface FollowOptions {
  /** How the arm is set. */
  readonly options: Drawn;
  readonly steps: number;
  /** Steps after which the model is scored. */
  readonly at: readonly number[];
  readonly signal?: AbortSignal;
  /** Where to go on. */
  readonly from?: UnlearnState;
  onStop(stop: Stop): void | Promise<void>;
  /** Hears of each step, with what a checkpoint keeps of it; after the step was scored, if it was. */
  onStep?(step: number, state: UnlearnState): Promise<void>;
}

/** Unlearns along a trajectory, and scores it on the way. One that diverges ends there, and says so: false. */
export async function follow(scene: SceneL, arm: Arm, options: FollowOptions): Promise<boolean> {
  const { steps, at, signal, from } = options;
  const { method, fixed } = arm;
  try {
    const run = unlearn(method, scene.problem, { ...fixed, ...options.options, steps, signal, from });
    for await (const { phase, step, params, state } of run) {
      if (phase !== "unlearn") continue;
      if (at.includes(step)) {
        const at = params as GptParams;
        await options.onStop({ step, params: at, row: await scene.score(at), passes: state.cost.passes });
      }
      await options.onStep?.(step, state);
    }
    return true;
  } catch (error) {
    if (error instanceof DivergedError) return false;
    throw error;
  }
}

/** What tuning asks of a trajectory: the best forget quality while the model keeps so much of the gold model's utility. */
export function tuningScore(stops: readonly Pick<Stop, "row">[], goldUtility: number, share = 0.9): number {
  const enough = stops.filter(({ row }) => row.MU >= share * goldUtility);
  // Where no stop is good enough, less harm is better, and worse than any stop that is.
  if (enough.length === 0) return Math.max(-1, ...stops.map(({ row }) => row.MU / goldUtility - 1));
  return Math.max(...enough.map(({ row }) => row.FQ));
}

export interface TuneLOptions {
  readonly cache: ModelCache;
  readonly trials: number;
  readonly steps: number;
  readonly at: readonly number[];
  readonly signal?: AbortSignal;
  readonly log?: (message: string) => void;
}

/** What the best of some configurations is, and how good it was. */
export interface TunedL {
  readonly options: Drawn;
  readonly score: number;
}

/** Tunes an arm on a scene that gives no verdict: random configurations, kept by content. */
export async function tuneL(scene: SceneL, arm: Arm, options: TuneLOptions): Promise<TunedL> {
  const { cache, trials, steps, at, signal } = options;
  const { forget, retain, seed } = scene.problem;
  const rows = await Promise.all([forget, retain].map(rowsHash));
  const { defaults, name: method } = arm.method;
  const fixed = json({ ...defaults, ...arm.fixed });
  const common = { recipe: scene.recipe, asked: scene.asked, method, fixed, rows, seed, steps, at };
  const gold = await scene.score(scene.golds[0].params);
  let best: TunedL | undefined;
  for (const drawn of drawConfigurations(arm, trials)) {
    const { score } = await cache.get({ trial: { ...common, options: drawn } }, async () => {
      const stops: Stop[] = [];
      await follow(scene, arm, { options: drawn, steps, at, signal, onStop: (stop) => void stops.push(stop) });
      return { score: tuningScore(stops, gold.MU) };
    });
    options.log?.(`${arm.name} ${JSON.stringify(drawn)}: ${score.toPrecision(3)}`);
    if (!best || score > best.score) best = { options: drawn, score };
  }
  if (!best) throw new HebbError(`${arm.name}: there must be a configuration to try.`);
  return best;
}

/** Options without those that are left open. */
const json = (options: object = {}): Json => JSON.parse(JSON.stringify(options));
