import { HebbError, type NDArray } from "../engine/index.js";
import { firstRows } from "./check.js";
import { type Datamodels, effectOf } from "./datamodels.js";
import { match, type OracleMatchingOptions, type OracleTargets, oracleDefaults } from "./oracle-matching.js";
import { predictor } from "./predictions.js";
import { type Examples, outputsOf, rowCount, type UnlearnProblem } from "./problem.js";
import type { Unlearner } from "./unlearn.js";
import type { UnlearnView } from "./view.js";

/**
 * Datamodel matching (DMM): oracle matching towards the outputs that datamodels predict of a retrained model,
 *
 *     target(x) = h(x; theta) - sum_{i in F} w_x,i,
 *
 * for forget rows and for retain rows, whose outputs retraining changes as well (see `predictRetrained`).
 *
 * The datamodels are of outputs [targets, ...outputs] whose first targets are the training examples, in order.
 * `forgetRows` says which of the examples the forget set holds, in its order; the retain set holds the others, ascending.
 * Throws `HebbError` when the sets are not that, and as `oracleMatching` does.
 *
 * Source: Georgiev et al., "Attribute-to-Delete: Machine Unlearning via Datamodel Matching", 2024.
 */
export const datamodelMatching = (
  datamodels: Datamodels,
  forgetRows: ArrayLike<number>,
): Unlearner<OracleMatchingOptions> => ({
  name: "DMM",
  defaults: oracleDefaults,
  needs: () => ["retain"],
  async *run(view, options, session) {
    const passes = (rowCount(view.forget) + rowCount(view.retain)) / 3;
    const targets = await session.compute("targets", passes, () => predictedTargets(view, datamodels, forgetRows));
    return yield* match(view, targets, options, session);
  },
});

/**
 * DM-Direct: what datamodels predict of a retrained model, without making one: the model's own outputs on `rows` with the
 * effect of the forgotten examples taken away, `[n, ...outputs]`. It shows how good the attribution is; what matching
 * loses against it is the network's part. The datamodels' targets are the rows. Throws `HebbError` when they are not.
 */
export async function dmDirect<P>(
  model: Pick<UnlearnProblem<P>, "apply" | "params">,
  rows: Examples,
  datamodels: Datamodels,
  forgetRows: ArrayLike<number>,
): Promise<NDArray> {
  const targets = datamodels.bias.shape[0];
  if (targets !== rowCount(rows))
    throw new HebbError(
      `dmDirect: the datamodels have ${targets} targets, but ${rows.name} has ${rowCount(rows)} rows.`,
    );
  const examples = Int32Array.from({ length: targets }, (_, row) => row);
  return without(model, rows, examples, datamodels, forgetRows);
}

async function predictedTargets<P>(
  view: UnlearnView<P>,
  datamodels: Datamodels,
  forgetRows: ArrayLike<number>,
): Promise<OracleTargets> {
  const examples = datamodels.weights.shape[0];
  const targets = datamodels.bias.shape[0];
  const forgotten = Int32Array.from(forgetRows);
  const kept = Int32Array.from({ length: examples }, (_, row) => row).filter((row) => !forgotten.includes(row));
  if (!(targets >= examples))
    throw new HebbError(`DMM: the datamodels have ${targets} targets, but must have the ${examples} examples first.`);
  if (forgotten.length !== rowCount(view.forget) || kept.length !== rowCount(view.retain))
    throw new HebbError(
      `DMM: forget and retain set have ${rowCount(view.forget)} and ${rowCount(view.retain)} rows, but ${forgotten.length} and ${kept.length} of the ${examples} examples are to be forgotten and kept.`,
    );
  return {
    forget: await without(view, view.forget, forgotten, datamodels, forgotten),
    retain: await without(view, view.retain, kept, datamodels, forgotten),
  };
}

/** The model's outputs on rows, which are these targets of the datamodels, less the effect of the forgotten examples. */
async function without<P>(
  { apply, params }: Pick<UnlearnProblem<P>, "apply" | "params">,
  rows: Examples,
  targets: Int32Array,
  datamodels: Datamodels,
  forgetRows: ArrayLike<number>,
): Promise<NDArray> {
  const shape = outputsOf(apply(params, firstRows(rows.x, 1))).out.shape.slice(1);
  const { values, width } = await predictor({ apply })(params, rows);
  const effect = effectOf(datamodels, forgetRows);
  const own = effect.length / datamodels.bias.shape[0];
  if (width % own !== 0)
    throw new HebbError(`datamodels: they are of ${own} outputs for each target, but the model gives [${shape}].`);
  // Several models side by side give [models, ...outputs] for each row, all with the same effect.
  const data = Float32Array.from(
    values,
    (value, i) => value - effect[targets[Math.floor(i / width)] * own + (i % own)],
  );
  return { data, shape: [rowCount(rows), ...shape], dtype: "float32" };
}
