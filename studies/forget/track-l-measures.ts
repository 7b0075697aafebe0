import {
  fitMembershipAttack,
  forgetQuality,
  gibberish,
  type Labelled,
  type LanguageScores,
  languageScorer,
  meanLogProbability,
  membershipAuc,
  miaEfficacy,
  modelUtility,
  type Questions,
  rowScores,
  type Tofu,
} from "../../src/forget/index.js";
import { type MeasureInfo, mean } from "../../src/lab/index.js";
import type { Gpt, GptParams } from "../../src/nn/index.js";

/** What a model is asked in every evaluation. */
export interface QuestionSets {
  readonly forget: Questions;
  readonly retain: Questions;
  readonly world: Questions;
  /** Facts that no model was trained on. */
  readonly unseen: Labelled;
}

/** How a model of track L does: a row of its table. */
export type RowL = { readonly [Measure in keyof typeof measuresL]: number };

export const measuresL = {
  FQ: { label: "Forget quality (KS p-value)", better: "higher" },
  MU: { label: "Model utility", better: "higher" },
  Prob: { label: "Forget set: probability" },
  ROUGE: { label: "Forget set: ROUGE-L recall" },
  Truth: { label: "Forget set: max(0, 1 - truth ratio)" },
  Gibberish: { label: "Forget set: answers that are no sentence", better: "lower" },
  retainProb: { label: "Retain set: probability", better: "higher" },
  retainROUGE: { label: "Retain set: ROUGE-L recall", better: "higher" },
  retainTruth: { label: "Retain set: max(0, 1 - truth ratio)", better: "higher" },
  worldProb: { label: "World facts: probability", better: "higher" },
  worldROUGE: { label: "World facts: ROUGE-L recall", better: "higher" },
  worldTruth: { label: "World facts: max(0, 1 - truth ratio)", better: "higher" },
  MIA: { label: "Forget facts called non-members", unit: "%" },
  "MIA-AUC": { label: "Forget facts against unseen ones, AUC of the token loss" },
} as const satisfies Readonly<Record<string, MeasureInfo>>;

/** Scores models against a gold model: `(await languageJudge(...)(gold))(params)`. */
export function languageJudge(
  model: Gpt,
  { vocabulary, isSentence }: Tofu,
  sets: QuestionSets,
  signal?: AbortSignal,
): (gold: GptParams) => Promise<(params: GptParams) => Promise<RowL>> {
  const [end] = vocabulary.encode(".");
  const ask = languageScorer(model, { end, signal });
  const logProbability = rowScores((params: GptParams, { x, y }) => meanLogProbability(model.apply(params, x), y), {
    signal,
  });
  return async (goldParams) => {
    const gold = await ask(goldParams, sets.forget);
    return async (params) => {
      const forget = await ask(params, sets.forget);
      const retain = await ask(params, sets.retain);
      const world = await ask(params, sets.world);
      const unseen = (await logProbability(params, sets.unseen)).map(Math.exp);
      const attack = fitMembershipAttack(retain.probability, unseen);
      const own = parts(retain);
      const other = parts(world);
      const { Prob, ROUGE, Truth } = parts(forget);
      return {
        FQ: forgetQuality(forget, gold),
        MU: modelUtility([retain, world]),
        Prob,
        ROUGE,
        Truth,
        Gibberish: gibberish(forget, isSentence),
        retainProb: own.Prob,
        retainROUGE: own.ROUGE,
        retainTruth: own.Truth,
        worldProb: other.Prob,
        worldROUGE: other.ROUGE,
        worldTruth: other.Truth,
        MIA: miaEfficacy(attack, forget.probability),
        "MIA-AUC": membershipAuc(forget.probability, unseen),
      };
    };
  };
}

const parts = ({ probability, rouge, truthRatio }: LanguageScores) => ({
  Prob: mean([...probability]),
  ROUGE: mean([...rouge]),
  Truth: mean(Array.from(truthRatio, (ratio) => Math.max(0, 1 - ratio))),
});
