import type { Dataset } from "../../src/data/index.js";
import { take } from "../../src/data/index.js";
import type { Tensor } from "../../src/engine/index.js";
import {
  goldModels,
  type Labelled,
  type Outputs,
  type Scorecard,
  scorecard,
  type UnlearnProblem,
} from "../../src/forget/index.js";
import type { ModelCache } from "../../src/lab/index.js";
import { cachedTraining, paramsHash, type Recipe, rowsHash } from "./recipe.js";

/** What a scenario draws from a seed. */
export interface Drawn {
  /** The training set of the original, with wrong labels where the scenario has them. */
  readonly train: Labelled;
  /** The positions in it of the rows to forget. */
  readonly forget: Int32Array;
  readonly val?: Labelled;
  /** Rows to test on: those of the remaining classes, where a class is forgotten. */
  readonly test: Labelled;
}

/** Data, model and recipe of a track, fixed for all methods. */
export interface Track<P = any> {
  readonly name: string;
  readonly scenarios: readonly string[];
  readonly recipe: Recipe<P>;
  readonly init: (seed: number) => P;
  readonly apply: (params: P, x: Tensor) => Tensor | Outputs;
  readonly perExampleLoss: NonNullable<UnlearnProblem<P>["perExampleLoss"]>;
  draw(scenario: string, seed: number): Drawn;
}

/** A trained original with its forget set, and what unlearned models are compared with. */
export interface Scene<P = any> {
  readonly scenario: string;
  readonly seed: number;
  readonly problem: UnlearnProblem<P> & { readonly forget: Labelled; readonly retain: Labelled };
  readonly train: Labelled;
  readonly test: Labelled;
  readonly golds: readonly P[];
  readonly card: Scorecard<P>;
  /** Examples pushed through the model by one retraining. */
  readonly retraining: number;
}

export interface SceneOptions {
  readonly cache: ModelCache;
  /** Default 3. */
  readonly golds?: number;
  readonly signal?: AbortSignal;
}

/** The scene of a scenario: the original and the gold models are trained, or come from the cache. */
export const openScene = <P>(
  track: Track<P>,
  scenario: string,
  seed: number,
  options: SceneOptions,
): Promise<Scene<P>> => sceneOf(track, { ...track.draw(scenario, seed), scenario, seed }, options);

/** The scene of a forget set of one's own. */
export async function sceneOf<P>(
  { recipe, init, apply, perExampleLoss }: Track<P>,
  { train, forget, val, test, scenario, seed }: Drawn & { readonly scenario: string; readonly seed: number },
  { cache, golds: count = 3, signal }: SceneOptions,
): Promise<Scene<P>> {
  const trainFromScratch = cachedTraining(recipe, cache, signal);
  const away = new Set(forget);
  const kept = Array.from({ length: train.x.shape[0] }, (_, row) => row).filter((row) => !away.has(row));
  const problem = {
    params: await trainFromScratch(train, seed),
    apply,
    perExampleLoss,
    forget: { ...take(train as Dataset, forget), name: "forget" },
    retain: { ...take(train as Dataset, kept), name: "retain" },
    val,
    init,
    trainFromScratch,
    seed,
  };
  const golds = await goldModels(problem, count);
  const card = await scorecard(problem, { golds, test });
  return { scenario, seed, problem, train, test, golds, card, retraining: recipe.passes(kept.length) };
}

/** All that decides what a method comes to in a scene besides itself, and how that is scored: a key for caches. */
export async function sceneKey({ problem, test, golds }: Scene) {
  const rows = await Promise.all([problem.forget, problem.retain, test].map(rowsHash));
  return { rows, seed: problem.seed, models: await Promise.all([problem.params, ...golds].map(paramsHash)) };
}
