import { HebbError, hostRandom } from "../../src/engine/index.js";
import { DivergedError, type Unlearner, unlearn } from "../../src/forget/index.js";
import type { Json, ModelCache } from "../../src/lab/index.js";
import { type Scene, sceneKey } from "./track.js";

/** Where to draw an option from: evenly on a log scale, evenly among whole numbers, or from a list. */
export type Range =
  | { readonly log: readonly [low: number, high: number] }
  | { readonly integer: readonly [low: number, high: number] }
  | { readonly choice: readonly Json[] };

/** An arm of the table: a method with options, some of which are to be tuned. */
export interface Arm<O extends object = any> {
  readonly name: string;
  readonly method: Unlearner<O>;
  readonly fixed?: Partial<O>;
  readonly space?: Readonly<Partial<Record<keyof O & string, Range>>>;
}

/** Options as drawn: they can be stored. */
export type Drawn = Readonly<Record<string, Json>>;

/** Everything is tuned on this seed, and no verdict rests on it. */
export const tuningSeed = 900;

/** Throws `HebbError` where a verdict (of a study, if it is named) or a table would rest on the tuning seed. */
export function refuseTuningSeed(seeds: readonly number[], study?: string): void {
  if (!seeds.includes(tuningSeed)) return;
  throw new HebbError(
    study === undefined
      ? `Seed ${tuningSeed} is the one that methods are tuned on.`
      : `${study}: seed ${tuningSeed} is the tuning seed; no verdict may rest on it.`,
  );
}

/** The share of one retraining's passes that a method may take. */
export const budget = 0.25;

/** What a configuration came to; without a score where it diverged or went over the budget. */
export interface Trial {
  readonly options: Drawn;
  readonly score?: number;
}

export interface TuneArmOptions {
  readonly cache: ModelCache;
  /** Configurations to try. Default 8. */
  readonly trials?: number;
  /** The share of a retraining's passes that is allowed. Default 0.25. */
  readonly allowed?: number;
  /** What the best configuration has least of, with a name for the cache. Default: AvgGap. */
  readonly score?: { readonly name: string; of(params: any, scene: Scene): Promise<number> };
  readonly signal?: AbortSignal;
}

/** No configuration of an arm came to a score. */
export class UntunableError extends HebbError {
  override name = "UntunableError";
}

const avgGap = { name: "AvgGap", of: async (params: unknown, { card }: Scene) => (await card.score(params)).AvgGap };

/**
 * Draws configurations of an arm, the same for every scene, and returns the options of the best, which are then frozen.
 * Trials are kept by content. An arm with nothing to tune comes back without a trial. Throws `UntunableError` when no
 * trial came to a score.
 */
export async function tuneArm(
  arm: Arm,
  scene: Scene,
  { cache, trials = 8, allowed = budget, score = avgGap, signal }: TuneArmOptions,
): Promise<{ readonly options: Drawn; readonly trials: readonly Trial[] }> {
  const { problem, retraining } = scene;
  if (Object.keys(arm.space ?? {}).length === 0) return { options: {}, trials: [] };
  const { name, defaults } = arm.method;
  const common = { method: name, fixed: { ...defaults, ...arm.fixed }, scene: await sceneKey(scene) };
  const done: Trial[] = [];
  for (const options of drawConfigurations(arm, trials)) {
    signal?.throwIfAborted();
    const trial = async (): Promise<Trial> => {
      const value = await attempt(async () => {
        const { params, cost } = await unlearn(arm.method, problem, { ...arm.fixed, ...options, signal }).run();
        return cost.passes > allowed * retraining ? Number.NaN : score.of(params, scene);
      });
      return { options, ...(Number.isFinite(value) ? { score: value } : {}) };
    };
    done.push(await cache.get({ trial: { ...common, options, score: score.name, allowed } }, trial));
  }
  const [best] = done.filter((trial) => trial.score !== undefined).sort((a, b) => a.score! - b.score!);
  if (!best) throw new UntunableError(`${arm.name}: all ${trials} configurations diverged or went over the budget.`);
  return { options: best.options, trials: done };
}

/** Configurations of an arm, drawn from its space; the arm's name decides them. */
export function drawConfigurations({ name, space = {} }: Pick<Arm, "name" | "space">, count: number): Drawn[] {
  const random = hostRandom(tuningSeed).fork(name);
  const draw = (range: Range): Json => {
    if ("choice" in range) return range.choice[random.integer(range.choice.length)];
    if ("integer" in range) return range.integer[0] + random.integer(range.integer[1] - range.integer[0] + 1);
    const [low, high] = range.log.map(Math.log);
    return Number(Math.exp(low + (high - low) * random.uniform()).toPrecision(3));
  };
  return Array.from({ length: count }, () =>
    Object.fromEntries(Object.entries(space).map(([option, range]) => [option, draw(range!)])),
  );
}

/** What a trial came to, or nothing where it diverged. */
async function attempt(trial: () => Promise<number>): Promise<number | undefined> {
  try {
    return await trial();
  } catch (error) {
    if (error instanceof DivergedError) return undefined;
    throw error;
  }
}
