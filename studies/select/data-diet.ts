import { defineStudy, type RunContext, spearman } from "../../src/lab/index.js";
import { flipLabels, scoreNoiseAuc } from "../../src/select/index.js";
import { asImages, cnnModel, macsOfCnn, macsOfMlp, narrowModel, openBench, recipe } from "./data-diet-bench.js";
import { dataDietFigures, extremeImages } from "./data-diet-figures.js";
import { judgeDataDiet } from "./data-diet-judge.js";
import {
  checkSeeds,
  learningRateOf,
  type Options,
  type Pruned,
  smoke,
  standard,
  stepsPerEpoch,
  totalSteps,
} from "./data-diet-options.js";
import { earlyScores, initialGrand, inputNorms, type Scores, wholeRunForgetting } from "./data-diet-scores.js";
import { type Kept, Work } from "./data-diet-work.js";

export default defineStudy<Options>({
  slug: "data-diet",
  claim:
    "Scores from a few epochs of training (EL2N, GraNd) say which examples matter: half of the data can go without loss " +
    "of accuracy, the scores transfer between architectures and find wrong labels.",
  criterion:
    "At keep 0.5, in test accuracy, paired by seed, 95 % intervals (Student t below 10 seeds, else bootstrap): EL2N minus " +
    "random has its interval above 0, and full minus EL2N has the upper end of its interval below 0.5 points: replicated. " +
    "One of the two: partly. EL2N minus random with its interval below 0: contradicted. Otherwise: not at this scale. " +
    "Reported separately: AUROC of EL2N for flipped labels above 0.9; rank correlation with the scores of other " +
    "architectures above 0.7; erratum confirmed if GraNd at initialisation is not better than random (keep 0.5) and its " +
    "rank correlation with the input norm exceeds 0.5.",
  arms: {
    full: "All rows",
    random: "Random rows",
    el2n: "Highest EL2N",
    grand: "Highest GraNd",
    "grand-init": "Highest GraNd at initialisation",
    forgetting: "Most forgotten (from full runs)",
    "el2n-easy": "Lowest EL2N",
    "input-norm": "Highest input norm",
    window: "Window of the EL2N ranking",
    "noisy-window": "Window of the EL2N ranking, noisy labels",
    "noisy-random": "Random rows, noisy labels",
    narrow: "EL2N of a narrower perceptron",
    cnn: "EL2N of a convolutional network",
  },
  measures: {
    accuracy: { label: "Test accuracy", unit: "%", better: "higher" },
    startLoss: { label: "Training loss, first steps", better: "lower" },
    endLoss: { label: "Training loss, last steps", better: "lower" },
    rankCorrelation: { label: "Rank correlation of the score with EL2N" },
    normCorrelation: { label: "Rank correlation of the score with the input norm" },
    auroc: { label: "AUROC of EL2N for flipped labels", better: "higher" },
  },
  scales: {
    smoke: {
      seeds: [0],
      options: smoke,
      about: "8x8 digits, 64-256-10, 100 steps; EL2N and random at keep 0.5; seconds",
    },
    standard: {
      seeds: [0, 1, 2, 3],
      options: standard,
      about:
        "12,000 rows of Fashion-MNIST, 784-256-10, 1,860 steps for every arm, 8 score runs of 2 epochs; about 7 minutes",
    },
  },
  controls: {
    hidden: { kind: "integer", label: "Hidden units", min: 4, max: 2048 },
    batchSize: { kind: "integer", label: "Batch size", min: 1, max: 1024 },
    momentum: { kind: "number", label: "Momentum", min: 0, max: 0.99 },
  },
  offers: [
    "el2n, grand, forgettingScores (hebb/select)",
    "averageScores, scoreRows, scoreNetworks (hebb/select)",
    "pruneByScore (hebb/select)",
    "flipLabels, scoreNoiseAuc (hebb/select)",
    "networkTrainer (hebb/select)",
  ],
  notes: [
    "Every arm takes the same number of steps of the same schedule: 20 epochs over all rows, more over fewer.",
    "Momentum 0.9 and weight decay 5e-4 are the paper's; a half cosine stands for its step decay. Learning rates: tuned " +
      "for each arm and fraction on validation rows, see data-diet-options.ts.",
    "Windows take the learning rate of EL2N, noisy random rows that of random rows.",
    "The rank correlations with EL2N also stand for GraNd, forgetting and the input norm; the criterion asks for those " +
      "of the two other architectures.",
    "Cannot show: Fashion-MNIST has less redundancy than CIFAR, and a perceptron takes no augmentation. The paper's " +
      "linear mode connectivity is not covered, nor is its own scale (CIFAR, ResNet-18 and 50, 200 epochs).",
  ],
  run,
  judge: judgeDataDiet,
  figures: dataDietFigures,
});

async function run(context: RunContext<Options>): Promise<void> {
  checkSeeds(context.seeds, context.options);
  const work = new Work(context, await openBench(context.options, context));
  const scores = await scoreRows(work);
  const accuracy = await retrainArms(work, scores);
  await noiseBlock(work, scores.el2n, accuracy);
  await transferBlock(work, scores.el2n);
}

/** Scores of all training rows, by the arm that keeps rows by them. Test rows take no part in any. */
type AllScores = { el2n: Scores } & Partial<Record<Pruned, Scores>>;

async function scoreRows(work: Work): Promise<AllScores> {
  const { context, bench, options } = work;
  const { train, model } = bench;
  const job = work.scoreJob(work.trainer, model, train);
  const [seed] = job.seeds;
  const norms = inputNorms(train);
  const wants = (arm: Pruned) => options.pruned.includes(arm);
  const compare = (arm: Pruned, score: Scores, el2n: Scores, more: Record<string, number> = {}) =>
    context.record({ arm, seed, measures: { rankCorrelation: spearman(score, el2n), ...more } });

  const early = await work.unit("scores", job, async (onSteps) => {
    const found = await earlyScores({ ...job, onSteps }, { withGrand: wants("grand") });
    if (found.grand) compare("grand", found.grand, found.el2n);
    if (wants("input-norm")) compare("input-norm", norms, found.el2n);
    extremeImages(train, bench.image, found.el2n).forEach(({ score, ...setting }, step) => {
      context.metric({ arm: "el2n", seed, step, setting, values: { score } });
    });
    return found;
  });
  const scores: AllScores = { ...early, "el2n-easy": early.el2n, "input-norm": norms };
  if (wants("grand-init")) {
    scores["grand-init"] = await work.unit("scores at initialisation", job, async () => {
      const found = await initialGrand(job);
      compare("grand-init", found, early.el2n, { normCorrelation: spearman(found, norms) });
      return found;
    });
  }
  if (wants("forgetting")) {
    const whole = { ...job, steps: totalSteps(options) };
    scores.forgetting = await work.unit("forgetting in full runs", whole, async (onSteps) => {
      const found = await wholeRunForgetting({ ...whole, onSteps });
      compare("forgetting", found, early.el2n);
      return found;
    });
  }
  return scores;
}

/** Test accuracies by seed, for each arm and share of the rows. */
type Accuracies = ReadonlyMap<string, readonly number[]>;

/** Fresh networks, of seeds that no score run had, on all rows and on those that each score keeps. */
async function retrainArms(work: Work, scores: AllScores): Promise<Accuracies> {
  const { options, trainer } = work;
  const accuracy = new Map<string, readonly number[]>();
  const train = async (arm: string, keep: number, kept?: Kept) => {
    const learningRate = learningRateOf(options, arm, keep);
    accuracy.set(`${arm} ${keep}`, await work.retrain({ arm, setting: { keep }, learningRate, trainer, kept }));
  };
  await train("full", 1);
  for (const keep of options.keeps) {
    for (const arm of options.pruned) {
      const which = arm === "random" ? "random" : arm === "el2n-easy" ? "easy" : "hard";
      // What "random" keeps does not depend on the score that it is handed.
      await train(arm, keep, { score: scores[arm] ?? scores.el2n, keep, which });
    }
  }
  return accuracy;
}

/** Windows of the EL2N ranking with true labels and, scored and retrained anew, with some labels flipped. */
async function noiseBlock(work: Work, clean: Scores, accuracy: Accuracies): Promise<void> {
  const { context, bench, options } = work;
  if (!options.noise) return;
  const { fraction, seed, offsets, keep } = options.noise;
  const noisy = flipLabels(bench.train, fraction, seed);
  const noisyTrainer = recipe(bench.model, noisy.data, options);
  const job = work.scoreJob(noisyTrainer, bench.model, noisy.data);
  const score = await work.unit("scores with noisy labels", job, async (onSteps) => {
    const { el2n } = await earlyScores({ ...job, onSteps });
    context.record({ arm: "noisy-window", seed, measures: { auroc: scoreNoiseAuc(el2n, noisy.flipped) } });
    return el2n;
  });
  const learningRate = learningRateOf(options, "el2n", keep);
  const windows = [
    { arm: "window", trainer: work.trainer, score: clean },
    { arm: "noisy-window", trainer: noisyTrainer, score },
  ];
  for (const { arm, trainer, score } of windows) {
    for (const offset of offsets) {
      const setting = { keep, offset };
      const known = arm === "window" && offset === 0 ? accuracy.get(`el2n ${keep}`) : undefined;
      // The window at the top of the true ranking is what the arm "el2n" kept: the same networks, trained already.
      known?.forEach((value, s) => {
        context.record({ arm, seed: context.seeds[s], setting, measures: { accuracy: value } });
      });
      const kept = { score, keep, skipTop: offset, which: "hard" } as const;
      if (!known) await work.retrain({ arm, setting, learningRate, trainer, kept });
    }
  }
  await work.retrain({
    arm: "noisy-random",
    setting: { keep },
    learningRate: learningRateOf(options, "random", keep),
    trainer: noisyTrainer,
    kept: { score, keep, which: "random" },
  });
}

/** Rank correlation of the study's EL2N with that of other architectures, from fewer and shorter runs. */
async function transferBlock(work: Work, el2n: Scores): Promise<void> {
  const { context, bench, options } = work;
  if (!options.transfer) return;
  const { hidden, channels, seeds, epochs, learningRates } = options.transfer;
  const steps = epochs * stepsPerEpoch(options);
  const narrow = {
    model: narrowModel(bench, hidden),
    data: bench.train,
    macs: macsOfMlp(bench.train.x.shape[1], hidden),
  };
  const cnn = {
    model: cnnModel(bench, channels),
    data: asImages(bench.train, bench),
    macs: macsOfCnn(bench.image, channels),
  };
  for (const [arm, { model, data, macs }] of [["narrow", narrow] as const, ["cnn", cnn] as const]) {
    await work.unit(`scores of ${arm}`, { steps, macs }, async (onSteps) => {
      const job = work.scoreJob(recipe(model, data, options), model, data, macs);
      const found = await earlyScores({ ...job, seeds, steps, learningRate: learningRates[arm], onSteps });
      const measures = { rankCorrelation: spearman(found.el2n, el2n) };
      context.record({ arm, seed: seeds[0], measures });
    });
  }
}
