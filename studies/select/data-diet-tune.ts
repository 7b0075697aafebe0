/**
 * How the learning rates of data-diet were chosen: `npx tsx studies/select/data-diet-tune.ts` prints them. Every arm and
 * share of the rows gets the same trials on the same tuning seeds, full training length, judged on validation rows. The
 * seeds that give the verdict, the score runs that go with them and the test rows take no part.
 */
import { pathToFileURL } from "node:url";
import { tune } from "../../src/lab/index.js";
import type { Model } from "../../src/nn/index.js";
import { type NetworkTrainer, rowsByScore } from "../../src/select/index.js";
import { accuracies, asImages, cnnModel, narrowModel, openBench, recipe, trainTo } from "./data-diet-bench.js";
import { inGroups } from "./data-diet-groups.js";
import { type Cell, cell, type Options, standard, stepsPerEpoch, totalSteps } from "./data-diet-options.js";
import { earlyScores, initialGrand, inputNorms, type Scores, wholeRunForgetting } from "./data-diet-scores.js";

const grid = [0.02, 0.04, 0.08, 0.16];
const tuningSeeds = [40_001, 40_002];
const tuningScoreSeeds = [41_001, 41_002, 41_003, 41_004];
const verdictSeeds = [0, 1, 2, 3];

/** The best learning rate of each cell, and of the two other architectures. */
export async function tuneDataDiet(options: Options, log: (line: string) => void): Promise<Record<string, number>> {
  const bench = await openBench(options);
  const validation = bench.validation!;
  const main = recipe(bench.model, bench.train, options);

  /** Validation accuracy of every tuning seed at every rate asked for, trained together; kept for the next question. */
  const scorer = <P>(trainer: NetworkTrainer<P>, model: Model<P>, data: typeof validation, steps: number) => {
    const known = new Map<string, number>();
    const name = (arm: string, rate: number, seed: number) => `${arm} ${rate} ${seed}`;
    return async (arm: string, rate: number, seed: number, rowsOf: (seed: number) => Int32Array | undefined) => {
      const rates = grid.includes(rate) ? grid : [rate];
      if (!known.has(name(arm, rate, seed))) {
        const networks = rates.flatMap((learningRate) =>
          tuningSeeds.map((own) => {
            const rows = rowsOf(own);
            return { seed: own, learningRate, ...(rows ? { rows } : {}) };
          }),
        );
        for (const group of inGroups(networks, options.together)) {
          const { params } = await trainTo(trainer, group, { steps, arm });
          const found = await accuracies(model, params, data);
          group.forEach((network, s) => {
            known.set(name(arm, network.learningRate, network.seed), found[s]);
          });
        }
        log(
          rates.map((r) => `${arm} ${r}: ${tuningSeeds.map((s) => known.get(name(arm, r, s))?.toFixed(2))}`).join("  "),
        );
      }
      return known.get(name(arm, rate, seed))!;
    };
  };
  const search = async (
    arms: readonly string[],
    evaluate: (arm: string, rate: number, seed: number) => Promise<number>,
  ) => {
    const { best, atEdge, trialsPerArm } = await tune({
      grids: Object.fromEntries(arms.map((arm) => [arm, { rate: grid }])),
      seeds: tuningSeeds,
      verdictSeeds,
      better: "higher",
      evaluate: (arm, { rate }, seed) => evaluate(arm, Number(rate), seed),
    });
    log(`${trialsPerArm} trials for each arm; best at an end: ${atEdge.join(", ") || "none"}`);
    return Object.fromEntries(arms.map((arm) => [arm, Number(best[arm].rate)]));
  };

  const whole = scorer(main, bench.model, validation, totalSteps(options));
  const full = cell("full", 1);
  const first = await search([full], (arm, rate, seed) => whole(arm, rate, seed, () => undefined));

  const job = {
    trainer: main,
    model: bench.model,
    data: bench.train,
    seeds: tuningScoreSeeds,
    learningRate: first[full],
    steps: options.scoreEpochs * stepsPerEpoch(options),
    options,
  };
  const early = await earlyScores(job, { withGrand: true });
  const scores: Record<string, Scores> = {
    random: early.el2n,
    el2n: early.el2n,
    "el2n-easy": early.el2n,
    grand: early.grand!,
    "grand-init": await initialGrand(job),
    forgetting: await wholeRunForgetting({ ...job, steps: totalSteps(options) }),
    "input-norm": inputNorms(bench.train),
  };
  const cells = options.keeps.flatMap((keep) => options.pruned.map((arm) => ({ arm, keep, name: cell(arm, keep) })));
  const rows = (name: string, seed: number): Int32Array | undefined => {
    const found = cells.find((one) => one.name === name);
    if (!found) return undefined;
    const { arm, keep } = found;
    const which = arm === "random" ? "random" : arm === "el2n-easy" ? "easy" : "hard";
    return rowsByScore(scores[arm], { keep, which, seed });
  };
  const names: readonly Cell[] = [full, ...cells.map(({ name }) => name)];
  const rates = await search(names, (arm, rate, seed) => whole(arm, rate, seed, (own) => rows(arm, own)));

  const { hidden, channels, epochs } = options.transfer!;
  const steps = epochs * stepsPerEpoch(options);
  const narrow = narrowModel(bench, hidden);
  const cnn = cnnModel(bench, channels);
  const others = {
    narrow: scorer(recipe(narrow, bench.train, options), narrow, validation, steps),
    cnn: scorer(recipe(cnn, asImages(bench.train, bench), options), cnn, asImages(validation, bench), steps),
  };
  const transfer = await search(Object.keys(others), (arm, rate, seed) =>
    others[arm as keyof typeof others](arm, rate, seed, () => undefined),
  );
  return { ...rates, ...transfer };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const rates = await tuneDataDiet(standard, (line) => console.log(line));
  console.log(JSON.stringify(rates, undefined, 2));
}
