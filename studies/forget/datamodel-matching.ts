import { defineStudy, type RunContext } from "../../src/lab/index.js";
import { armNames } from "./matching-arms.js";
import { matchingBench } from "./matching-bench.js";
import { matchingFigures } from "./matching-figures.js";
import { openFleets } from "./matching-fleets.js";
import { judgeMatching } from "./matching-judge.js";
import { ridgeArms } from "./matching-ridge.js";
import {
  attribute,
  compareArms,
  fitsOf,
  type Options,
  ridgePart,
  scoreAttribution,
  tuneArms,
} from "./matching-work.js";
import { tuningSeed } from "./tuning.js";

const standard: Options = {
  ridge: { n: 300, d: 200, forget: 15, lambdas: [0.01, 0.1, 1], draws: 10, steps: 20_000, trials: 8, goal: 0.01 },
  bench: {
    trainRows: 1000,
    valRows: 400,
    hidden: 32,
    epochs: 30,
    batchSize: 50,
    learningRate: 0.1,
    momentum: 0.9,
    stepsPerCall: 60,
  },
  datamodels: {
    nSubsets: 2000,
    alpha: 0.5,
    lambdas: [0.01, 0.03, 0.1, 0.3, 1],
    together: 50,
    seed: 0,
    fresh: 100,
    curve: [250, 500, 1000, 2000],
  },
  forget: { size: 20, seed: 1, sets: ["aligned", "random"] },
  models: 100,
  tuning: { trials: 8, models: 34 },
};

export default defineStudy<Options>({
  slug: "datamodel-matching",
  claim:
    "Predicting by data attribution what retraining without the forget set would give, and training the model to say that, " +
    "unlearns better than ascent and fine-tuning do: provably faster in the convex case, and closest to retraining in networks.",
  criterion:
    "Admission: the datamodels' LDS (Spearman, 100 fresh subsets, mean over test rows) is at least 0.3, else not at this " +
    "scale. (A) Ridge regression: oracle matching takes fewer iterations to 1 % error of the parameters than gradient descent " +
    "on every one of 10 draws. (B) Mean KLoM on the forget rows of the correlated set: DMM lower than the best of FT, GA, " +
    "GradDiff and SCRUB (bootstrap over rows and three disjoint thirds of the models, interval above 0), with its mean KLoM " +
    "on retain and test rows at most 1.5 times the noise floor. Both: replicated. One: partly. Neither: contradicted if that " +
    "interval lies below 0, else not at this scale.",
  arms: { ...armNames, datamodels: "Datamodels", ...ridgeArms },
  measures: {
    klomForget: { label: "KLoM on forget rows", unit: "nats", better: "lower" },
    klomRetain: { label: "KLoM on retain rows", unit: "nats", better: "lower" },
    klomVal: { label: "KLoM on test rows", unit: "nats", better: "lower" },
    p95Forget: { label: "KLoM on forget rows, 95th percentile", unit: "nats", better: "lower" },
    p95Retain: { label: "KLoM on retain rows, 95th percentile", unit: "nats", better: "lower" },
    p95Val: { label: "KLoM on test rows, 95th percentile", unit: "nats", better: "lower" },
    passes: { label: "Examples pushed forward and backward, one model", better: "lower" },
    steps: { label: "Steps" },
    gain: { label: "KLoM on forget rows, less than the baseline's", unit: "nats", better: "higher" },
    gainLow: { label: "Lower limit of that" },
    gainHigh: { label: "Upper limit of that" },
    lds: { label: "Linear datamodelling score", better: "higher" },
    lambda: { label: "Penalty of the datamodels, chosen" },
    iterations: { label: "Iterations to 1 % error", better: "lower" },
    reached: { label: "Reached it", unit: "1 = yes" },
    leastError: { label: "Least relative error", better: "lower" },
  },
  scales: {
    smoke: {
      seeds: [11],
      options: {
        ridge: { ...standard.ridge, n: 40, d: 20, forget: 4, lambdas: [0.1], draws: 2, steps: 2000, trials: 1 },
        bench: {
          ...standard.bench,
          trainRows: 100,
          valRows: 50,
          epochs: 4,
          batchSize: 10,
          hidden: 16,
          stepsPerCall: 20,
        },
        datamodels: { ...standard.datamodels, nSubsets: 40, together: 20, lambdas: [0.4], fresh: 10, curve: [20, 40] },
        forget: { size: 5, seed: 1, sets: ["aligned"] },
        models: 4,
        tuning: { trials: 1, models: 4 },
      },
      about: "100 rows of the 8x8 digits, 40 models behind the datamodels, 4 originals; ridge with d = 20; seconds",
    },
    standard: {
      seeds: [0, 1, 2],
      options: standard,
      about:
        "1,000 rows of the 8x8 digits, 64-32-10, 2,000 models behind the datamodels, 100 originals and 100 golds for each " +
        "of two forget sets; ridge with n = 300, d = 200; about 6 minutes",
    },
  },
  controls: {
    models: { kind: "integer", label: "Originals and golds", min: 2, max: 200 },
  },
  offers: [
    "estimateDatamodels, fitDatamodels, predictRetrained (hebb/forget)",
    "oracleMatching, datamodelMatching, dmDirect (hebb/forget)",
    "klom, labelMargins, lds (hebb/forget)",
    "ensembleProblem, scrub (hebb/forget)",
    "ridge, ridgeLeaveOut, quadraticDescent (hebb/forget)",
    "trainMany (hebb/nn)",
  ],
  notes: [
    "Part A leaves open the regulariser, the noise and the step size. Weights and noise are standard normal, inputs have " +
      "covariance diag(1/k), each method takes full-batch steps of 1 over its own largest curvature, and all start at the fit " +
      "on all rows. Lambda is asked at 0.01, 0.1 and 1, and the condition must hold at each: the strictest reading. Before " +
      "this was fixed, draws of another generator had shown that the answer depends on it: below about 0.05 oracle matching " +
      "is faster, above gradient descent is, whose objective the regulariser helps and oracle matching's not. So part A is " +
      "expected to hold at 0.01 alone, and the verdict to be partly at best.",
    "The error is ||theta - theta_retrained|| / ||theta_retrained||. GD with ascent and the SCRUB-like method end elsewhere, so " +
      "they may never reach 1 %; their weights are the best of 8 on a draw of their own.",
    "The steps of part A are taken in the basis of the Hessian's eigenvectors, which changes their cost and nothing else.",
    "Recipe of part B: inputs scaled by the training rows, SGD with momentum 0.9, peak 0.1, half a cosine, batches of 50, 30 " +
      "epochs of the rows given. Models on half of the rows therefore make half as many steps.",
    "The correlated set: the 20 rows of class 1 that lie farthest along its first principal direction. Retrained models " +
      "get these wrong (mean margin about -7, originals 7 to 8), as they do in class 9 and barely in 4 but in no other, and a linear " +
      "effect fitted on halves of the data need not reach so far; arms are tuned on class 0, where they stay right. The three seeds are " +
      "the three thirds of the models; every original, gold, and model on a subset has a seed of its own. A third's originals " +
      "share the order of the batches with which they are unlearned.",
    "The noise floor compares the golds with as many others. The exact oracle is the mean logit of those others.",
    "Tuning: 8 drawn configurations for each arm, 34 originals and golds of their own, other forget sets (seed 900), rows that " +
      "the verdict does not read; chosen by the mean KLoM over forget, retain and other rows, since AvgGap knows single models " +
      "only. The best baseline of the verdict is the one with the least mean KLoM over all models, a choice in its favour.",
    "The penalty of the datamodels is one of DMM's options and is drawn with the others: LDS, a rank correlation, does not see " +
      "how far effects are shrunk, but DMM's targets depend on it. The admission asks whether attribution works at this scale: " +
      "it takes the penalty that predicts held-out subsets best. LDS with DMM's penalty is reported beside it.",
    "Every method takes at most a quarter of a retraining's passes. The 2,000 trainings behind the datamodels are not counted: " +
      "they are made once for any forget set.",
    "With so few models KLoM is biased upwards; the floor shows by how much. The criterion compares arms with equally many. A " +
      "mean below the floor is no feat: bins span the pooled range, so a few outlying margins make them wide and the rest alike.",
    "The exact oracle gives every model the same targets, so that matching them narrows the spread over models, which KLoM " +
      "counts against it.",
    "SCRUB adds its two losses in one phase and repairs in a second, instead of alternating epochs.",
    "Cannot show the paper's scale (CIFAR-10 with tens of thousands of trainings, ImageNet-Living17).",
  ],
  run,
  judge: judgeMatching,
  figures: matchingFigures,
});

async function run(context: RunContext<Options>): Promise<void> {
  const { options, cache, signal } = context;
  await ridgePart(context);
  const bench = await matchingBench(options.bench);
  const { nSubsets, alpha, seed } = options.datamodels;
  const subsetsKey = { nSubsets, alpha, seed };
  const common = { bench, forgetSize: options.forget.size, subsetsKey, cache, signal };
  const verdict = await openFleets({ ...common, measured: bench.test, forgetSeed: options.forget.seed });
  const tuning = await openFleets({ ...common, measured: bench.val, forgetSeed: tuningSeed });
  const attribution = await attribute(context, verdict);
  const datamodels = fitsOf(attribution);
  const chosen = await tuneArms(context, tuning, datamodels);
  await scoreAttribution(context, verdict, attribution, chosen.dmm.lambda as number);
  await compareArms(context, verdict, datamodels, chosen);
}
