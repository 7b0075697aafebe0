import type { RunContext } from "../../src/lab/index.js";
import { nameOf, type Place, settingOf } from "./arm-unit.js";
import { type Arm, type Drawn, tuneArm, tuningSeed } from "./tuning.js";

/** The part of a study's options that says how its arms are tuned. */
export interface SettleOptions<Name extends string> {
  /** Configurations of each arm that are tried; 0 takes `untuned`. */
  readonly trials: number;
  readonly untuned?: Readonly<Partial<Record<Name, Drawn>>>;
}

/**
 * The options of arms in a place of the tuning seed, as a unit: settled before any seed of the verdict is looked at. Records
 * how near to gold each arm came there.
 */
export async function settle<Name extends string>(
  context: RunContext<SettleOptions<Name>>,
  place: Place,
  arms: Readonly<Partial<Record<Name, Arm>>>,
): Promise<Partial<Record<Name, Drawn>>> {
  const { cache, signal } = context;
  const { trials, untuned = {} } = context.options;
  if (trials === 0) return untuned as Partial<Record<Name, Drawn>>;
  return context.unit(nameOf(place, "tuning"), async () => {
    const scene = await place.scene();
    const settled: Partial<Record<Name, Drawn>> = {};
    for (const [name, arm] of Object.entries(arms) as [Name, Arm][]) {
      const tuned = await tuneArm(arm, scene, { cache, trials, signal });
      const tuningGap = Math.min(...tuned.trials.flatMap(({ score }) => score ?? []));
      context.log(`${nameOf(place, name)}: AvgGap ${tuningGap.toFixed(2)} with ${JSON.stringify(tuned.options)}`);
      context.record({ arm: name, seed: tuningSeed, setting: settingOf(place), measures: { tuningGap } });
      settled[name] = tuned.options;
    }
    return settled;
  });
}
