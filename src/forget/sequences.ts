import {
  crossEntropy,
  div,
  exp,
  greaterEqual,
  maximum,
  mul,
  neg,
  ShapeError,
  sum,
  type Tensor,
} from "../engine/index.js";

const inner = (t: Tensor): number[] => Array.from({ length: t.rank - 1 }, (_, i) => i + 1);

/** The cross-entropy at each position. */
function labelLosses(operation: string, logits: Tensor, labels: Tensor): Tensor {
  if (labels.dtype.startsWith("float"))
    throw new ShapeError(operation, `labels are integers, such as classes or tokens, not ${labels.dtype}`);
  return crossEntropy(logits, labels);
}

/** Which positions carry a label: 1 or 0, in the dtype of `like`. */
export const labelled = (labels: Tensor, like: Tensor): Tensor => greaterEqual(labels, 0).cast(like.dtype);

/**
 * The log-probability of each example's labels, in nats: logits [B, ..., classes] and integer labels [B, ...] to [B].
 * For a language model it is log p(answer | question): the sum over the positions that carry a label, where -1 is none;
 * for a classifier it is log p(label). Throws `ShapeError` when the labels do not fit or are no integers.
 */
export function logProbability(logits: Tensor, labels: Tensor): Tensor {
  const each = neg(labelLosses("logProbability", logits, labels));
  return each.rank > 1 ? sum(each, inner(each)) : each;
}

/**
 * The mean probability of each example's labels: logits [B, ..., classes] and integer labels [B, ...] to [B] in [0, 1].
 * It is the mean of softmax values, not of their logarithms, over the positions of `mask` alone; by default over those
 * that carry a label (-1 is none). An example without any gets 0.
 *
 * P(x, y) = (1 / |y|) sum_i p(y_i | x, y_<i) (Wang et al., 2025). Throws `ShapeError` when the labels do not fit or are no
 * integers.
 */
export function averageTokenProbability(logits: Tensor, targets: Tensor, mask?: Tensor): Tensor {
  const each = exp(neg(labelLosses("averageTokenProbability", logits, targets)));
  const counted = mask ? mask.cast(each.dtype) : labelled(targets, each);
  if (each.rank === 1) return mul(each, counted);
  const axes = inner(each);
  return sum(mul(each, counted), axes).div(maximum(sum(counted, axes), 1));
}

/**
 * log P(answer | question) / |answer|, in nats: the mean log-probability of each example's labels, logits
 * [B, ..., classes] and integer labels [B, ...], where -1 is none, to [B]. So long and short answers compare.
 */
export function meanLogProbability(logits: Tensor, labels: Tensor): Tensor {
  const counted = labelled(labels, logits);
  const length = counted.rank > 1 ? sum(counted, inner(counted)) : counted;
  return div(logProbability(logits, labels), maximum(length, 1));
}
