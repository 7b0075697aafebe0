import { softplus } from "../engine/composites/activations.js";
import { mean } from "../engine/composites/statistics.js";
import { ShapeError } from "../engine/errors.js";
import { equal, mul, square, sub } from "../engine/primitives/elementwise.js";
import { argmax } from "../engine/primitives/reduce.js";
import { cast } from "../engine/primitives/structure.js";
import { sameShape, show } from "../engine/shape.js";
import type { Tensor } from "../engine/tensor.js";

function checkSame(operation: string, a: Tensor, b: Tensor): void {
  if (!sameShape(a.shape, b.shape)) {
    throw new ShapeError(operation, `predictions ${show(a.shape)} and targets ${show(b.shape)} differ in shape`);
  }
}

/** The mean of (predictions - targets)^2 over everything, a scalar. Throws `ShapeError` when the shapes differ. */
export function meanSquaredError(predictions: Tensor, targets: Tensor): Tensor {
  checkSame("meanSquaredError", predictions, targets);
  return mean(square(sub(predictions, targets)));
}

/**
 * The mean over everything of the cross-entropy, in nats, of sigmoid(logits) against targets in [0, 1]:
 * softplus(z) - t z. Throws `ShapeError` when the shapes differ.
 */
export function binaryCrossEntropy(logits: Tensor, targets: Tensor): Tensor {
  checkSame("binaryCrossEntropy", logits, targets);
  return mean(sub(softplus(logits), mul(targets, logits)));
}

/** Whether the largest logit is the label's, for each example: logits [..., classes], labels [...] to bool [...]. */
export function correct(logits: Tensor, labels: Tensor): Tensor {
  if (!sameShape(logits.shape.slice(0, -1), labels.shape)) {
    throw new ShapeError(
      "accuracy",
      `logits ${show(logits.shape)} need labels ${show(logits.shape.slice(0, -1))}, got ${show(labels.shape)}`,
    );
  }
  return equal(argmax(logits, -1), labels.dtype === "int32" ? labels : cast(labels, "int32"));
}

/** The share of examples whose largest logit is the label's: logits [..., classes], integer labels [...], a float32 scalar. */
export const accuracy = (logits: Tensor, labels: Tensor): Tensor => mean(cast(correct(logits, labels), "float32"));
