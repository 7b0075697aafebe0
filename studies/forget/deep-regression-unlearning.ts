import { predictor, type Relearned, relearnSteps } from "../../src/forget/index.js";
import { defineStudy, type RunContext } from "../../src/lab/index.js";
import { nameOf, type Place, unlearnUnit } from "./arm-unit.js";
import { meanScores, references, relearnMeasures } from "./bench.js";
import { deepRegressionFigures, histogram, shownArms } from "./deep-regression-figures.js";
import { judgeDeepRegression } from "./deep-regression-judge.js";
import { once } from "./once.js";
import { type Ablation, ablations, type Tuned, tunedArms } from "./regression-arms.js";
import { type SettleOptions, settle } from "./settle.js";
import { openScene, type Scene } from "./track.js";
import { type ScenarioR, trackR } from "./track-r.js";
import { type Drawn, refuseTuningSeed, tuningSeed } from "./tuning.js";

interface Options extends SettleOptions<Tuned> {
  readonly data: Parameters<typeof trackR>[0];
  readonly scenarios: readonly ScenarioR[];
  /** Models retrained without the forget set, for each seed and scenario. */
  readonly golds: number;
  readonly arms: readonly Tuned[];
  readonly ablations: readonly Ablation[];
  /** Whether to measure how long models take to relearn the forget set. */
  readonly relearn: boolean;
}

export default defineStudy<Options>({
  slug: "deep-regression-unlearning",
  claim:
    "For regression, imitating a briefly trained proxy that never saw the forget set (Blindspot), or training on targets " +
    "drawn from a normal distribution (Gaussian amnesiac), comes close to retraining in error, prediction distribution and " +
    "attack success, where plain fine-tuning does not; Blindspot is best.",
  criterion:
    "Scenario `range`, W1 = Wasserstein distance between predictions of the unlearned and of retrained models on the forget " +
    "set, paired over 5 seeds, 95 % bootstrap interval, sign the same in 4 seeds. A method passes if W1(FT) minus its W1 has " +
    "its interval above 0 and its error on retain test rows is at most 1.15 times that of retrained models. Replicated: " +
    "Blindspot passes and its W1 is below GradDiff's, too (interval above 0). Partly: not so, but one of the two methods " +
    "passes. Contradicted: neither passes, and W1(FT) minus W1(Blindspot) has its interval below 0. Otherwise: not at this " +
    "scale. Blindspot with and without attention maps is reported, not judged.",
  arms: {
    ...references,
    FT: "Fine-tuning on the retain set",
    GA: "Gradient ascent on the forget set",
    GradDiff: "Ascent on the forget set, descent on the retain set",
    amnesiac: "Gaussian amnesiac",
    blindspot: "Blindspot",
    "no-attention": "Blindspot without attention maps",
    "proxy-only": "Blindspot's proxy itself",
    "full-proxy": "Blindspot with a proxy of all rows",
  },
  measures: {
    UA: { label: "Error on the forget set (ideal: gold's)", unit: "% of 90 degrees" },
    RA: { label: "Error on the retain set (ideal: gold's)", unit: "% of 90 degrees" },
    TA: { label: "Error on test rows like those to keep (ideal: gold's)", unit: "% of 90 degrees" },
    MIA: { label: "Forget rows called non-members (ideal: gold's)", unit: "%" },
    "MIA-AUC": { label: "AUC of forget against test rows by error (ideal: gold's)" },
    AvgGap: { label: "Mean gap to gold in UA, RA, TA, MIA", unit: "points", better: "lower" },
    W1: { label: "Wasserstein distance to gold's predictions on the forget set", better: "lower" },
    Par: { label: "Distance of the parameters to the first gold model, relative" },
    cost: { label: "Passes, relative to one retraining", unit: "%", better: "lower" },
    tuningGap: { label: "AvgGap on the tuning seed", unit: "points", better: "lower" },
    relearn: { label: "Steps until the forget set is known again (ideal: gold's)" },
    capped: { label: "Not known again within 10 epochs: 1" },
    AIN: { label: "Anamnesis index (ideal: 1)" },
  },
  scales: {
    smoke: {
      seeds: [0],
      options: {
        data: "rotDigits",
        scenarios: ["range"],
        golds: 1,
        arms: ["FT", "amnesiac", "blindspot"],
        ablations: [],
        trials: 0,
        untuned: {
          FT: { learningRate: 1e-3, epochs: 1 },
          amnesiac: { batchSize: 64 },
          blindspot: { batchSize: 64, proxyEpochs: 1 },
        },
        relearn: false,
      },
      about: "Rotated 8x8 digits, three small convolutions, one seed; seconds",
    },
    standard: {
      seeds: [0, 1, 2, 3, 4],
      options: {
        data: "rotAngle",
        scenarios: ["range", "random10"],
        golds: 3,
        arms: ["FT", "GA", "GradDiff", "amnesiac", "blindspot"],
        ablations: ["no-attention", "proxy-only", "full-proxy"],
        trials: 8,
        relearn: true,
      },
      about:
        "4,000 rotated images of Fashion-MNIST at 14x14, three convolutions, 25 epochs; 8 arms, two scenarios, 3 retrained " +
        "models for each; about 15 minutes, and 8 more where originals and retrained models are not cached",
    },
  },
  controls: {
    golds: { kind: "integer", label: "Retrained models", min: 1, max: 10, about: "for each seed and scenario" },
  },
  offers: [
    "blindspotUnlearn, gaussianAmnesiac (hebb/forget)",
    "wasserstein1, regressionMia, anamnesisIndex, relearnSteps (hebb/forget)",
    "attentionMap, attentionTransferDistance (hebb/forget)",
    "unlearn, finetune, gradientAscent, gradDiff (hebb/forget)",
    "rotateImages (hebb/data)",
  ],
  notes: [
    "The criterion's 'Amnesiac-or-Blindspot' is read as: each method is held to its own error on retain test rows. Retain " +
      "test rows are those with targets of at least 1/3 in `range`.",
    "A retrained model has a narrower range to learn, so that even the original may err more than 1.15 times as much as gold on " +
      "retain test rows (5.3 against 3.5 % on the tuning seed). The limit stands as it was specified.",
    "Errors are in percent of the range of 90 degrees, so that AvgGap adds up points of one size. In `range` a retrained " +
      "model cannot extrapolate: a large UA is right there, and the ideal of every column is gold's value.",
    "The proxy starts from a seed of its own, sees the retain rows only and trains with the learning rate and batch size of " +
      "the student; no gradient reaches it: the student's step takes it as a constant.",
    "The loss is the mean over a batch of one term for each row, which is c L_F + (1 - c) L_R with the share c of this very " +
      "batch, and has no mean of nothing. Attention distances are averaged over rows and positions.",
    "Gaussian amnesiac draws its targets once, from all training targets, unclipped.",
    "Tuning: 8 draws for each arm and scenario on seed 900 by AvgGap, beta = 50 throughout; ablations take Blindspot's " +
      "options. Adam everywhere, since the track trains with Adam; batches of 64 for FT, GA and GradDiff. Random labels (RL) " +
      "do not exist for numbers: Gaussian amnesiac is their counterpart. Tuned arms stay within 25 % of one retraining; the proxy " +
      "of all rows, an ablation, may take up to 28 % in `range`.",
    "The anamnesis index relates steps to those of the first gold model, which shares start and shuffling with the original; " +
      "where it is capped (10 epochs) the index is an upper bound, where the unlearned model is, a lower one. Where both are it is " +
      "left out: it would say 1, whatever they know. On the tuning seed the gold model is capped in both scenarios.",
    "The membership attack has one feature, the error, in place of a trained attack model.",
    "The rotation itself is fixed for all seeds; a seed decides start, shuffling and, in `random10`, the forget set: in `range` " +
      "the tuning seed forgets the same rows as the others, from another model. Images " +
      "stay in [0, 1]; convolutions are padded by 1 and start as He normal.",
    "Seconds are in the record of each unit, not among the measures: these must come out alike when a run is repeated.",
    "Cannot show: ages from faces, text or forecasting, nor networks beyond 14,000 parameters.",
  ],
  run,
  judge: judgeDeepRegression,
  figures: deepRegressionFigures,
});

async function run(context: RunContext<Options>): Promise<void> {
  const { options, seeds, cache, signal } = context;
  refuseTuningSeed(seeds, "deep-regression-unlearning");
  const track = await trackR(options.data, context);
  const placeOf = (scenario: ScenarioR, seed: number): Place => ({
    scenario,
    seed,
    scene: once(() => openScene(track, scenario, seed, { cache, golds: options.golds, signal })),
  });
  const tuned = Object.fromEntries(options.arms.map((arm) => [arm, tunedArms[arm]]));
  const total = options.scenarios.length * (1 + seeds.length * (1 + options.arms.length + options.ablations.length));
  let done = 0;
  const tick = (label: string) => context.progress(done++, total, label);
  for (const scenario of options.scenarios) {
    tick(`tuning, ${scenario}`);
    const settled = await settle(context, placeOf(scenario, tuningSeed), tuned);
    for (const seed of seeds) {
      const place = placeOf(scenario, seed);
      tick(nameOf(place, "originals and gold models"));
      const gold = await referenceUnit(context, place);
      const runArm = (arm: Tuned | Ablation, drawn: Drawn) => {
        tick(nameOf(place, arm));
        const more = (params: unknown, scene: Scene) => furtherMeasures(context, arm, params, scene, gold);
        return unlearnUnit(context, place, { ...tunedArms, ...ablations }[arm], drawn, more);
      };
      for (const arm of options.arms) await runArm(arm, settled[arm]!);
      for (const arm of options.ablations) await runArm(arm, settled.blindspot!);
    }
  }
  context.progress(total, total);
}

/** Records what unlearned models are compared with, and returns how long the first gold model takes to relearn. */
const referenceUnit = (context: RunContext<Options>, place: Place): Promise<Relearned | null> =>
  context.unit(nameOf(place, "reference"), async () => {
    const { scenario, seed } = place;
    const scene = await place.scene();
    const { card, golds, problem } = scene;
    const record = (arm: keyof typeof references, measures: Readonly<Record<string, number>>) =>
      context.record({ arm, seed, setting: { scenario }, measures });
    const gold = context.options.relearn ? await relearnSteps(problem, golds[0], { signal: context.signal }) : null;
    record("gold", { ...card.gold, cost: 100, ...(await furtherMeasures(context, "gold", golds[0], scene, gold)) });
    const original = await card.score(problem.params);
    record("original", {
      ...original,
      cost: 0,
      ...(await furtherMeasures(context, "original", problem.params, scene, gold)),
    });
    if (golds.length > 1) record("floor", meanScores(await card.floor()));
    return gold;
  });

/** How long a model takes to relearn, and for some arms the distribution of what it says on the forget set. */
async function furtherMeasures(
  context: RunContext<Options>,
  arm: string,
  params: unknown,
  { problem, scenario, seed }: Scene,
  gold: Relearned | null,
): Promise<Readonly<Record<string, number>>> {
  if (arm in shownArms) {
    const { values } = await predictor(problem)(params, problem.forget);
    histogram(values).forEach((share, step) => {
      context.metric({ arm, seed, step, setting: { scenario }, values: { share } });
    });
  }
  if (!gold) return {};
  const own = arm === "gold" ? gold : await relearnSteps(problem, params, { signal: context.signal });
  return relearnMeasures(own, gold);
}
