import { ceil, clip } from "../engine/composites/elementary.js";
import { softmax } from "../engine/composites/softmax.js";
import { mean } from "../engine/composites/statistics.js";
import { ShapeError } from "../engine/errors.js";
import { abs, add, div, equal, exp, greater, less, maximum, mul, sub } from "../engine/primitives/elementwise.js";
import { scatterAdd, takeAlongAxis } from "../engine/primitives/indexing.js";
import { argmax, max, sum } from "../engine/primitives/reduce.js";
import { arange, cast, expandDims, flatten, ones, reshape } from "../engine/primitives/structure.js";
import { sameShape, show } from "../engine/shape.js";
import type { Tensor } from "../engine/tensor.js";
import { type LabelOptions, softmaxCrossEntropy } from "./losses.js";

function checkLabels(operation: string, logits: Tensor, labels: Tensor): void {
  const lead = logits.shape.slice(0, -1);
  if (!sameShape(lead, labels.shape)) {
    throw new ShapeError(
      operation,
      `logits ${show(logits.shape)} need labels ${show(lead)}, got ${show(labels.shape)}`,
    );
  }
}

/** Whether the largest logit is the label's, for each example: logits [..., classes], labels [...] to bool [...]. */
export function correct(logits: Tensor, labels: Tensor): Tensor {
  checkLabels("accuracy", logits, labels);
  return equal(argmax(logits, -1), cast(labels, "int32"));
}

/**
 * The share of examples whose largest logit is the label's: logits [..., classes], integer labels [...], a float32
 * scalar.
 */
export const accuracy = (logits: Tensor, labels: Tensor): Tensor => mean(cast(correct(logits, labels), "float32"));

/**
 * The share of examples for which fewer than `k` logits are larger than the label's: as `accuracy`, to which k = 1
 * leads.
 */
export function topKAccuracy(logits: Tensor, labels: Tensor, k: number): Tensor {
  checkLabels("topKAccuracy", logits, labels);
  const own = takeAlongAxis(logits, expandDims(cast(labels, "int32"), -1), -1);
  return mean(cast(less(sum(greater(logits, own), -1), k), "float32"));
}

/** exp of the mean cross-entropy in nats: logits [..., classes], integer labels [...]. */
export const perplexity = (logits: Tensor, labels: Tensor, options: LabelOptions = {}): Tensor =>
  exp(softmaxCrossEntropy(logits, labels, options));

/**
 * How often each label (row) was predicted as each class (column): integer predictions and labels of one shape to int32
 * [classes, classes]. Throws `ShapeError` when the shapes differ.
 */
export function confusionMatrix(predictions: Tensor, labels: Tensor, classes: number): Tensor {
  if (!sameShape(predictions.shape, labels.shape)) {
    throw new ShapeError(
      "confusionMatrix",
      `predictions ${show(predictions.shape)} and labels ${show(labels.shape)} differ in shape`,
    );
  }
  const cells = add(mul(cast(flatten(labels), "int32"), classes), cast(flatten(predictions), "int32"));
  return reshape(scatterAdd(ones(cells.shape, "int32"), cells, classes * classes), [classes, classes]);
}

/** Precision, recall and their harmonic mean of each class, each [classes]; 0 where nothing is there to be counted. */
export interface ClassScores {
  readonly precision: Tensor;
  readonly recall: Tensor;
  readonly f1: Tensor;
}

/** The scores of each class from a confusion matrix. The mean of `f1` is the macro F1; the micro F1 is the accuracy. */
export function classScores(confusion: Tensor): ClassScores {
  const counts = cast(confusion, "float32");
  const classes = counts.shape[0];
  const hits = sum(mul(counts, cast(equal(arange(classes), reshape(arange(classes), [classes, 1])), "float32")), 1);
  const [predicted, labelled] = [sum(counts, 0), sum(counts, 1)];
  const share = (part: Tensor, whole: Tensor) => div(part, maximum(whole, 1));
  return {
    precision: share(hits, predicted),
    recall: share(hits, labelled),
    f1: share(mul(hits, 2), add(predicted, labelled)),
  };
}

/**
 * The expected calibration error (Naeini et al., 2015): examples fall into `bins` of equal width by their confidence,
 * the largest probability; the gap between accuracy and mean confidence, averaged over examples. logits [...,
 * classes], integer labels [...], a scalar. Throws `ShapeError` when the labels do not fit.
 */
export function expectedCalibrationError(
  logits: Tensor,
  labels: Tensor,
  { bins = 15 }: { bins?: number } = {},
): Tensor {
  const right = cast(flatten(correct(logits, labels)), logits.dtype);
  const confidence = flatten(max(softmax(logits), -1));
  // Bin i holds confidences above i / bins and up to (i + 1) / bins.
  const bin = cast(clip(sub(ceil(mul(confidence, bins)), 1), 0, bins - 1), "int32");
  return mul(sum(abs(scatterAdd(sub(right, confidence), bin, bins))), 1 / confidence.size);
}
