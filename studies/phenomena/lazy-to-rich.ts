import { HebbError } from "../../src/engine/index.js";
import { defineStudy, type RunContext } from "../../src/lab/study.js";
import { polyRegressionTask } from "../../src/phenomena/index.js";
import { lazyFigures } from "./lazy-figures.js";
import { judgeLazy } from "./lazy-judge.js";
import {
  type Lane,
  type StudentsOptions,
  type StudentsUnderWay,
  stableRates,
  studentProgram,
  trainStudents,
} from "./lazy-students.js";
import { summariseRun } from "./lazy-summary.js";
import { openImages, type TransferOptions, trainTransfer } from "./lazy-transfer.js";

interface Options extends StudentsOptions {
  readonly epsilons: readonly number[];
  readonly alphas: readonly number[];
  /** The size of the training set of the sweep over alpha; all of its networks are also trained linearised. */
  readonly points: number;
  /** Too few and enough examples, at `sizesAlpha`. */
  readonly sizes: readonly number[];
  readonly sizesAlpha: number;
  readonly eta: number;
  /** Up to this alpha the network's curvature grows too much for `eta`; one of `smallEtas` is chosen on tuning seeds. */
  readonly smallAlpha: number;
  readonly smallEtas: readonly number[];
  readonly tuningSeeds: readonly number[];
  readonly tuningSteps: number;
  readonly transfer: TransferOptions;
}

const standard: Options = {
  D: 30,
  N: 100,
  steps: 20_000,
  measured: 60,
  epsilons: [0.25, 0.1],
  alphas: [0.1, 0.3, 1, 3, 10, 100],
  points: 250,
  sizes: [80, 2000],
  sizesAlpha: 10,
  eta: 10,
  smallAlpha: 0.3,
  smallEtas: [1, 2, 3, 4, 5, 6],
  tuningSeeds: [101, 102],
  tuningSteps: 2000,
  transfer: {
    data: "fashion-mnist",
    hidden: [200, 200],
    images: 1000,
    testImages: 2000,
    alphas: [0.5, 5, 50],
    seeds: 3,
    steps: 800,
    measured: 40,
    eta: 2e-3,
    momentum: 0.9,
    lagFraction: 0.2,
    kernelImages: 8,
  },
};

export default defineStudy<Options>({
  slug: "lazy-to-rich",
  claim:
    "Grokking without regularisation is a late escape from kernel regression with the initial features: it needs a " +
    "misaligned initial kernel, an intermediate amount of data and a lazy start, and the output scale alpha switches it " +
    "on and off.",
  criterion:
    "Part A, conditions that name no eps at both: (1) Spearman(alpha, lag) >= 0.9; (2) at alpha 3 and 10 the test loss " +
    "falls by >= 50 % after the train loss has gone below 2 % of its start (“fit”), while that of the linearised network " +
    "falls by <= 25 % after its own fit and ends >= 2 times higher (interval of the log ratio above 0); (3) feature " +
    "alignment rises by >= 0.05 between fit and end; (4) at alpha 10, P = 2000 the lag is < 1.5, and at P = 80 the test " +
    "loss ends > 50 % of its start. All four: replicated. Three of four: partly. Networks that do not fit: not at this " +
    "scale. Opposite sign with its interval off 0: contradicted. Lag: first time at 10 % of the initial test loss over " +
    "the same of the train loss. Part B (Fashion-MNIST) is reported and changes nothing.",
  arms: {
    network: "Student network (alpha (f(w) − f(w0)), learning rate over alpha^2)",
    linearised: "First-order model of the same network: kernel regression with the initial kernel",
    mlp: "Part B: MLP on images, the same output scale",
  },
  measures: {
    lag: { label: "Lag", unit: "ratio" },
    lagIsBound: { label: "Lag is a lower bound", unit: "1 = yes" },
    fitStep: { label: "Fit", unit: "steps" },
    testAtFit: { label: "Test loss at fit", unit: "% of start", better: "lower" },
    testEnd: { label: "Test loss at the end", unit: "% of start", better: "lower" },
    trainEnd: { label: "Train loss at the end", unit: "% of start", better: "lower" },
    alignmentAtFit: { label: "Feature alignment at fit" },
    alignmentEnd: { label: "Feature alignment at the end" },
    ntkAlignmentAtFit: { label: "Kernel alignment at fit" },
    ntkAlignmentEnd: { label: "Kernel alignment at the end" },
    ntkCentredAtFit: { label: "Centred kernel alignment at fit" },
    ntkCentredEnd: { label: "Centred kernel alignment at the end" },
    relMove: { label: "Weights moved" },
    kernelMove: { label: "Kernel moved" },
    testAccuracyEnd: { label: "Test accuracy at the end", unit: "%", better: "higher" },
  },
  scales: {
    smoke: {
      // Not those of the verdict, which nobody should have looked at before.
      seeds: [11],
      options: {
        ...standard,
        D: 15,
        N: 50,
        steps: 800,
        measured: 25,
        epsilons: [0.25],
        alphas: [1, 3, 10, 100],
        points: 65,
        sizes: [20, 400],
        transfer: {
          ...standard.transfer,
          data: "digits8",
          hidden: [50, 50],
          images: 200,
          testImages: 200,
          alphas: [0.5, 50],
          seeds: 1,
          steps: 100,
          measured: 12,
          eta: 5e-3,
        },
      },
      about:
        "D = 15, N = 50, P = 65 (and 20, 400), eps 0.25, alpha from 1 to 100, 800 steps; part B on 8x8 digits; seconds",
    },
    standard: {
      seeds: [0, 1, 2, 3, 4],
      options: standard,
      about:
        "D = 30, N = 100, P = 250 (and 80, 2000), 2 eps x 6 alpha, 20,000 steps in float64; MLP 784-200-200-10 on 1,000 " +
        "images of Fashion-MNIST for part B; about 9 minutes",
    },
    full: {
      seeds: [0, 1, 2, 3, 4],
      options: { ...standard, D: 100, N: 500, points: 2500, sizes: [800, 20_000], steps: 100_000 },
      about: "D = 100, N = 500, P = 2500 (and 800, 20000), 100,000 steps; for a GPU",
    },
  },
  controls: {
    steps: { kind: "integer", label: "Training steps of part A", min: 100, max: 200000 },
  },
  offers: [
    "outputScaled, scaledLr (hebb/phenomena)",
    "linearise (hebb/phenomena)",
    "ntk, kernelTaskAlignment (hebb/phenomena)",
    "laziness (hebb/phenomena)",
    "polyRegressionTask, quadraticStudent, exactPolyTestLoss (hebb/phenomena)",
    "grokLag (hebb/phenomena)",
  ],
  notes: [
    "Conditions (2) to (4) name no eps; they are asked at each eps of the grid, which is the strictest reading.",
    "Spearman's correlation is taken per seed and averaged. A test loss that never falls to 10 % gives a lower bound of " +
      "the lag (last step / train time), which enters in its place: at large alpha this can only lower the correlation.",
    "At alpha <= 0.3 eta is the largest of 1 to 6 for which the train loss never rises over 2,000 steps on the tuning " +
      "seeds 101 and 102; the linearised network of an alpha has the same eta. Everywhere else eta is 10.",
    "Two tuning seeds did not bound it safely: on seed 1 the network at eps 0.25, alpha 0.1 oscillates from about step 80 " +
      "on, with its train loss near 2 %. Its lag had been settled by step 15, and nothing else of it is asked for.",
    "Condition (3) is tight in one of its four cells: at eps 0.1, alpha 3 features are aligned to 0.94 at the fit already, so " +
      "that a rise of 0.05 depends on the draw of the data (over 16 other draws, in another implementation: mean 0.051, " +
      "standard deviation 0.013). The other three cells are clear of it.",
    "The tangent kernel's alignment is measured on the first 250 training examples at most.",
    "Part B trains by full-batch gradient descent with momentum 0.9, and its lag is taken at 20 % of the initial losses: " +
      "on tuning seeds the test loss never fell to 10 %. Eta was chosen on a tuning seed.",
    "Cannot show the paper's transformer on modular addition, nor its limit of large N and D.",
  ],
  run,
  judge: judgeLazy,
  figures: lazyFigures,
});

async function run(context: RunContext<Options>): Promise<void> {
  const { options, seeds, signal, checkpoint } = context;
  const { alphas, epsilons, points, sizes, sizesAlpha, smallAlpha } = options;
  const shared = seeds.filter((seed) => options.tuningSeeds.includes(seed));
  if (shared.length > 0) throw new HebbError(`Seeds ${shared.join(", ")} are tuning seeds and cannot give a verdict.`);

  const images = await openImages(context, options.transfer);
  const programs = { network: studentProgram(options), linearised: studentProgram({ ...options, linearised: true }) };
  const small = epsilons.flatMap((eps) => alphas.filter((a) => a <= smallAlpha).map((alpha) => ({ eps, alpha })));
  const chosen = await context.unit("eta at small alpha", () =>
    stableRates(programs.network, { ...options, points, cells: small, signal, checkpoint }),
  );
  const lane = (eps: number, alpha: number): Lane => {
    const tuned = small.findIndex((cell) => cell.eps === eps && cell.alpha === alpha);
    return { eps, alpha, eta: tuned < 0 ? options.eta : chosen[tuned] };
  };
  const sweep = epsilons.flatMap((eps) => alphas.map((alpha) => lane(eps, alpha)));
  const others = epsilons.map((eps) => lane(eps, sizesAlpha));

  // Units differ in cost: it goes by lanes times the examples of each, and the D^2 products that do not depend on P.
  const jobs = seeds.flatMap((seed) => [
    { seed, arm: "network" as const, P: points, lanes: sweep },
    { seed, arm: "linearised" as const, P: points, lanes: sweep },
    ...sizes.map((P) => ({ seed, arm: "network" as const, P, lanes: others })),
  ]);
  const costOf = ({ P, lanes }: { P: number; lanes: readonly Lane[] }) => lanes.length * (P + options.N);
  const total = jobs.reduce((sum, job) => sum + costOf(job), 0);
  // Part A is about three quarters of the work.
  const partA = 0.75;
  let done = 0;
  for (const job of jobs) {
    const { seed, arm, P, lanes } = job;
    await context.unit(`seed ${seed}, P ${P}, ${arm}`, async () => {
      const settings = lanes.map(({ eps, alpha, eta }) => ({ eps, alpha, P, eta }));
      const curves = await trainStudents(programs[arm], {
        ...options,
        task: polyRegressionTask({ D: options.D, P, seed }),
        lanes,
        seed,
        signal,
        from: checkpoint.restore<StudentsUnderWay>(),
        save: (underWay) => checkpoint.save(() => underWay),
        onMeasure: (step, measures) => {
          measures.forEach((values, i) => {
            context.metric({ arm, seed, step, setting: settings[i], values });
          });
          const share = (done + (costOf(job) * step) / options.steps) / total;
          context.progress(Math.round(1000 * partA * share), 1000, `seed ${seed}, P = ${P}, ${arm}`);
        },
      });
      curves.forEach((curve, i) => {
        context.record({ arm, seed, setting: settings[i], measures: summariseRun(curve) });
      });
      // A product with the D x D moments per example, and one per unit to make them.
      context.meter.step(lanes.length * options.steps * P, options.D ** 2 * (1 + options.N / P));
    });
    done += costOf(job);
  }

  await trainTransfer(context, options.transfer, images, (share, label) =>
    context.progress(Math.round(1000 * (partA + (1 - partA) * share)), 1000, label),
  );
}
