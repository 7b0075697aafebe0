import { hostRandom, mean, mul, neg, sub, type Tensor, tensor } from "../engine/index.js";
import { adam, addDecayedWeights, chain, type Optimizer, sgd } from "../optim/index.js";
import { type RowBatch, rowBatches, zipBatches } from "./batches.js";
import type { LabelledBatch, UnlearnProblem } from "./problem.js";
import { joinRows, randomLabels } from "./rows.js";
import type { Unlearner } from "./unlearn.js";
import { gradientUpdate } from "./update.js";

/** How a method trains: its optimiser, and how long. */
export interface TrainingOptions {
  readonly learningRate: number;
  /** `sgd` has momentum 0.9. */
  readonly optimizer: "sgd" | "adam";
  readonly batchSize: number;
  /** Passes over the set that sets the pace ... */
  readonly epochs?: number;
  /** ... or so many steps, whichever comes first. */
  readonly steps?: number;
  /** L2 regularisation, added to the gradient. Default 0. */
  readonly weightDecay?: number;
}

/** The optimiser that these options name. */
export function optimizerOf({ optimizer, learningRate, weightDecay }: TrainingOptions): Optimizer {
  const plain = optimizer === "adam" ? adam({ learningRate }) : sgd({ learningRate, momentum: 0.9 });
  return weightDecay ? chain(addDecayedWeights(weightDecay), plain) : plain;
}

const defaults: TrainingOptions = { learningRate: 0.01, optimizer: "sgd", batchSize: 128, epochs: 5 };

/** The mean loss over a batch. */
export const meanLoss =
  <P>({ perExampleLoss }: Pick<UnlearnProblem<P>, "perExampleLoss">) =>
  (params: P, batch: LabelledBatch): Tensor =>
    mean(perExampleLoss!(params, batch));

/**
 * Goes on training on the retain set and counts on the model to forget the rest (FT): descends mean l(retain). It never
 * sees the forget set.
 */
export const finetune: Unlearner<TrainingOptions> = {
  name: "FT",
  defaults,
  needs: () => ["labels", "perExampleLoss", "retain"],
  run: (view, options, session) =>
    session.descend("unlearn", {
      params: view.params,
      update: gradientUpdate(meanLoss(view), optimizerOf(options)),
      batches: rowBatches(view.retain, { ...options, seed: view.seed }),
    }),
};

/**
 * Trains backwards on the forget set (GA): ascends mean l(forget). Nothing holds it: with too many steps the whole model
 * is lost.
 */
export const gradientAscent: Unlearner<TrainingOptions> = {
  name: "GA",
  defaults: { ...defaults, learningRate: 1e-3 },
  needs: () => ["labels", "perExampleLoss"],
  run(view, options, session) {
    const loss = meanLoss(view);
    return session.descend("unlearn", {
      params: view.params,
      update: gradientUpdate((params, batch: RowBatch) => neg(loss(params, batch)), optimizerOf(options)),
      batches: rowBatches(view.forget, { ...options, seed: view.seed }),
    });
  },
};

export interface GradDiffOptions extends TrainingOptions {
  /** The weight of the ascent beside the descent. */
  readonly forgetWeight: number;
}

/**
 * Gradient difference (Liu et al., 2022): descends mean l(retain) - forgetWeight · mean l(forget), on a batch of each set
 * at every step. Epochs are those of the forget set.
 */
export const gradDiff: Unlearner<GradDiffOptions> = {
  name: "GradDiff",
  defaults: { ...defaults, learningRate: 1e-3, forgetWeight: 1 },
  needs: () => ["labels", "perExampleLoss", "retain"],
  run(view, { forgetWeight, ...options }, session) {
    const loss = meanLoss(view);
    const forget = rowBatches(view.forget, { ...options, seed: view.seed });
    const retain = rowBatches(view.retain, { batchSize: options.batchSize, steps: forget.length, seed: view.seed });
    return session.descend("unlearn", {
      params: view.params,
      update: gradientUpdate(
        (params, batch: { forget: RowBatch; retain: RowBatch }) =>
          sub(loss(params, batch.retain), mul(loss(params, batch.forget), forgetWeight)),
        optimizerOf(options),
      ),
      batches: zipBatches({ forget, retain }),
    });
  },
};

/**
 * Random labels (RL): trains on the retain set together with the forget set under labels that are drawn once, uniformly
 * over all classes. For classifiers and language models.
 */
export const randomLabelling: Unlearner<TrainingOptions> = {
  name: "RL",
  defaults,
  needs: () => ["labels", "perExampleLoss", "retain"],
  run(view, options, session) {
    const { forget, retain, seed } = view;
    const logits = view.apply(view.params, tensor(forget.x)).out;
    const relabelled = randomLabels(forget, logits.shape[logits.rank - 1], hostRandom(seed).fork("random labels"));
    return session.descend("unlearn", {
      params: view.params,
      update: gradientUpdate(meanLoss(view), optimizerOf(options)),
      batches: rowBatches(joinRows("relabelled training set", retain, relabelled), { ...options, seed }),
    });
  },
};
