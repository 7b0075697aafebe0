import { softplus } from "../engine/composites/activations.js";
import { logSoftmax, oneHot } from "../engine/composites/softmax.js";
import { mean } from "../engine/composites/statistics.js";
import { ShapeError } from "../engine/errors.js";
import {
  abs,
  add,
  div,
  equal,
  greater,
  log,
  maximum,
  minimum,
  mul,
  neg,
  notEqual,
  relu,
  sqrt,
  square,
  sub,
  where,
} from "../engine/primitives/elementwise.js";
import { sum } from "../engine/primitives/reduce.js";
import { cast } from "../engine/primitives/structure.js";
import { sameShape, show } from "../engine/shape.js";
import type { Tensor } from "../engine/tensor.js";

// Every loss is a scalar: the mean over examples.

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

/** The mean of |predictions - targets| over everything. Throws `ShapeError` when the shapes differ. */
export function meanAbsoluteError(predictions: Tensor, targets: Tensor): Tensor {
  checkSame("meanAbsoluteError", predictions, targets);
  return mean(abs(sub(predictions, targets)));
}

/**
 * The mean over everything of r^2 / 2 for residuals r within `delta` and delta (|r| - delta / 2) beyond (Huber, 1964).
 * Throws `ShapeError` when the shapes differ.
 */
export function huber(predictions: Tensor, targets: Tensor, { delta = 1 }: { delta?: number } = {}): Tensor {
  checkSame("huber", predictions, targets);
  const size = abs(sub(predictions, targets));
  const near = minimum(size, delta);
  return mean(mul(near, sub(size, mul(near, 0.5))));
}

/**
 * The mean over everything of the cross-entropy, in nats, of sigmoid(logits) against targets in [0, 1]:
 * softplus(z) - t z. Throws `ShapeError` when the shapes differ.
 */
export function binaryCrossEntropy(logits: Tensor, targets: Tensor): Tensor {
  checkSame("binaryCrossEntropy", logits, targets);
  return mean(sub(softplus(logits), mul(targets, logits)));
}

export interface LabelOptions {
  /** A weight for each class, [classes]; the mean is then weighted by them. */
  readonly classWeights?: Tensor;
  /** A label that counts for nothing, such as that of padding. */
  readonly ignore?: number;
}

/** 1 at each label and the weight of each example: [..., classes] and [...]. */
function weighted(operation: string, scores: Tensor, labels: Tensor, { classWeights, ignore }: LabelOptions) {
  const lead = scores.shape.slice(0, -1);
  if (!sameShape(lead, labels.shape)) {
    throw new ShapeError(
      operation,
      `scores ${show(scores.shape)} need labels ${show(lead)}, got ${show(labels.shape)}`,
    );
  }
  const at = oneHot(labels, scores.shape[scores.rank - 1], scores.dtype);
  const ofClass = sum(classWeights ? mul(at, classWeights) : at, -1);
  const weights = ignore === undefined ? ofClass : mul(ofClass, cast(notEqual(labels, ignore), scores.dtype));
  return { at, weights };
}

/** The sum over the sum of the weights, and 0 where these are all 0. */
function weightedMean(values: Tensor, weights: Tensor): Tensor {
  const total = sum(weights);
  return div(sum(values), where(equal(total, 0), 1, total));
}

/**
 * Minus the mean log-probability of the labels: logProbabilities [..., classes], integer labels [...]. A label that is
 * no class counts for nothing. Throws `ShapeError` when the labels do not fit.
 */
export function negativeLogLikelihood(logProbabilities: Tensor, labels: Tensor, options: LabelOptions = {}): Tensor {
  const { at, weights } = weighted("negativeLogLikelihood", logProbabilities, labels, options);
  return weightedMean(neg(mul(sum(mul(at, logProbabilities), -1), weights)), weights);
}

/**
 * The mean softmax cross-entropy, in nats, of logits [..., classes] against integer labels [...] with options: with
 * `labelSmoothing` e, the target is (1 - e) for the label plus e / classes for every class (Szegedy et al., 2016). A
 * label that is no class counts for nothing. The engine's `crossEntropy` is the plain form, one number for each
 * example.
 *
 * Throws `ShapeError` when the labels do not fit.
 */
export function softmaxCrossEntropy(
  logits: Tensor,
  labels: Tensor,
  { labelSmoothing = 0, ...options }: LabelOptions & { labelSmoothing?: number } = {},
): Tensor {
  const logProbabilities = logSoftmax(logits);
  const hard = negativeLogLikelihood(logProbabilities, labels, options);
  if (labelSmoothing === 0) return hard;
  const { classWeights } = options;
  const { weights } = weighted("softmaxCrossEntropy", logits, labels, options);
  const counted = cast(notEqual(weights, 0), logits.dtype);
  const every = mean(classWeights ? mul(logProbabilities, classWeights) : logProbabilities, -1);
  const smooth = weightedMean(neg(mul(every, counted)), weights);
  return add(mul(hard, 1 - labelSmoothing), mul(smooth, labelSmoothing));
}

/**
 * The mean over examples of KL(targets || softmax(logits)) = sum_c t_c (log t_c - log p_c), in nats: logits and targets
 * [..., classes]. Throws `ShapeError` when the shapes differ.
 */
export function klDivergence(logits: Tensor, targets: Tensor): Tensor {
  checkSame("klDivergence", logits, targets);
  const entropy = mul(targets, log(where(greater(targets, 0), targets, 1)));
  return mean(sum(sub(entropy, mul(targets, logSoftmax(logits))), -1));
}

/** The mean of max(0, margin - t s) for targets -1 or 1 and scores s. Throws `ShapeError` when the shapes differ. */
export function hinge(scores: Tensor, targets: Tensor, { margin = 1 }: { margin?: number } = {}): Tensor {
  checkSame("hinge", scores, targets);
  return mean(relu(sub(margin, mul(targets, scores))));
}

/**
 * The mean over examples of the mean over classes of max(0, margin - s_label + s_c), without the label's own (Crammer
 * and Singer, 2001, summed): scores [..., classes], integer labels [...]. Throws `ShapeError` when the labels do not
 * fit.
 */
export function multiClassHinge(scores: Tensor, labels: Tensor, { margin = 1 }: { margin?: number } = {}): Tensor {
  const { at } = weighted("multiClassHinge", scores, labels, {});
  const own = sum(mul(at, scores), -1, { keepDims: true });
  return mean(mul(relu(add(sub(scores, own), margin)), sub(1, at)));
}

const length = (x: Tensor, epsilon: number): Tensor => sqrt(maximum(sum(square(x), -1), epsilon ** 2));

/** a . b / (|a| |b|) over the last axis, with norms of at least `epsilon`: [..., n] and [..., n] to [...]. */
export const cosineSimilarity = (a: Tensor, b: Tensor, { epsilon = 1e-8 }: { epsilon?: number } = {}): Tensor =>
  div(sum(mul(a, b), -1), mul(length(a, epsilon), length(b, epsilon)));

/**
 * The mean of 1 - cos(a, b) for pairs that belong together (target 1) and of max(0, cos(a, b) - margin) for those that
 * do not (target -1): [B, n], [B, n] and [B].
 */
export function cosineEmbedding(
  a: Tensor,
  b: Tensor,
  targets: Tensor,
  { margin = 0 }: { margin?: number } = {},
): Tensor {
  const cosine = cosineSimilarity(a, b);
  return mean(where(greater(targets, 0), sub(1, cosine), relu(sub(cosine, margin))));
}

/**
 * The mean of max(0, |anchor - positive| - |anchor - negative| + margin), with Euclidean distances over the last axis
 * (Schroff et al., 2015, without squares): three times [B, n]. `epsilon` is added to each difference. Throws
 * `ShapeError` when the shapes differ.
 */
export function tripletLoss(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  { margin = 1, epsilon = 1e-6 }: { margin?: number; epsilon?: number } = {},
): Tensor {
  checkSame("tripletLoss", anchor, positive);
  checkSame("tripletLoss", anchor, negative);
  const distance = (x: Tensor) => length(add(sub(anchor, x), epsilon), 0);
  return mean(relu(add(sub(distance(positive), distance(negative)), margin)));
}
