import { isFloat } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { add, div, equal, exp, log, mul, neg, sub } from "../primitives/elementwise.js";
import { max, sum } from "../primitives/reduce.js";
import { arange, cast, expandDims, stopGradient } from "../primitives/structure.js";
import { normalAxis, sameShape, show } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { composite } from "./composite.js";

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
  emit: (e, [x], { attrs: { axis } }) => e.node("LogSoftmax", [x], { axis }),
  grad: (g, { inputs: [x], attrs: { axis } }) => [sub(g, mul(softmax(x, axis), sum(g, axis, keep)))],
  batch: ([x], _batched, { axis }) => logSoftmax(x, axis + 1),
});

/** exp(x) / sum(exp(x)) along `axis`, computed without overflow. */
export const softmax = (x: Tensor, axis = -1): Tensor =>
  softmaxComposite.apply([x], { axis: normalAxis("softmax", axis, x.shape) });

/** log(softmax(x)) along `axis`, computed without overflow. */
export const logSoftmax = (x: Tensor, axis = -1): Tensor =>
  logSoftmaxComposite.apply([x], { axis: normalAxis("logSoftmax", axis, x.shape) });

/** log(sum(exp(x))) along `axis`, computed without overflow. */
export function logSumExp(x: Tensor, axis = -1, { keepDims = false }: { keepDims?: boolean } = {}): Tensor {
  const top = stopGradient(max(x, axis, keep));
  const out = add(log(sum(exp(sub(x, top)), axis, keep)), top);
  return keepDims ? out : sum(out, axis);
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
  const target = hard ? oneHot(labels, logits.shape[logits.rank - 1], logits.dtype) : labels;
  return neg(sum(mul(target, logSoftmax(logits, -1)), -1));
}
