import { add, gather, mul, type Tensor, tensor } from "../engine/index.js";
import { softmaxCrossEntropy } from "../nn/index.js";
import { optimizerOf, type TrainingOptions } from "./baselines.js";
import { type RowBatch, rowBatches, rowsOf, zipBatches } from "./batches.js";
import { dpoLoss, gaLoss, npoLoss, referenceKl } from "./npo-loss.js";
import { type Labelled, rowCount } from "./problem.js";
import { type RefusalBatch, type RefusalOptions, refusalBatches, refusalRows } from "./refusals.js";
import { rowScores } from "./row-scores.js";
import { logProbability } from "./sequences.js";
import type { UnlearnSession } from "./session.js";
import type { Unlearner } from "./unlearn.js";
import { gradientUpdate } from "./update.js";
import type { UnlearnView } from "./view.js";

export interface NpoOptions extends TrainingOptions {
  /** How soon an example stops pushing itself: the smaller, the more like gradient ascent. */
  readonly beta: number;
  /** What holds the model: nothing; the loss on retain rows; the divergence from the original there. */
  readonly retain: "none" | "rt" | "kl";
  readonly retainWeight: number;
  readonly forgetWeight: number;
  /** False gives every example the weight 1, which is gradient ascent: the ablation. */
  readonly adaptive: boolean;
}

const training: TrainingOptions = { learningRate: 1e-4, optimizer: "adam", batchSize: 32, epochs: 10 };

/**
 * Negative preference optimisation: descends `npoLoss`, in which each answer to be forgotten stops pushing as it becomes
 * unlikely, so that the model does not collapse as under gradient ascent; with `retain` also
 *
 *     retainWeight · mean cross-entropy of the retain labels (rt), or retainWeight · mean KL(original || model) there (kl).
 *
 * For language models, whose rows are whole answers (y int32 [n, T], -1 where there is none), and for classifiers. The
 * original's log-probabilities are computed once, before the first step.
 *
 * Source: Zhang, Lin, Bai, Mei, "Negative Preference Optimization: From Catastrophic Collapse to Effective Unlearning",
 * COLM 2024.
 */
export const npoUnlearn: Unlearner<NpoOptions> = {
  name: "NPO",
  defaults: { ...training, beta: 0.1, retain: "none", retainWeight: 1, forgetWeight: 1, adaptive: true },
  needs: ({ retain }) => ["labels", "reference", ...(retain === "none" ? [] : (["retain"] as const))],
  async *run(view, options, session) {
    const { beta, retain: hold, retainWeight, forgetWeight, adaptive, batchSize } = options;
    type P = typeof view.params;
    const before = await referenceLogProbability(view, view.forget, "reference", session);
    const forgetting = (p: P, { x, y, indices }: RowBatch): Tensor => {
      const logp = logProbability(view.apply(p, x).out, y);
      return mul(adaptive ? npoLoss(logp, gather(before, indices), beta) : gaLoss(logp), forgetWeight);
    };
    const forget = rowBatches(view.forget, { ...options, seed: view.seed });
    if (hold === "none")
      return yield* session.descend("unlearn", {
        params: view.params,
        update: gradientUpdate(forgetting, optimizerOf(options)),
        batches: forget,
      });
    const keeping = (p: P, { x, y }: RowBatch): Tensor => {
      const { out } = view.apply(p, x);
      return hold === "rt" ? softmaxCrossEntropy(out, y) : referenceKl(out, view.apply(view.reference, x).out, y);
    };
    const retain = rowBatches(view.retain, { batchSize, steps: forget.length, seed: view.seed });
    return yield* session.descend("unlearn", {
      params: view.params,
      update: gradientUpdate(
        (p: P, both: { forget: RowBatch; retain: RowBatch }) =>
          add(forgetting(p, both.forget), mul(keeping(p, both.retain), retainWeight)),
        optimizerOf(options),
      ),
      batches: zipBatches({ forget, retain }),
      passes: (both) => rowsOf(both) + (hold === "kl" ? rowsOf(both.retain) / 3 : 0),
    });
  },
};

/** The original's log-probability of each row's labels, `[n]`: computed once, and kept for a resumed run. */
async function referenceLogProbability<P>(
  { apply, reference }: UnlearnView<P>,
  rows: Labelled,
  phase: string,
  session: UnlearnSession,
): Promise<Tensor> {
  const score = rowScores((p: P, { x, y }) => logProbability(apply(p, x).out, y), session);
  return session.compute(phase, rowCount(rows) / 3, async () => tensor(await score(reference, rows)));
}

export interface DpoOptions extends TrainingOptions, RefusalOptions {
  readonly beta: number;
}

/**
 * Direct preference optimisation towards refusals (DPO with "I do not know"): descends `dpoLoss`, with a refusal preferred
 * to the answer that is to be forgotten. For language models.
 *
 * Throws `HebbError` without templates, and for rows that are no tokens or for a refusal that does not fit them. Source:
 * Rafailov et al., 2023; for unlearning, Zhang et al., COLM 2024.
 */
export const dpoUnlearn: Unlearner<DpoOptions> = {
  name: "DPO",
  defaults: { ...training, beta: 0.1, templates: [], pad: 0 },
  needs: () => ["labels", "reference"],
  async *run(view, options, session) {
    const refusals = refusalRows("DPO", view.forget, options);
    const rejected = await referenceLogProbability(view, view.forget, "reference", session);
    const preferred = await referenceLogProbability(view, refusals, "reference of refusals", session);
    type P = typeof view.params;
    const loss = (p: P, { forget, refusal }: RefusalBatch): Tensor => {
      const ratio = ({ x, y, indices }: RowBatch, before: Tensor) => ({
        logp: logProbability(view.apply(p, x).out, y),
        logpRef: gather(before, indices),
      });
      return dpoLoss(ratio(refusal, preferred), ratio(forget, rejected), options.beta);
    };
    return yield* session.descend("unlearn", {
      params: view.params,
      update: gradientUpdate(loss, optimizerOf(options)),
      batches: refusalBatches(view.forget, refusals, { ...options, seed: view.seed }),
    });
  },
};
