import { abs, add, mean, mul, sum, type Tensor, treeLeaves } from "../engine/index.js";
import { optimizerOf, type TrainingOptions } from "./baselines.js";
import { type BatchList, type RowBatch, rowBatches } from "./batches.js";
import type { Unlearner } from "./unlearn.js";
import { gradientUpdate } from "./update.js";

export interface L1SparseOptions extends TrainingOptions {
  readonly epochs: number;
  /** The weight of the l1 norm in the first epoch, beside the *mean* loss over the retain set. */
  readonly gamma: number;
  /** The last epochs, without the norm. */
  readonly noL1Epochs: number;
  /** How the weight goes over the epochs before those. */
  readonly schedule: "decreasing" | "constant" | "increasing";
}

/**
 * l1-sparse unlearning: fine-tunes on the retain set under a penalty that drives weights to 0, and with them what only the
 * forget set needed.
 *
 *     mean l(retain) + gamma_t ||theta||_1,   gamma_t = gamma (1 - t / (T - T0)) in epoch t < T - T0, then 0
 *
 * over all parameters, by the plain subgradient with sign(0) = 0. `increasing` is gamma (t + 1) / (T - T0).
 *
 * Source: Jia et al., "Model Sparsity Can Simplify Machine Unlearning", 2023, section 4.
 */
export const l1Sparse: Unlearner<L1SparseOptions> = {
  name: "l1-sparse",
  defaults: {
    gamma: 5e-4,
    epochs: 10,
    noL1Epochs: 2,
    schedule: "decreasing",
    learningRate: 0.01,
    optimizer: "sgd",
    batchSize: 128,
  },
  needs: () => ["labels", "perExampleLoss", "retain"],
  run(view, options, session) {
    const { batchSize, epochs } = options;
    const rows = rowBatches(view.retain, { batchSize, epochs, seed: view.seed });
    const loss = (params: typeof view.params, { rows, gamma }: { rows: RowBatch; gamma: Tensor }) =>
      add(mean(view.perExampleLoss(params, rows)), mul(gamma, l1Norm(params)));
    return session.descend("unlearn", {
      params: view.params,
      update: gradientUpdate(loss, optimizerOf(options)),
      batches: withWeights(rows, (step) => l1Weight(options, Math.floor((step * epochs) / rows.length))),
    });
  },
};

/** The weight of the norm in an epoch, counted from 0. */
export function l1Weight(
  { gamma, epochs, noL1Epochs, schedule }: Pick<L1SparseOptions, "gamma" | "epochs" | "noL1Epochs" | "schedule">,
  epoch: number,
): number {
  const under = epochs - noL1Epochs;
  if (epoch >= under) return 0;
  if (schedule === "constant") return gamma;
  return gamma * (schedule === "decreasing" ? 1 - epoch / under : (epoch + 1) / under);
}

/** The sum of |p| over all parameters, a scalar. */
export const l1Norm = (params: unknown): Tensor =>
  treeLeaves(params)
    .map((leaf) => sum(abs(leaf)))
    .reduce((total, part) => add(total, part));

/** Each batch with a number that depends on its place. */
const withWeights = (
  list: BatchList<RowBatch>,
  weight: (step: number) => number,
): BatchList<{ rows: RowBatch; gamma: Tensor }> => ({
  length: list.length,
  *[Symbol.iterator]() {
    let step = 0;
    for (const rows of list) yield { rows, gamma: weight(step++) };
  },
});
