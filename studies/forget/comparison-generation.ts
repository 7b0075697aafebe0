import { type NDArray, tensor, treeMap } from "../../src/engine/index.js";
import type { CompareMethodsOptions, MethodComparison, Row } from "../../src/lab/index.js";
import { withTable } from "./comparison.js";
import { scatter } from "./comparison-scatter.js";
import type { DenoiserParams } from "./digit-denoiser.js";
import { once } from "./once.js";
import { toHost } from "./recipe.js";
import { type Arm, arms, type Erasure, eraseWith } from "./surgical-arms.js";
import study from "./surgical-concept-erasing.js";
import { erasedLimit, surgicalMeasures } from "./surgical-measures.js";
import { tuneSurgical } from "./surgical-tuning.js";
import { type TrackG, trackG } from "./track-g.js";

const { smoke, standard } = study.scales;
const kinds = { digitDDPM: standard!.options, small: smoke!.options };
type Kind = (typeof kinds)["digitDDPM"];

const scenarioOf = ({ erase, replace }: Erasure): string => `${erase}to${replace}`;

const comparison: Omit<MethodComparison, "table"> = {
  about: "generation: a digit is erased from a diffusion model of 8x8 digits, or from a smaller one to try it out",
  data: Object.keys(kinds),
  scenarios: standard!.options.erasures.map(scenarioOf),
  methods: Object.keys(arms),
  async run(options) {
    const { data, scenario, methods, seeds, cache, progress, log } = options;
    const kind = kinds[data as keyof typeof kinds];
    const erasure = standard!.options.erasures.find((one) => scenarioOf(one) === scenario)!;
    const total = 1 + seeds.length * (1 + methods.length);
    let done = 0;
    const tick = (label: string) => progress(done++, total, label);
    tick("judge and tuning");
    const track = await trackG(kind.track, options);
    const rates = await learningRates(track, kind, options);
    const rows: Row[] = [];
    for (const seed of seeds) {
      tick(`seed ${seed}: original and gold model`);
      const original = await track.diffusion(seed);
      const measures = once(() => surgicalMeasures(track, original, erasure, kind.counts, seed));
      const key = { track: { trackG: kind.track }, training: kind.training, counts: kind.counts, erasure, seed };
      const references = await cache.get({ compared: "references", ...key }, async () => {
        const { final } = await measures();
        const { mixedRate: _, ...gold } = await final(await track.diffusion(seed, erasure.erase), { free: true });
        return { original: { ...(await final(original)), cost: 0 }, gold: { ...gold, cost: 100 } };
      });
      rows.push({ arm: "original", seed, measures: references.original });
      rows.push({ arm: "gold", seed, measures: references.gold });
      for (const arm of methods as Arm[]) {
        tick(`seed ${seed}: ${arm}`);
        const learningRate = rates[arm];
        const row = await cache.get({ compared: arm, learningRate, ...key }, async () =>
          erased(track, arm, await measures(), original, { kind, erasure, learningRate, seed, signal: options.signal }),
        );
        rows.push({ arm, seed, measures: row });
        if (row.checkedRate > erasedLimit) log(`${arm} did not erase the digit on seed ${seed}.`);
      }
    }
    progress(total, total, "");
    return rows;
  },
  figure: (rows) =>
    scatter(rows, {
      title: "What is left of the digit against what it cost the others",
      caption:
        "Each dot is a seed, at the first look at which the digit was gone (15 % of its samples), or at the last.",
      x: { measure: "erasedRate", label: "samples that still show the digit (%)" },
      y: { measure: "drift", label: "drift of the other digits (MSE)" },
    }),
};

export const generation = withTable(comparison, [
  { measure: "erasedRate", digits: 1 },
  { measure: "replacedRate", digits: 1 },
  { measure: "mixedRate", digits: 1 },
  { measure: "otherAccuracy", digits: 1 },
  { measure: "drift", digits: 4 },
  { measure: "nullDrift", digits: 4 },
  { measure: "layout", digits: 3 },
  { measure: "frechet", digits: 2 },
  { measure: "step", digits: 0 },
  { measure: "cost", digits: 1 },
  { measure: "seconds", digits: 1 },
]);

/** The tuned learning rate of each arm; the small variant has one for all. */
async function learningRates(
  track: TrackG,
  { tuning, training, counts, track: own }: Kind,
  { methods, trials, cache, signal }: CompareMethodsOptions,
): Promise<Record<Arm, number>> {
  if (typeof tuning === "number")
    return Object.fromEntries(Object.keys(arms).map((arm) => [arm, tuning])) as Record<Arm, number>;
  const options = { tuning: { ...tuning, trials }, training, counts, key: { trackG: own }, cache, signal };
  return tuneSurgical(track, { arms: methods as Arm[], ...options });
}

/** The measures of an arm at the first look at which the digit was gone, or at the last. */
async function erased(
  track: TrackG,
  arm: Arm,
  measures: Awaited<ReturnType<typeof surgicalMeasures>>,
  original: DenoiserParams,
  job: { kind: Kind; erasure: Erasure; learningRate: number; seed: number; signal: AbortSignal },
): Promise<Record<string, number>> {
  const { kind, erasure, ...options } = job;
  const { steps, batchSize, checks } = kind.training;
  let last: { step: number; checkedRate: number; params: unknown; cost: { passes: number; seconds: number } };
  for await (const { step, params, state } of eraseWith(arm, track, original, erasure, {
    ...options,
    steps,
    batchSize,
  })) {
    if (!checks.includes(step)) continue;
    const { erasedRate } = await measures.check(params as DenoiserParams);
    last = { step, checkedRate: erasedRate, params: await toHost(params), cost: state.cost };
    if (erasedRate <= erasedLimit) break;
  }
  const { step, checkedRate, params, cost } = last!;
  const retraining = kind.track.recipe.steps * kind.track.recipe.batchSize;
  return {
    ...(await measures.final(treeMap((leaf: NDArray) => tensor(leaf), params) as DenoiserParams)),
    step,
    checkedRate,
    cost: (100 * cost.passes) / retraining,
    seconds: cost.seconds,
  };
}
