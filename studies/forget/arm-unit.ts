import { DivergedError, type UnlearnState, unlearn } from "../../src/forget/index.js";
import type { RunContext } from "../../src/lab/index.js";
import type { Scene } from "./track.js";
import type { Arm, Drawn } from "./tuning.js";

/** A scenario with a seed; the scene behind it is opened by the first unit that needs it. */
export interface Place {
  readonly scenario: string;
  readonly seed: number;
  /** What else tells its rows from others, such as how sparse the original is. */
  readonly setting?: Readonly<Record<string, number | string>>;
  readonly scene: () => Promise<Scene>;
}

export const nameOf = ({ scenario, seed, setting = {} }: Omit<Place, "scene">, what: string): string =>
  [what, scenario, ...Object.entries(setting).map(([name, value]) => `${name} ${value}`), `seed ${seed}`].join(", ");

export const settingOf = ({ scenario, setting }: Place) => ({ scenario, ...setting });

/** Further measures of what a method made. */
type More = (params: unknown, scene: Scene) => Promise<Readonly<Record<string, number>>>;

/**
 * Runs an arm in one place with options that are settled (some may hold rows of the scene), as a unit that can go on within
 * itself, and records its row: the scores, what it cost in percent of one retraining, and what `more` measures. An arm that
 * diverges has no row, as the log says; a judge who needs it will miss it.
 */
export const unlearnUnit = (
  context: RunContext<any>,
  place: Place,
  arm: Arm,
  options: Drawn | ((scene: Scene) => object),
  more?: More,
): Promise<void> =>
  context.unit(nameOf(place, arm.name), async () => {
    const scene = await place.scene();
    const own = typeof options === "function" ? options(scene) : options;
    try {
      const measures = await measuresOf(context, scene, arm, own, more);
      context.record({ arm: arm.name, seed: place.seed, setting: settingOf(place), measures });
    } catch (error) {
      if (!(error instanceof DivergedError)) throw error;
      context.log(`${nameOf(place, arm.name)} has no row. ${error.message}`);
    }
  });

async function measuresOf(
  { checkpoint, signal, meter }: RunContext<any>,
  scene: Scene,
  { method, fixed }: Arm,
  options: object,
  more?: More,
): Promise<Readonly<Record<string, number>>> {
  const from = checkpoint.restore<UnlearnState>();
  const run = unlearn(method, scene.problem, { ...options, ...fixed, ...(from ? { from } : {}), signal });
  const { params, cost } = await run.run(({ state }) => checkpoint.save(() => state));
  meter.step(Math.round(cost.passes));
  return {
    ...(await scene.card.score(params)),
    cost: (100 * cost.passes) / scene.retraining,
    ...(await more?.(params, scene)),
  };
}
