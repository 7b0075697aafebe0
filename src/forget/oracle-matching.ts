import { gatherRows } from "../data/index.js";
import { concat, type Feed, HebbError, mean, type NDArray, square, sub, sum, type Tensor } from "../engine/index.js";
import { optimizerOf } from "./baselines.js";
import { type BatchList, type RowBatch, rowBatches, zipBatches } from "./batches.js";
import { type Examples, rowCount } from "./problem.js";
import type { UnlearnSession, UnlearnStep } from "./session.js";
import type { Unlearner } from "./unlearn.js";
import { gradientUpdate } from "./update.js";
import type { UnlearnView } from "./view.js";

export interface OracleMatchingOptions {
  readonly learningRate: number;
  /** `sgd` has momentum 0.9. */
  readonly optimizer: "sgd" | "adam";
  readonly steps: number;
  /** Rows of forget set and retain set together at a step. */
  readonly batchSize: number;
  /** The share of forget rows among them, as far as the forget set goes. */
  readonly forgetFraction: number;
}

/** What the outputs should be, `[n, ...outputs]` in the order of the sets' rows. */
export interface OracleTargets {
  readonly forget: NDArray;
  readonly retain: NDArray;
}

/** Rows with what the model should say of them. */
interface Matched extends RowBatch {
  readonly targets: Tensor;
}

export const oracleDefaults: OracleMatchingOptions = {
  learningRate: 0.01,
  optimizer: "sgd",
  steps: 200,
  batchSize: 64,
  forgetFraction: 0.5,
};

/**
 * Oracle matching (OM): trains the model until it says of forget rows and retain rows what a model that was retrained
 * without the forget set says of them,
 *
 *     L = mean over the batch of ||f_theta(x) - target(x)||^2,
 *
 * on batches of about half forget rows, half random retain rows. `targets` are the outputs (logits) of retrained models, or
 * predictions of them; those of retain rows are not the original's, since retraining changes these as well. It reads no
 * labels: `unlearn(oracleMatching({ forget, retain }), problem, { steps: 100 })`.
 *
 * Throws `HebbError` when the targets do not fit the sets or the model's outputs.
 *
 * Source: Georgiev et al., "Attribute-to-Delete: Machine Unlearning via Datamodel Matching", 2024.
 */
export const oracleMatching = (targets: OracleTargets): Unlearner<OracleMatchingOptions> => ({
  name: "OM",
  defaults: oracleDefaults,
  needs: () => ["retain"],
  run: (view, options, session) => match(view, targets, options, session),
});

/** The training of oracle matching. */
export async function* match<P>(
  view: UnlearnView<P>,
  targets: OracleTargets,
  options: OracleMatchingOptions,
  session: UnlearnSession,
): AsyncGenerator<UnlearnStep, P, undefined> {
  const { forget, retain, seed } = view;
  const { steps, batchSize, forgetFraction } = options;
  const ofForget = Math.min(Math.round(batchSize * forgetFraction), rowCount(forget));
  if (!(ofForget > 0 && ofForget < batchSize))
    throw new HebbError(
      `oracle matching: a batch of ${batchSize} with the share ${forgetFraction} of forget rows must hold rows of both sets.`,
    );
  const batchesOf = (rows: Examples, name: keyof OracleTargets, size: number) => {
    if (targets[name].shape[0] !== rowCount(rows))
      throw new HebbError(
        `oracle matching: the ${name} set has ${rowCount(rows)} rows, but there are targets for ${targets[name].shape[0]}.`,
      );
    return withTargets(rowBatches(rows, { batchSize: size, steps, seed, dropLast: true }), targets[name]);
  };
  const loss = (params: P, batch: { readonly forget: Matched; readonly retain: Matched }): Tensor => {
    const parts = [batch.forget, batch.retain];
    const { out } = view.apply(
      params,
      concat(
        parts.map(({ x }) => x),
        0,
      ),
    );
    const target = concat(
      parts.map((part) => part.targets),
      0,
    );
    if (out.shape.join() !== target.shape.join())
      throw new HebbError(
        `oracle matching: the model gives [${out.shape.slice(1)}] for each row, but the targets are [${target.shape.slice(1)}].`,
      );
    return mean(sum(square(sub(out, target)).reshape(out.shape[0], out.size / out.shape[0]), 1));
  };
  return yield* session.descend("unlearn", {
    params: view.params,
    update: gradientUpdate(loss, optimizerOf(options)),
    batches: zipBatches({
      forget: batchesOf(forget, "forget", ofForget),
      retain: batchesOf(retain, "retain", Math.min(batchSize - ofForget, rowCount(retain))),
    }),
  });
}

const withTargets = (list: BatchList<RowBatch>, targets: NDArray): BatchList<Matched> => ({
  length: list.length,
  *[Symbol.iterator]() {
    for (const batch of list)
      yield { ...batch, targets: gatherRows(targets, batch.indices as Int32Array) } as Feed<Matched>;
  },
});
