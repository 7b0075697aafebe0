import type { RunContext } from "../../src/lab/index.js";
import { type KindL, openSceneL } from "./track-l.js";
import type { Path } from "./track-l-arm-unit.js";
import { type ArmL, armsL } from "./track-l-arms.js";
import { type TunedL, tuneL } from "./track-l-trajectory.js";
import { type Drawn, refuseTuningSeed, tuningSeed } from "./tuning.js";

/** How arms get their options: so many random configurations each, or, in smoke runs, the same settings for all. */
export type TuningL = { readonly trials: number; readonly at: readonly number[] } | { readonly settings: Drawn };

/** The frozen options of each arm, with the score that they won by: from `forget10` on the tuning seed. */
export async function tuneArmsL(
  context: RunContext<any>,
  kind: KindL,
  names: readonly ArmL[],
  { steps, tuning }: Pick<Path, "steps"> & { readonly tuning: TuningL },
): Promise<Record<string, TunedL>> {
  const { cache, signal, log } = context;
  refuseTuningSeed(context.seeds);
  if ("settings" in tuning)
    return Object.fromEntries(names.map((name) => [name, { options: tuning.settings, score: 0 }]));
  return context.unit(`tuning of ${names.join(", ")}`, async () => {
    const scene = await openSceneL(kind, "forget10", tuningSeed, { cache, signal });
    const arms = armsL(scene.tofu);
    const tuned: Record<string, TunedL> = {};
    for (const [i, name] of names.entries()) {
      context.progress(i, names.length, `tuning ${name}`);
      tuned[name] = await tuneL(scene, arms[name], { cache, steps, signal, log, ...tuning });
    }
    return tuned;
  });
}
