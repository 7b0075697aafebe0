import { add, exp, logSoftmax, mean, mul, neg, stopGradient, sub, sum, type Tensor } from "../engine/index.js";
import { meanLoss, optimizerOf, type TrainingOptions } from "./baselines.js";
import { type RowBatch, rowBatches, rowsOf, zipBatches } from "./batches.js";
import type { Unlearner } from "./unlearn.js";
import { gradientUpdate } from "./update.js";

export interface ScrubOptions extends TrainingOptions {
  /** The weight of the divergence from the original on retain rows, beside their loss. */
  readonly keepWeight: number;
  /** The weight of the divergence from the original on forget rows, which is pushed up. */
  readonly forgetWeight: number;
  /** The share of the steps that push; those after it only repair. */
  readonly pushShare: number;
}

/**
 * The KL divergence of a student from its teacher for each row, KL(teacher || student) in nats: logits [b, ..., classes],
 * summed over what stands between; result [b].
 */
export function teacherDivergence(student: Tensor, teacher: Tensor): Tensor {
  const [own, reference] = [logSoftmax(student), stopGradient(logSoftmax(teacher))];
  const each = mul(exp(reference), sub(reference, own));
  return sum(each.reshape(each.shape[0], each.size / each.shape[0]), 1);
}

/**
 * SCRUB in a light form: the original is a teacher that the student obeys on retain rows and disobeys on forget rows,
 *
 *     mean l(retain) + keepWeight · mean KL_retain - forgetWeight · mean KL_forget,
 *
 * for the first `pushShare` of the steps, then the same without the last term. The paper alternates epochs of the two kinds
 * instead of adding them up. `steps` counts both phases (or epochs of the forget set). For classifiers and language models.
 *
 * Source: Kurmanji, Triantafillou, Hayes, Triantafillou, "Towards Unbounded Machine Unlearning", 2023.
 */
export const scrub: Unlearner<ScrubOptions> = {
  name: "SCRUB",
  defaults: {
    learningRate: 1e-3,
    optimizer: "sgd",
    batchSize: 128,
    epochs: 5,
    keepWeight: 1,
    forgetWeight: 1,
    pushShare: 0.5,
  },
  needs: () => ["labels", "perExampleLoss", "retain", "reference"],
  async *run(view, { keepWeight, forgetWeight, pushShare, ...options }, session) {
    const loss = meanLoss(view);
    const divergence = (params: typeof view.params, { x }: RowBatch) =>
      mean(teacherDivergence(view.apply(params, x).out, view.apply(view.reference, x).out));
    const obey = (params: typeof view.params, retain: RowBatch) =>
      add(loss(params, retain), mul(divergence(params, retain), keepWeight));
    const total = rowBatches(view.forget, { ...options, seed: view.seed }).length;
    const pushes = Math.round(pushShare * total);
    const passes = (batch: unknown) => (4 / 3) * rowsOf(batch);
    const batches = (rows: typeof view.forget, steps: number, seed: number) =>
      rowBatches(rows, { batchSize: options.batchSize, steps, seed });

    const pushed = yield* session.descend("push", {
      params: view.params,
      update: gradientUpdate(
        (params: typeof view.params, batch: { readonly forget: RowBatch; readonly retain: RowBatch }) =>
          add(obey(params, batch.retain), neg(mul(divergence(params, batch.forget), forgetWeight))),
        optimizerOf(options),
      ),
      batches: zipBatches({
        forget: batches(view.forget, pushes, view.seed),
        retain: batches(view.retain, pushes, view.seed),
      }),
      passes,
    });
    return yield* session.descend("unlearn", {
      params: pushed,
      update: gradientUpdate(obey, optimizerOf(options)),
      batches: batches(view.retain, total - pushes, view.seed + 1),
      passes,
    });
  },
};
