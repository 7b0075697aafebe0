import { isFloat } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { add, div, equal, exp, log, mul, neg, sub, where } from "../primitives/elementwise.js";
import { max, sum } from "../primitives/reduce.js";
import { arange, cast, expandDims, full, reshape, stopGradient } from "../primitives/structure.js";
import { normalAxes, normalAxis, sameShape, show } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { composite } from "./composite.js";
import { isFinite as finite } from "./elementary.js";

const keep = { keepDims: true };

const softmaxComposite = composite<{ axis: number }>({
  name: "softmax",
  define([x], { axis }) {
    const e = exp(sub(x, stopGradient(max(x, axis, keep))));
    return div(e, sum(e, axis, keep));
  },
  emit: (e, [x], { attrs: { axis } }) => e.node("Softmax", [x], { axis }),
  grad: (g, { output: y, attrs: { axis } }) => [mul(y, sub(g, sum(mul(g, y), axis, keep)))],
  batch: ([x], _batched, { axis }) => softmax(x, axis + 1),
});

const logSoftmaxComposite = composite<{ axis: number }>({
  name: "logSoftmax",
  define([x], { axis }) {
    const centred = sub(x, stopGradient(max(x, axis, keep)));
    return sub(centred, log(sum(exp(centred), axis, keep)));
  },
  emit(e, [x], { attrs: { axis } }) {
    if (!e.device) return e.node("LogSoftmax", [x], { axis });
    const over = e.ints([axis]);
    const centred = e.node("Sub", [x, e.node("ReduceMax", [x, over])]);
    return e.node("Sub", [centred, e.node("Log", [e.node("ReduceSum", [e.node("Exp", [centred]), over])])]);
  },
  grad: (g, { inputs: [x], attrs: { axis } }) => [sub(g, mul(softmax(x, axis), sum(g, axis, keep)))],
  batch: ([x], _batched, { axis }) => logSoftmax(x, axis + 1),
});

/**
 * exp(x) / sum(exp(x)) along `axis`, computed without overflow. With `where` (bool, broadcast to x), only over the
 * elements that it chooses; the others get 0, also where it chooses none.
 */
export function softmax(x: Tensor, axis = -1, { where: chosen }: { where?: Tensor } = {}): Tensor {
  const at = normalAxis("softmax", axis, x.shape);
  if (!chosen) return softmaxComposite.apply([x], { axis: at });
  const { e } = shifted(x, [at], chosen);
  const total = sum(e, at, keep);
  return div(e, where(equal(total, 0), 1, total));
}

/** exp(x - top), with top the largest element over `axes` if that is finite; 0 for elements that are not chosen. */
function shifted(x: Tensor, axes: readonly number[], chosen?: Tensor): { e: Tensor; top: Tensor } {
  const own = chosen ? where(chosen, x, Number.NEGATIVE_INFINITY) : x;
  const largest = stopGradient(max(own, axes, keep));
  const top = where(finite(largest), largest, 0);
  return { e: exp(sub(own, top)), top };
}

/** log(softmax(x)) along `axis`, computed without overflow. */
export const logSoftmax = (x: Tensor, axis = -1): Tensor =>
  logSoftmaxComposite.apply([x], { axis: normalAxis("logSoftmax", axis, x.shape) });

interface LogSumExpOptions {
  readonly keepDims?: boolean;
  /** Factors of the summands, broadcast to x. */
  readonly weights?: Tensor;
  /** Which elements count (bool, broadcast to x). */
  readonly where?: Tensor;
}

/** log(sum(weights exp(x))) over `axes` (the last by default), computed without overflow; -infinity of nothing. */
export function logSumExp(
  x: Tensor,
  axes: number | readonly number[] = -1,
  { keepDims = false, weights, where: chosen }: LogSumExpOptions = {},
): Tensor {
  const list = normalAxes("logSumExp", axes, x.shape);
  const shape = x.shape.flatMap((n, i) => (!list.includes(i) ? [n] : keepDims ? [1] : []));
  if (list.some((a) => x.shape[a] === 0)) return full(shape, Number.NEGATIVE_INFINITY, x.dtype);
  const { e, top } = shifted(x, list, chosen);
  const total = sum(weights ? mul(e, weights) : e, list, keep);
  const isNothing = equal(total, 0);
  const out = where(isNothing, Number.NEGATIVE_INFINITY, add(log(where(isNothing, 1, total)), top));
  return reshape(out, shape);
}

/** 1 where the class is the label, else 0: labels [...], result [..., classes]. */
export function oneHot(labels: Tensor, classes: number, dtype: Tensor["dtype"] = "float32"): Tensor {
  // In uint8 the classes above 255 would begin again at 0.
  const wide = labels.dtype === "uint8" ? cast(labels, "int32") : labels;
  return cast(equal(expandDims(wide, -1), arange(classes, wide.dtype)), dtype);
}

/**
 * Softmax cross-entropy of each example, in nats: logits [..., classes] against integer labels [...] or a
 * distribution [..., classes]; result [...]. Take its mean for a loss.
 */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  const hard = !isFloat(labels.dtype);
  const expected = hard ? logits.shape.slice(0, -1) : logits.shape;
  if (!sameShape(labels.shape, expected)) {
    throw new ShapeError(
      "crossEntropy",
      `logits ${show(logits.shape)} need ${hard ? "integer " : ""}labels ${show(expected)}, got ${labels.dtype}${show(labels.shape)}`,
    );
  }
  const scores = logSoftmax(logits, -1);
  // Chosen, not multiplied: a class may be ruled out by a logit of -infinity.
  const weighted = hard ? where(oneHot(labels, logits.shape[logits.rank - 1], "bool"), scores, 0) : mul(labels, scores);
  return neg(sum(weighted, -1));
}
