import { DivergedError, unlearn } from "../../src/forget/index.js";
import type { MethodComparison, Row } from "../../src/lab/index.js";
import { withTable } from "./comparison.js";
import { scatter } from "./comparison-scatter.js";
import { once } from "./once.js";
import { rowsHash } from "./recipe.js";
import { openSceneL, type ScenarioL, type SceneL, scenariosL, smallTofu, tinyTofu } from "./track-l.js";
import { armsL } from "./track-l-arms.js";
import { tuneL } from "./track-l-trajectory.js";
import { type Arm, type Drawn, refuseTuningSeed, tuningSeed } from "./tuning.js";

const kinds = { tinyTOFU: tinyTofu, small: smallTofu } as const;
/** Steps of every method, as in the studies of this track. */
const steps = { tinyTOFU: 150, small: 6 } as const;

const comparison: Omit<MethodComparison, "table"> = {
  about: "language: facts about fictitious authors in a GPT of 0.7 million parameters, or a few of them to try it out",
  data: Object.keys(kinds),
  scenarios: scenariosL,
  methods: [
    "FT",
    "GA",
    "GradDiff",
    "RL",
    "NPO",
    "NPO+RT",
    "NPO+KL",
    "DPO",
    "IDK",
    "P-only",
    "FLAT-TV",
    "FLAT-KL",
    "FLAT-JS",
    "FLAT-Pearson",
  ] satisfies (keyof ReturnType<typeof armsL>)[],
  async run({ data, scenario, methods, seeds, trials, cache, signal, log, progress }) {
    refuseTuningSeed(seeds);
    const kind = kinds[data as keyof typeof kinds];
    const length = steps[data as keyof typeof kinds];
    const at = [length];
    const total = methods.length + seeds.length * (1 + methods.length);
    let done = 0;
    const tick = (label: string) => progress(done++, total, label);
    const open = (seed: number) => openSceneL(kind, scenario as ScenarioL, seed, { cache, signal });

    const tuning = once(() => open(tuningSeed));
    const settled: [keyof ReturnType<typeof armsL>, Drawn][] = [];
    for (const name of methods as (keyof ReturnType<typeof armsL>)[]) {
      tick(`tuning ${name}`);
      const scene = await tuning();
      const { options } = await tuneL(scene, armsL(scene.tofu)[name], { cache, trials, steps: length, at, signal });
      log(`${name}: ${JSON.stringify(options)}`);
      settled.push([name, options]);
    }
    const rows: Row[] = [];
    for (const seed of seeds) {
      tick(`seed ${seed}: original and gold model`);
      const scene = await open(seed);
      const gold = scene.golds[0];
      rows.push({ arm: "original", seed, measures: { ...(await scene.score(scene.original.params)), cost: 0 } });
      rows.push({ arm: "gold", seed, measures: { ...(await scene.score(gold.params)), cost: 100 } });
      for (const [name, drawn] of settled) {
        tick(`seed ${seed}: ${name}`);
        const arm = armsL(scene.tofu)[name];
        const key = { compared: arm.method.name, name, drawn, length, ...(await keyOf(scene)) };
        const measures = await cache.get(key, () => measure(scene, arm, { ...drawn, steps: length }, signal));
        if (measures) rows.push({ arm: name, seed, measures });
        else log(`${name} diverged on seed ${seed}.`);
      }
    }
    progress(total, total, "");
    return rows;
  },
  figure: (rows) =>
    scatter(rows, {
      title: "Forget quality against what is left of the model",
      caption: "Each dot is a seed. The ideal is gold's place: indistinguishable from it, at full utility.",
      x: { measure: "FQ", label: "forget quality (KS p-value)" },
      y: { measure: "MU", label: "model utility" },
    }),
};

export const language = withTable(comparison, [
  { measure: "FQ", digits: 3 },
  { measure: "MU", digits: 3 },
  { measure: "Prob", digits: 3 },
  { measure: "ROUGE", digits: 3 },
  { measure: "Truth", digits: 3 },
  { measure: "Gibberish", digits: 3 },
  { measure: "MIA", digits: 1 },
  { measure: "MIA-AUC", digits: 3 },
  { measure: "cost", digits: 1 },
  { measure: "seconds", digits: 1 },
]);

const keyOf = async ({ recipe, asked, problem, scenario }: SceneL) => ({
  recipe,
  asked,
  rows: await Promise.all([problem.forget, problem.retain].map(rowsHash)),
  seed: problem.seed,
  scenario,
});

/** The row of an arm at the end of its steps; nothing where it diverged. */
async function measure(scene: SceneL, { method, fixed }: Arm, options: object, signal: AbortSignal) {
  try {
    const { params, cost } = await unlearn(method, scene.problem, { ...fixed, ...options, signal }).run();
    const { passes, seconds } = cost;
    return { ...(await scene.score(params)), cost: (100 * passes) / scene.golds[0].passes, seconds };
  } catch (error) {
    if (error instanceof DivergedError) return null;
    throw error;
  }
}
