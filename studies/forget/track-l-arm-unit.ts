import type { UnlearnState } from "../../src/forget/index.js";
import type { RunContext } from "../../src/lab/index.js";
import type { GptParams } from "../../src/nn/index.js";
import type { SceneL } from "./track-l.js";
import { follow } from "./track-l-trajectory.js";
import type { Arm, Drawn } from "./tuning.js";

/** How far a trajectory goes, and where it is scored. */
export interface Path {
  readonly steps: number;
  readonly at: readonly number[];
}

/** Further measures of a model on its way. */
export type More = (params: GptParams, scene: SceneL) => Promise<Readonly<Record<string, number>>>;

/** The rows without a method: the original, and the gold models against the first of them. */
export async function recordReferencesL({ record }: RunContext<any>, scene: SceneL): Promise<void> {
  const { scenario, seed, original, golds } = scene;
  const put = async (arm: string, { params, accuracy }: SceneL["original"], more = {}) =>
    record({
      arm,
      seed,
      setting: { scenario, ...more },
      measures: { ...(await scene.score(params)), accuracy: 100 * accuracy },
    });
  await put("original", original);
  for (const [gold, model] of golds.entries()) await put("gold", model, { gold });
}

/**
 * Follows an arm with options that are settled, and records a row at each stop; goes on in its middle when it was
 * interrupted. A trajectory that diverges has no further rows, and says so in the log.
 */
export async function followArm(
  { checkpoint, meter, record, signal, log }: RunContext<any>,
  scene: SceneL,
  arm: Arm,
  options: Drawn,
  { steps, at, more }: Path & { readonly more?: More },
): Promise<void> {
  const { scenario, seed, golds } = scene;
  let passes = 0;
  const finished = await follow(scene, arm, {
    options,
    steps,
    at,
    signal,
    from: checkpoint.restore<UnlearnState>(),
    onStop: async (stop) => {
      const measures = {
        ...stop.row,
        passes: stop.passes / golds[0].passes,
        ...(await more?.(stop.params, scene)),
      };
      record({ arm: arm.name, seed, setting: { scenario, step: stop.step }, measures });
    },
    onStep: async (_step, state) => {
      passes = state.cost.passes;
      await checkpoint.save(() => state);
    },
  });
  meter.step(Math.round(passes));
  if (!finished) log(`${arm.name} diverged in ${scenario}, seed ${seed}.`);
}
