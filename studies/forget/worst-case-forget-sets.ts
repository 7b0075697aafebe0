import { type Dataset, take } from "../../src/data/index.js";
import {
  accuracyOf,
  type ForgetSetProblem,
  finetune,
  predictor,
  rowScores,
  unlearn,
  type WorstCaseState,
} from "../../src/forget/index.js";
import { defineStudy, mean, type RunContext } from "../../src/lab/index.js";
import type { MlpParams } from "../../src/nn/index.js";
import { type Place, unlearnUnit } from "./arm-unit.js";
import { baselines, measures, references, referenceUnit } from "./bench.js";
import { once } from "./once.js";
import { cachedTraining, paramsHash } from "./recipe.js";
import { denseArms } from "./sparsity-arms.js";
import { openScene, sceneOf, type Track } from "./track.js";
import { trackC } from "./track-c.js";
import { type Drawn, drawConfigurations, refuseTuningSeed, tuneArm, tuningSeed } from "./tuning.js";
import { lossHistogram, worstCaseFigures } from "./worst-case-figures.js";
import { judgeWorstCase } from "./worst-case-judge.js";
import { chooseSet, type SearchOptions, type SetName } from "./worst-case-sets.js";

const arms = { ...baselines, "l1-sparse": denseArms["l1-sparse"] } as const;
type Method = keyof typeof arms;

interface Options {
  readonly data: Parameters<typeof trackC>[0];
  /** Rows of a forget set. */
  readonly size: number;
  readonly sets: readonly SetName[];
  /** Random sets for each seed. */
  readonly draws: number;
  readonly methods: readonly Method[];
  readonly search: SearchOptions;
  /** Configurations of each method and of the search that are tried on the tuning seed; 0 takes `untuned`. */
  readonly trials: number;
  readonly untuned?: Readonly<Partial<Record<Method, Drawn>>>;
}

/** What was settled before any seed of the verdict was looked at. */
interface Settled {
  readonly methods: Readonly<Partial<Record<Method, Drawn>>>;
  readonly search: SearchOptions;
}

export default defineStudy<Options>({
  slug: "worst-case-forget-sets",
  claim:
    "There are forget sets that every method, retraining included, hardly unlearns: found by choosing the rows that stay " +
    "fitted after unlearning, they lower the error on the forget set and the share of its rows called non-members, while " +
    "accuracy on other rows hardly moves.",
  criterion:
    "Track C, sets of 600 rows, 3 seeds; UA = error on the forget set. (a) UA of retraining is lower on the worst-case set than " +
    "on random sets (mean of 5 draws) by at least 5 points. (b) The means over FT, GA and RL of UA and of MIA are lower on the " +
    "worst-case set, each with its 95 % interval below 0, and TA changes by less than 2 points. (c) UA, mean of retraining and " +
    "FT, is below that on the rows of lowest original loss (interval below 0). Replicated: all three. Partly: a and b. " +
    "Contradicted: UA of retraining on the worst-case set is not below that on random sets. Where UA of retraining on random " +
    "sets is below 5 %, an original has not learned by heart, or neither holds: not at this scale.",
  arms: {
    ...references,
    FT: "Fine-tuning on the retain set",
    GA: "Gradient ascent on the forget set",
    RL: "Random labels",
    "l1-sparse": "Fine-tuning under an l1 norm",
  },
  measures,
  scales: {
    smoke: {
      seeds: [0],
      options: {
        data: "digits",
        size: 120,
        sets: ["random", "worst", "low-loss"],
        draws: 1,
        methods: ["FT", "GA", "RL"],
        search: { outer: 4, inner: 1, innerLearningRate: 1e-3, weightLearningRate: 1 },
        trials: 0,
        untuned: { FT: { epochs: 1 }, GA: { epochs: 1 }, RL: { epochs: 1 } },
      },
      about: "8x8 digits, 64-64-32-10, sets of 120 rows, one seed; seconds",
    },
    standard: {
      seeds: [0, 1, 2],
      options: {
        data: "fashion6k",
        size: 600,
        sets: ["random", "worst", "worst-GA", "easiest", "low-loss", "low-gradient"],
        draws: 5,
        methods: ["FT", "GA", "RL", "l1-sparse"],
        search: { outer: 20, inner: 3 },
        trials: 8,
      },
      about:
        "Fashion-MNIST, 6,000 training rows, 784-256-128-10; ten sets of 600 rows for each seed, each with its retrained " +
        "model, 20 rounds of 3 epochs for each search; about 10 minutes, and as much again to tune and retrain",
    },
  },
  controls: {
    size: { kind: "integer", label: "Rows of a forget set", min: 10, max: 1000 },
    draws: { kind: "integer", label: "Random sets of each seed", min: 1, max: 20 },
  },
  offers: [
    "worstCaseForgetSet, projectCappedSimplex (hebb/forget)",
    "finetune, gradientAscent, randomLabelling, l1Sparse (hebb/forget)",
    "signSgd (hebb/optim)",
    "grand (hebb/select)",
  ],
  notes: [
    "The specification's step of 0.01 moves w by 0.2 in 20 rounds at a loss of 1: in a trial on the tuning seed the answer was the " +
      "random start, row for row. Both learning rates of the search are therefore tuned like a method's: 8 draws on seed 900 " +
      "(unlearning 1e-4 to 3e-3, choosing 0.1 to 30), by the error on the found set after fine-tuning (least is best; among " +
      "equals, the least mean loss, as errors reach 0). The other searches (by GA, easiest) take the same values.",
    "Methods are tuned on the random set of seed 900 by AvgGap, 8 draws each, and keep these options on every set.",
    "Every set has one retrained model of its own, which shares start and shuffling with the original; scores are against it. " +
      "There is no noise floor.",
    "The bilevel search restarts from the original parameters in each round, sums losses over batches of 128, and takes losses " +
      "of the whole training set at once; the perceptron has no mode of training apart. Its answer are the largest w.",
    "Rows of lowest loss and of lowest gradient norm (grand of hebb/select, all parameters) under the original are the cheap " +
      "rivals; ties go to the first row.",
    "As everywhere in the family, a difference must have its interval beyond 0 and its sign in every seed: part (a), whose words " +
      "ask for its mean alone, as well.",
    "UA on random sets: by seed, the mean of the draws. Whether RL drifts further from retraining on the worst set is reported, " +
      "not judged; so are the transfer of the set found by GA, and the easiest set.",
    "Cannot show: convolutional networks, several data sets, or prompts of a diffusion model.",
  ],
  run,
  judge: judgeWorstCase,
  figures: worstCaseFigures,
});

async function run(context: RunContext<Options>): Promise<void> {
  const { options, seeds, cache, signal } = context;
  refuseTuningSeed(seeds, "worst-case-forget-sets");
  const track = await trackC(options.data, context);
  const chosen = options.sets.flatMap((set) =>
    Array.from({ length: set === "random" ? options.draws : 1 }, (_, draw) => ({ set, draw })),
  );
  const total = 1 + seeds.length * chosen.length;
  context.progress(0, total, "tuning");
  const settled = await settle(context, track);
  let done = 1;
  for (const seed of seeds) {
    const original = once(() => problemOf(track, seed, context));
    for (const { set, draw } of chosen) {
      const setting = set === "random" ? { draw } : undefined;
      const name = [set, ...(setting ? [`draw ${draw}`] : []), `seed ${seed}`].join(", ");
      context.progress(done++, total, name);
      const forget = await context.unit(`set, ${name}`, async () => {
        const problem = await original();
        const { checkpoint, meter } = context;
        const { rows, passes } = await chooseSet({
          ...{ set, draw, track, problem, signal, size: options.size, search: settled.search },
          from: checkpoint.restore<WorstCaseState>(),
          onRound: (state) => checkpoint.save(() => state),
        });
        meter.step(Math.round(passes));
        const losses = await rowScores(problem.perExampleLoss, { signal })(problem.params, problem.train);
        lossHistogram(Array.from(rows, (row) => losses[row])).forEach((share, step) => {
          context.metric({ arm: "original", seed, step, setting: { scenario: set, ...setting }, values: { share } });
        });
        return [...rows];
      });
      const scene = once(() =>
        sceneOf(
          track,
          { ...track.draw("random10", seed), forget: Int32Array.from(forget), scenario: set, seed },
          { cache, golds: 1, signal },
        ),
      );
      const place: Place = { scenario: set, seed, setting, scene };
      await referenceUnit(context, place);
      for (const method of options.methods) await unlearnUnit(context, place, arms[method], settled.methods[method]!);
    }
  }
  context.progress(total, total);
}

/** The original of a seed with its training set: all that choosing a set may look at. */
async function problemOf(
  track: Track<MlpParams>,
  seed: number,
  { cache, signal }: Pick<RunContext<Options>, "cache" | "signal">,
): Promise<ForgetSetProblem<MlpParams>> {
  const { train } = track.draw("random10", seed);
  const params = await cachedTraining(track.recipe, cache, signal)(train, seed);
  return { params, perExampleLoss: track.perExampleLoss, train, seed };
}

/** The options of the methods, and then of the search, on the tuning seed. */
async function settle(context: RunContext<Options>, track: Track<MlpParams>): Promise<Settled> {
  const { options, cache, signal } = context;
  const { trials, methods, search } = options;
  if (trials === 0) return { methods: options.untuned ?? {}, search };
  return context.unit("tuning", async () => {
    const scene = await openScene(track, "random10", tuningSeed, { cache, signal });
    const best: [Method, Drawn][] = [];
    for (const method of methods) {
      const { options: drawn } = await tuneArm(arms[method], scene, { cache, trials, signal });
      context.log(`${method} with ${JSON.stringify(drawn)}`);
      best.push([method, drawn]);
    }
    const settled = Object.fromEntries(best) as Settled["methods"];
    const tuned = await tuneSearch(context, track, settled.FT!);
    context.log(`The search with ${JSON.stringify(tuned)}`);
    return { methods: settled, search: { ...search, ...tuned } };
  });
}

const searchSpace = { innerLearningRate: { log: [1e-4, 3e-3] }, weightLearningRate: { log: [0.1, 30] } } as const;

/** The learning rates of the search whose set is known best after fine-tuning. */
async function tuneSearch(
  context: RunContext<Options>,
  track: Track<MlpParams>,
  fineTuning: Drawn,
): Promise<Partial<SearchOptions>> {
  const { options, cache, signal } = context;
  const { size, search, trials } = options;
  const problem = await problemOf(track, tuningSeed, context);
  const original = await paramsHash(problem.params);
  const tried: SearchTrial[] = [];
  for (const drawn of drawConfigurations({ name: "worst-case search", space: searchSpace }, trials)) {
    const config = { worstCase: track.name, original, seed: tuningSeed, size, ...search, ...drawn, fineTuning };
    const found = await cache.get(config, async () => {
      const job = { track, problem, size, search: { ...search, ...drawn }, signal };
      const { rows } = await chooseSet({ ...job, set: "worst", draw: 0 });
      return afterFineTuning(track, problem, rows, { ...fineTuning, signal });
    });
    tried.push({ drawn, ...found });
  }
  return bestSearch(tried);
}

/** How well the rows that a search found are known, in percent of errors and in mean loss, after fine-tuning on the others. */
interface SearchTrial {
  readonly drawn: Drawn;
  readonly error: number;
  readonly loss: number;
}

/** The options of the best of these trials: of the least error, and among equals, which are many at 0, of the least loss. */
export const bestSearch = (trials: readonly SearchTrial[]): Drawn =>
  [...trials].sort((a, b) => a.error - b.error || a.loss - b.loss)[0].drawn;

async function afterFineTuning(
  track: Track<MlpParams>,
  problem: ForgetSetProblem<MlpParams>,
  rows: Int32Array,
  options: object,
): Promise<Omit<SearchTrial, "drawn">> {
  const away = new Set(rows);
  const others = Array.from({ length: problem.train.x.shape[0] }, (_, row) => row).filter((row) => !away.has(row));
  const [forget, retain] = [rows, others].map((own) => ({ ...take(problem.train as Dataset, own), name: "rows" }));
  const whole = {
    params: problem.params,
    apply: track.apply,
    perExampleLoss: problem.perExampleLoss,
    seed: problem.seed,
  };
  const { params } = await unlearn(finetune, { ...whole, forget, retain }, options).run();
  const losses = await rowScores(problem.perExampleLoss)(params, forget);
  return { error: 100 - accuracyOf(await predictor(track)(params, forget), forget), loss: mean([...losses]) };
}
