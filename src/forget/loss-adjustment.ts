import { mean, type Tensor } from "../engine/index.js";
import { softmaxCrossEntropy } from "../nn/index.js";
import { optimizerOf, type TrainingOptions } from "./baselines.js";
import { type RowBatch, rowBatches, rowsOf } from "./batches.js";
import { type Divergence, fDivergenceVariational, flatLoss } from "./flat-loss.js";
import { type RefusalBatch, type RefusalOptions, refusalBatches, refusalRows } from "./refusals.js";
import { averageTokenProbability } from "./sequences.js";
import type { Unlearner } from "./unlearn.js";
import { gradientUpdate } from "./update.js";

export interface FlatOptions extends TrainingOptions, RefusalOptions {
  readonly divergence: Divergence;
  /** Averages probabilities over the batch before the divergence, as the authors' code does. */
  readonly batchMean: boolean;
  /** "forget" leaves the refusals out, and only pushes the unwanted answers down: the ablation. */
  readonly terms: "both" | "forget";
}

const training: TrainingOptions = { learningRate: 1e-3, optimizer: "adam", batchSize: 32, epochs: 5 };

/**
 * Unlearning with the forget data alone (FLAT): descends `flatLoss`, which makes refusals likely and the unwanted answers
 * unlikely, by a divergence between the two. It reads neither retain data nor a reference model. Since it works on
 * probabilities, an answer that is unlikely already pushes no more. For language models.
 *
 * Throws `HebbError` without templates, for rows that are no tokens and for a refusal that does not fit them. Source: Wang
 * et al., "LLM Unlearning via Loss Adjustment with Only Forget Data", ICLR 2025.
 */
export const flatUnlearn: Unlearner<FlatOptions> = {
  name: "FLAT",
  defaults: { ...training, templates: [], pad: 0, divergence: "tv", batchMean: false, terms: "both" },
  needs: () => ["labels"],
  run(view, options, session) {
    const { divergence, batchMean, terms } = options;
    type P = typeof view.params;
    const probability = (p: P, { x, y }: RowBatch) => averageTokenProbability(view.apply(p, x).out, y);
    const both = (p: P, { forget, refusal }: RefusalBatch): Tensor =>
      flatLoss(probability(p, refusal), probability(p, forget), divergence, { batchMean });
    const { fStarOfG } = fDivergenceVariational(divergence);
    const unwanted = (p: P, forget: RowBatch): Tensor => mean(fStarOfG(probability(p, forget)));
    const drawn = { ...options, seed: view.seed };
    return terms === "forget"
      ? session.descend("unlearn", {
          params: view.params,
          update: gradientUpdate(unwanted, optimizerOf(options)),
          batches: rowBatches(view.forget, drawn),
        })
      : session.descend("unlearn", {
          params: view.params,
          update: gradientUpdate(both, optimizerOf(options)),
          batches: refusalBatches(view.forget, refusalRows("FLAT", view.forget, options), drawn),
        });
  },
};

export interface RefusalUnlearnOptions extends TrainingOptions, RefusalOptions {}

/**
 * Trains a language model to refuse the questions that are to be forgotten ("I do not know" tuning): descends the mean
 * token cross-entropy of refusals, and leaves the answers themselves alone. It reads the forget data only.
 *
 * Throws `HebbError` as `flatUnlearn` does. Source: Maini et al., "TOFU: A Task of Fictitious Unlearning for LLMs", 2024.
 */
export const refusalUnlearn: Unlearner<RefusalUnlearnOptions> = {
  name: "IDK",
  defaults: { ...training, templates: [], pad: 0 },
  needs: () => ["labels"],
  run(view, options, session) {
    const refusals = refusalRows("IDK", view.forget, options);
    type P = typeof view.params;
    return session.descend("unlearn", {
      params: view.params,
      update: gradientUpdate(
        (p: P, { refusal: { x, y } }: RefusalBatch) => softmaxCrossEntropy(view.apply(p, x).out, y),
        optimizerOf(options),
      ),
      batches: refusalBatches(view.forget, refusals, { ...options, seed: view.seed }),
      passes: ({ refusal }) => rowsOf(refusal),
    });
  },
};
