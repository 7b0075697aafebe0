import { norm, oneHot, ShapeError, softmax, sub, type Tensor } from "../engine/index.js";
import type { Model } from "../nn/index.js";

/** What a score needs of a classifier: its logits. Any model of `hebb/nn` fits, or `{ apply: yourFunction }`. */
export type Classifier<P> = Pick<Model<P>, "apply">;

/**
 * EL2N, the length of each example's error vector, in [0, √2]: large where the network is wrong or unsure.
 *
 *     EL2N_i = ‖softmax(f(x_i; θ)) − onehot(y_i)‖₂
 *
 * `x` [n, ...], integer labels `y` [n]; result [n]. It builds a graph, so it can be jitted and mapped; `scoreRows` runs it
 * over a data set. It depends on `params`: take networks a few epochs into training and average over several
 * (`averageScores`). Throws `ShapeError` unless the logits are [n, classes] and the labels integers [n].
 *
 * Source: Paul, Ganguli, Dziugaite, "Deep Learning on a Data Diet", 2021, section 2.2. The norm, not its square.
 */
export function el2n<P>(model: Classifier<P>, params: P, x: Tensor, y: Tensor): Tensor {
  checkLabels("el2n", x, y);
  const logits = model.apply(params, x);
  if (logits.rank !== 2 || logits.shape[0] !== y.shape[0]) {
    throw new ShapeError(
      "el2n",
      `the model must give logits [${y.shape[0]}, classes] for ${y.shape[0]} examples, got [${logits.shape}]`,
    );
  }
  return norm(sub(softmax(logits), oneHot(y, logits.shape[1], logits.dtype)), -1);
}

/** Throws `ShapeError` unless `y` holds one integer label for each example of `x`. */
export function checkLabels(operation: string, x: Tensor, y: Tensor): void {
  if (x.rank > 0 && y.rank === 1 && y.shape[0] === x.shape[0] && y.dtype.startsWith("int")) return;
  throw new ShapeError(
    operation,
    `inputs [${x.shape}] need integer labels [${x.shape[0] ?? "n"}], got ${y.dtype}[${y.shape}]`,
  );
}
