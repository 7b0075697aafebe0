import { defineStudy, type RunContext } from "../../src/lab/index.js";
import { nameOf, type Place, unlearnUnit } from "./arm-unit.js";
import { measures, references, referenceUnit } from "./bench.js";
import { once } from "./once.js";
import { settle } from "./settle.js";
import { type Recovery, sparseScene } from "./sparse-scene.js";
import { type DenseArm, denseArms, type SparseArm, sameTime, sparseArms } from "./sparsity-arms.js";
import { sparsityFigures } from "./sparsity-figures.js";
import { judgeSparsity } from "./sparsity-judge.js";
import { openScene, type Scene } from "./track.js";
import { type ScenarioC, trackC } from "./track-c.js";
import { type Arm, type Drawn, refuseTuningSeed, tuningSeed } from "./tuning.js";

type Tuned = SparseArm | DenseArm;

interface Options {
  readonly data: Parameters<typeof trackC>[0];
  readonly scenarios: readonly ScenarioC[];
  /** The shares of the weights that are removed; 0 is the dense original. */
  readonly sparsities: readonly number[];
  readonly golds: number;
  readonly recovery: Recovery;
  /** Arms besides FT, GA and IU, on the dense original. */
  readonly dense: readonly DenseArm[];
  /** Configurations of each arm that are tried on the tuning seed; 0 takes `untuned`. */
  readonly trials: number;
  readonly untuned?: Readonly<Partial<Record<Tuned, Drawn>>>;
}

interface SparsePlace extends Place {
  readonly sparsity: number;
  /** How far a sparse model is from the dense gold models. */
  readonly besideDense?: (params: unknown) => Promise<{ readonly denseGap: number }>;
}

const recovery: Recovery = { learningRate: 0.05, optimizer: "sgd", batchSize: 128, epochs: 20 };

export default defineStudy<Options>({
  slug: "sparsity-simplifies-unlearning",
  claim:
    "Pruning before unlearning brings approximate unlearning closer to retraining, whatever the method; and an l1 penalty " +
    "makes fine-tuning forget far more of a class.",
  criterion:
    "Gate: dense originals reach 99 % training accuracy, 8 points above test accuracy. First half (scenario `class`): UA of " +
    "l1-sparse minus UA of the best-tuned fine-tuning is above 0 (95 % bootstrap interval over 5 seeds, sign the same in 4), " +
    "its mean AvgGap is lower, and it costs less than 3 points of RA. Second half: AvgGap at sparsity 0.95 minus dense, each " +
    "against gold models with its own mask, mean over FT, GA and IU and both scenarios, is below 0 (interval, sign). Both: " +
    "replicated; one: partly. Sparsity raising AvgGap for two methods or more (intervals above 0): contradicted. " +
    "Otherwise: not at this scale.",
  arms: {
    ...references,
    FT: "Fine-tuning on the retain set",
    GA: "Gradient ascent on the forget set",
    IU: "Influence unlearning, diagonal Fisher",
    GradDiff: "Ascent on the forget set, descent on the retain set",
    RL: "Random labels on the forget set",
    "l1-sparse": "Fine-tuning with a falling l1 penalty",
    "l1-constant": "Fine-tuning with a constant l1 penalty",
    "FT-same-time": "Fine-tuning with the steps and the learning rate of l1-sparse",
    "FT-high-lr": "Fine-tuning with high learning rates",
    "FT-L2": "Fine-tuning with weight decay",
  },
  measures: {
    ...measures,
    denseGap: { label: "Mean distance of UA, RA, TA, MIA from dense gold", unit: "points" },
    tuningGap: { label: "AvgGap of the best trial on the tuning seed", unit: "points" },
  },
  scales: {
    smoke: {
      seeds: [0, 1],
      options: {
        data: "digits",
        scenarios: ["class"],
        sparsities: [0, 0.9],
        golds: 1,
        recovery: { ...recovery, epochs: 5 },
        dense: ["l1-sparse"],
        trials: 0,
        untuned: {
          FT: { learningRate: 0.05, epochs: 2 },
          GA: { learningRate: 1e-3, epochs: 2 },
          IU: { scale: 10, damping: 1e-3, samples: 64 },
          "l1-sparse": { learningRate: 0.05, epochs: 4 },
        },
      },
      about: "8x8 digits, 64-64-32-10, one class forgotten, sparsity 0.9 in place of 0.95; seconds",
    },
    standard: {
      seeds: [0, 1, 2, 3, 4],
      options: {
        data: "fashion6k",
        scenarios: ["random10", "class"],
        sparsities: [0, 0.5, 0.9, 0.95],
        golds: 3,
        recovery,
        dense: ["GradDiff", "RL", "l1-sparse", "l1-constant", "FT-high-lr", "FT-L2"],
        trials: 8,
      },
      about:
        "6,000 images of Fashion-MNIST, 784-256-128-10, two scenarios, four sparsities with gold models of their own (3 for " +
        "each), every arm tuned on seed 900; about 40 minutes, half of it for gold models",
    },
  },
  controls: {
    golds: {
      kind: "integer",
      label: "Retrained models",
      min: 1,
      max: 10,
      about: "for each seed, scenario and sparsity",
    },
  },
  offers: [
    "unlearn, l1Sparse, prune, pruneThenUnlearn, maskedProblem, influenceUnlearn (hebb/forget)",
    "scorecard, evaluateUnlearning, goldModels, miaEfficacy, unrollingErrorBound (hebb/forget)",
    "magnitudeMask, iterativeMagnitudePrune (hebb/compress)",
    "withMask, applyMask (hebb/nn)",
  ],
  notes: [
    "Sparsity is that of one-shot magnitude pruning over all weight matrices together; biases stay. The sparse original is " +
      "trained 20 epochs on all of the data under the mask, until it knows them by heart again. Other ways to prune " +
      "(SynFlow, iterative) are not compared; any mask works, such as that of iterativeMagnitudePrune.",
    "A sparse model is the dense one with masked parameters inside the loss, so that gradients and moments of dead weights " +
      "are exactly 0 under every optimiser. Gold models start from masked weights and train under the same mask.",
    "The l1 penalty stands beside the mean loss over the retain set and covers all parameters, biases too; subgradient with " +
      "sign(0) = 0, through SGD with momentum 0.9.",
    "Tuning: 8 draws for each arm, scenario and sparsity on seed 900 by AvgGap, at most 25 % of one retraining's passes; the " +
      "draws of an arm are the same in all scenarios and at all sparsities. Pruning is not counted, since it comes before the " +
      "request. The best-tuned fine-tuning is FT or FT-high-lr, whichever had the lower AvgGap there: 16 trials against 8 of " +
      "l1-sparse. As the class is the seed modulo 10 and rows are the same for all seeds, tuning forgets the class of seed 0.",
    "RA lost by l1-sparse is measured from the original. The second half averages over both scenarios. In `class` the gap to " +
      "test accuracy is that to rows of the other classes. The gate asks dense originals only; how well sparse ones know the " +
      "data is among the measures. Beside AvgGap, from gold models with the same mask, stands how far a sparse model is from dense gold.",
    "IU uses the diagonal of the empirical Fisher information of 512 retain rows in place of WoodFisher.",
    "MIA rests on confidence, by a threshold fitted on retain and test rows, never on forget rows. In `random10` the ideal " +
      "UA is gold's (about 13), not 100.",
    "Equal wall-clock is equal steps at equal batch size: FT-same-time. Seconds are in the record of each unit, not among the " +
      "measures: these must come out alike when a run is repeated. No relearning time (AIN) and no backdoor experiment here.",
    "Cannot show: convolutional networks, sparsity of structured kinds, or what a larger data set would memorise.",
  ],
  run,
  judge: judgeSparsity,
  figures: sparsityFigures,
});

async function run(context: RunContext<Options>): Promise<void> {
  const { options, seeds } = context;
  refuseTuningSeed(seeds, "sparsity-simplifies-unlearning");
  const track = await trackC(options.data, context);
  const placesOf = (scenario: ScenarioC, seed: number) => {
    const { cache, signal } = context;
    const common = { cache, signal, golds: options.golds };
    const dense = once(() => openScene(track, scenario, seed, common));
    return options.sparsities.map(
      (sparsity): SparsePlace => ({
        scenario,
        seed,
        sparsity,
        setting: { sparsity },
        scene: once(async () => sparseScene(track, await dense(), sparsity, options.recovery, common)),
        ...(sparsity === 0 ? {} : { besideDense: async (params) => gapFrom(await dense(), params) }),
      }),
    );
  };
  const steps = options.scenarios.length * (1 + seeds.length) * options.sparsities.length;
  let done = 0;
  const tick = (label: string) => context.progress(done++, steps, label);
  for (const scenario of options.scenarios) {
    const settled = new Map<number, Partial<Record<Tuned, Drawn>>>();
    for (const place of placesOf(scenario, tuningSeed)) {
      tick(nameOf(place, "tuning"));
      settled.set(place.sparsity, await settle(context, place, armsAt(options, place.sparsity)));
    }
    for (const seed of seeds) {
      for (const place of placesOf(scenario, seed)) {
        tick(nameOf(place, "unlearning"));
        await referenceUnit(context, place);
        const drawn = settled.get(place.sparsity)!;
        for (const [name, arm] of Object.entries(armsAt(options, place.sparsity)))
          await unlearnUnit(context, place, arm, drawn[name as Tuned] ?? {}, place.besideDense);
        const { learningRate, epochs } = drawn["l1-sparse"] ?? {};
        if (place.sparsity === 0 && epochs !== undefined)
          await unlearnUnit(context, place, sameTime, { learningRate, epochs } as Drawn);
      }
    }
  }
  context.progress(steps, steps);
}

const gapFrom = async (dense: Scene, params: unknown) => ({ denseGap: (await dense.card.score(params)).AvgGap });

const armsAt = ({ dense }: Options, sparsity: number): Partial<Record<Tuned, Arm>> => ({
  ...sparseArms,
  ...(sparsity === 0 ? Object.fromEntries(dense.map((name) => [name, denseArms[name]])) : {}),
});
