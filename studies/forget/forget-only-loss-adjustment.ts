import {
  averageTokenProbability,
  type Labelled,
  type LabelledBatch,
  refusalRows,
  rowScores,
} from "../../src/forget/index.js";
import { defineStudy, mean, type RunContext } from "../../src/lab/index.js";
import type { GptParams } from "../../src/nn/index.js";
import { forgetOnlyFigures } from "./forget-only-figures.js";
import { judgeForgetOnly } from "./forget-only-judge.js";
import { once } from "./once.js";
import { type KindL, openSceneL, type SceneL, smallTofu, tinyTofu } from "./track-l.js";
import { followArm, type Path, recordReferencesL } from "./track-l-arm-unit.js";
import { type ArmL, armsL, flatArms } from "./track-l-arms.js";
import { measuresL } from "./track-l-measures.js";
import { type TuningL, tuneArmsL } from "./track-l-tuning.js";

interface Options {
  readonly kind: KindL;
  readonly arms: readonly ArmL[];
  readonly path: Path;
  readonly tuning: TuningL;
}

export default defineStudy<Options>({
  slug: "forget-only-loss-adjustment",
  claim:
    "A divergence between a refusal and the unwanted answer (FLAT) unlearns with the forget data alone, without retain data or " +
    "a reference model, better than other methods that see no more, and with little loss of utility.",
  criterion:
    "In forget10, over 3 seeds, at the first step where forget ROUGE is at most gold's plus 0.05: utility of FLAT (the divergence " +
    "that was best on seed 900) minus that of the best other forget-only arm (GA, refusal tuning, P only) has its interval above " +
    "0 (bootstrap over seeds, sign on all): the core. And FLAT's utility is at least 0.95 of the original's. Both: replicated. " +
    "The core alone: partly. Refusal tuning alone matches FLAT there, or that interval below 0: contradicted.",
  arms: {
    original: "Original (step 0)",
    gold: "Gold: fine-tuned without the authors",
    chosen: "The divergence that was best on seed 900",
    "FLAT-TV": "FLAT, total variation",
    "FLAT-KL": "FLAT, KL",
    "FLAT-JS": "FLAT, Jensen-Shannon",
    "FLAT-Pearson": "FLAT, Pearson",
    IDK: "Refusal tuning (no forgetting)",
    "P-only": "Probabilities down (no refusal)",
    GA: "Gradient ascent",
    NPO: "NPO (uses a reference)",
    GradDiff: "Gradient difference (uses retain rows)",
    "NPO+RT": "NPO and the loss on retain rows (uses both)",
  },
  measures: {
    ...measuresL,
    Pe: { label: "Mean token probability of refusals" },
    Pf: { label: "Mean token probability of unwanted answers" },
    passes: { label: "Passes of one retraining", better: "lower" },
    accuracy: { label: "Own answer tokens that are right", unit: "%" },
    tuningScore: { label: "What tuning was decided by" },
  },
  scales: {
    smoke: {
      seeds: [0],
      options: {
        kind: smallTofu,
        arms: ["FLAT-TV", "GA"],
        path: { steps: 6, at: [6] },
        tuning: { settings: { learningRate: 3e-3 } },
      },
      about: "Ten authors, one layer of width 32, 6 steps of FLAT and GA; seconds",
    },
    standard: {
      seeds: [0, 1, 2],
      options: {
        kind: tinyTofu,
        arms: [...flatArms, "IDK", "P-only", "GA", "NPO", "GradDiff", "NPO+RT"],
        path: { steps: 150, at: [10, 25, 50, 100, 150] },
        tuning: { trials: 8, at: [25, 50, 100, 150] },
      },
      about:
        "200 authors, GPT of 3 layers and width 128, 150 steps for each of ten arms; about 12 minutes, and three times as much " +
        "again to train and tune where the cache is empty",
    },
  },
  offers: [
    "flatLoss, fDivergenceVariational (hebb/forget)",
    "averageTokenProbability (hebb/forget)",
    "unlearn, refusalRows, tokenRows, vocabulary (hebb/forget)",
  ],
  notes: [
    "P is a mean of probabilities over answer tokens, never of their logarithms, and ignored positions are not averaged in; " +
      "the divergence is taken for each example and then averaged (`batchMean` does as the authors' code does).",
    "Forget-only arms get a view without retain rows and without the original: touching either throws.",
    "Nobody looks at retain rows to stop: all arms take 150 steps, and the comparison is made where the forget answers alone say.",
    "Refusals are sentences of the language (a tenth of pretraining's throw-away names is refused), so that none is new " +
      "vocabulary, and Gibberish does not count them.",
    "FLAT's divergence is the one with the best tuning score on seed 900; the others are reported. The best other arm is the " +
      "one with the highest mean utility at its own matched steps among those that get there on every seed.",
    "Four divergences make four times as many trials for FLAT as any other arm has: the core with FLAT-TV alone, the paper's " +
      "default, is reported beside. So is the core interpolated between scored steps: arms fall fast there and overshoot.",
    "P is teacher-forced: a refusal whose first token is never chosen still has a high P once its other tokens are likely, and " +
      "since dP = P dlogP no gradient brings that first token back. When the push on answers has emptied their first token, " +
      "which all share, greedy answers are then no sentence although P of refusals is high.",
    "Refusal tuning matches FLAT when it gets to the same ROUGE on every seed and FLAT's mean utility there is no more than " +
      "0.01 above its own.",
    "P-only descends the same function of the unwanted answer's probability as FLAT with total variation does.",
    "GA, NPO, GradDiff and NPO+RT are tuned and trained as in negative-preference-optimization; the rest likewise: eight random " +
      "configurations on seed 900, learning rate log-uniform in 1e-5 to 1e-3.",
    "150 steps as in the NPO study, in place of the 5 epochs of the paper.",
    "A GPT of 0.8 million parameters and invented facts: nothing here shows what pretrained models do.",
  ],
  run,
  judge: judgeForgetOnly,
  figures: forgetOnlyFigures,
});

async function run(context: RunContext<Options>): Promise<void> {
  const { options, seeds, cache, signal, record } = context;
  const { kind, arms, path } = options;
  const tuned = await tuneArmsL(context, kind, arms, { ...path, tuning: options.tuning });
  const [chosen] = arms.filter((name) => flatArms.includes(name)).sort((a, b) => tuned[b].score - tuned[a].score);
  await context.unit("choice of a divergence", async () =>
    record({
      arm: "chosen",
      seed: seeds[0],
      setting: { divergence: chosen },
      measures: { tuningScore: tuned[chosen].score },
    }),
  );
  let done = 0;
  for (const seed of seeds) {
    const scene = once(() => openSceneL(kind, "forget10", seed, { cache, signal }));
    await context.unit(`references, seed ${seed}`, async () => recordReferencesL(context, await scene()));
    for (const name of arms) {
      context.progress(done++, arms.length * seeds.length, `${name}, seed ${seed}`);
      await context.unit(`${name}, seed ${seed}`, async () => {
        const at = await scene();
        const more = probabilities(at);
        await followArm(context, at, armsL(at.tofu)[name], tuned[name].options, { ...path, more });
      });
    }
  }
}

/** How likely a model finds refusals and the unwanted answers. */
function probabilities({ model, problem, tofu }: SceneL) {
  const score = rowScores((params: GptParams, { x, y }: LabelledBatch) =>
    averageTokenProbability(model.apply(params, x), y),
  );
  const refusals = refusalRows("study", problem.forget, { templates: tofu.refusals, pad: 0 });
  const over = async (params: GptParams, rows: Labelled) => mean(Array.from(await score(params, rows)));
  return async (params: GptParams) => ({
    Pe: await over(params, refusals),
    Pf: await over(params, problem.forget),
  });
}
