import { HebbError } from "../../engine/index.js";
import type { Gpt, GptParams } from "../../nn/index.js";
import { type Labelled, rowCount } from "../problem.js";
import { rowScores } from "../row-scores.js";
import { meanLogProbability } from "../sequences.js";
import { greedyAnswers } from "./greedy-answers.js";
import { ksTest } from "./kolmogorov-smirnov.js";
import { rougeLRecall } from "./rouge.js";
import { tokenPairs } from "./token-rows.js";

/** What a language model is asked. */
export interface Questions {
  /** Questions with their answers: `[n, T]`. */
  readonly rows: Labelled;
  /** The same facts in words that were not trained on, `[n, T]`. */
  readonly paraphrase: Labelled;
  /** The paraphrases with wrong answers: k for each fact in turn, `[n k, T]`. */
  readonly wrong: Labelled;
}

/** How a language model answers, question by question. */
export interface LanguageScores {
  /** P(answer | question)^(1 / |answer|). */
  readonly probability: Float64Array;
  /** ROUGE-L recall of the likeliest answer. */
  readonly rouge: Float64Array;
  /** The mean of P(wrong)^(1 / |wrong|) over the wrong answers, over P(paraphrase)^(1 / |paraphrase|). */
  readonly truthRatio: Float64Array;
  /** The likeliest answers, in tokens. */
  readonly answers: readonly (readonly number[])[];
}

export interface LanguageScorerOptions {
  /** The token that ends an answer. */
  readonly end: number;
  readonly signal?: AbortSignal;
}

/**
 * The measures of TOFU (Maini et al., 2024) for a small language model, compiled once for all parameters:
 * `const scores = await languageScorer(model, { end })(params, questions)`.
 *
 * Throws `HebbError` when there are not as many paraphrases as questions, or not equally many wrong answers for each.
 */
export function languageScorer(
  model: Pick<Gpt, "apply" | "initCache" | "step">,
  { end, signal }: LanguageScorerOptions,
): (params: GptParams, questions: Questions) => Promise<LanguageScores> {
  const logProbabilities = rowScores((params: GptParams, { x, y }) => meanLogProbability(model.apply(params, x), y), {
    signal,
  });
  const writers = new Map<number, ReturnType<typeof greedyAnswers>>();
  const writer = (width: number) => {
    const known = writers.get(width) ?? greedyAnswers(model, { end, width, signal });
    writers.set(width, known);
    return known;
  };
  return async (params, { rows, paraphrase, wrong }) => {
    const [n, wrongs] = [rowCount(rows), rowCount(wrong) / rowCount(rows)];
    if (rowCount(paraphrase) !== n || !Number.isInteger(wrongs) || wrongs === 0)
      throw new HebbError(
        `languageScorer: ${n} questions need ${n} paraphrases and equally many wrong answers each, got ${rowCount(paraphrase)} and ${rowCount(wrong)}.`,
      );
    const pairs = tokenPairs(rows);
    const answers = await writer(rows.x.shape[1])(
      params,
      pairs.map(({ question }) => question),
    );
    const [right, other] = [await logProbabilities(params, paraphrase), await logProbabilities(params, wrong)];
    return {
      probability: Float64Array.from(await logProbabilities(params, rows), Math.exp),
      rouge: Float64Array.from(answers, (answer, i) => rougeLRecall(answer, pairs[i].answer)),
      // Ratios of probabilities that are too small to be numbers themselves.
      truthRatio: Float64Array.from(right, (own, i) =>
        average(Array.from(other.subarray(i * wrongs, (i + 1) * wrongs), (logp) => Math.exp(logp - own))),
      ),
      answers,
    };
  };
}

/**
 * Forget quality: the p-value of a Kolmogorov–Smirnov test between the truth ratios of an unlearned model and of a gold
 * model on the forget set. High means that the test cannot tell them apart.
 */
export const forgetQuality = (unlearned: LanguageScores, gold: LanguageScores): number =>
  ksTest(unlearned.truthRatio, gold.truthRatio).pValue;

/**
 * Model utility: the harmonic mean, over sets that should still be known, of the mean probability, the mean ROUGE and the
 * mean of max(0, 1 - truth ratio). 0 when one of them is.
 */
export function modelUtility(sets: readonly LanguageScores[]): number {
  const parts = sets.flatMap(({ probability, rouge, truthRatio }) => [
    average(probability),
    average(rouge),
    average(truthRatio.map((ratio) => Math.max(0, 1 - ratio))),
  ]);
  return parts.length / parts.reduce((sum, part) => sum + 1 / part, 0);
}

/** The share of answers that are no sentences of the language. A refusal is a sentence. */
export const gibberish = ({ answers }: LanguageScores, isSentence: (answer: readonly number[]) => boolean): number =>
  answers.filter((answer) => !isSentence(answer)).length / answers.length;

const average = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
