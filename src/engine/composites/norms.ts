import { type EmitNode, sameDType } from "../core.js";
import { ShapeError } from "../errors.js";
import type { Emitter } from "../onnx/emitter.js";
import { add, div, mul, sqrt, sub } from "../primitives/elementwise.js";
import { matmul } from "../primitives/matmul.js";
import { sum, sumTo } from "../primitives/reduce.js";
import { asRows, reshape } from "../primitives/structure.js";
import { sameShape, show } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { composite } from "./composite.js";
import { mean, variance } from "./statistics.js";

const keep = { keepDims: true };

const standardise = (x: Tensor, epsilon: number): { centred: Tensor; inverse: Tensor } => {
  const centred = sub(x, mean(x, -1, keep));
  return { centred, inverse: div(1, sqrt(add(mean(mul(centred, centred), -1, keep), epsilon))) };
};

type Epsilon = { epsilon: number };

/** The runtime's kernel gives the normalised input, its mean and 1 / sd; whoever wants one of them shares one node. */
const byKernel =
  (result: number) =>
  (e: Emitter, inputs: readonly string[], { attrs: { epsilon } }: EmitNode<Epsilon>): string =>
    e.nodes("LayerNormalization", inputs, 3, { axis: -1, epsilon })[result];

const layerNormComposite = composite<Epsilon>({
  name: "layerNorm",
  define([x, scale, shift], { epsilon }) {
    const { centred, inverse } = standardise(x, epsilon);
    return add(mul(mul(centred, inverse), scale), shift);
  },
  // The kernel reads epsilon as float32, which is not exact enough for float64.
  serves: ([x]) => x.dtype !== "float64",
  emit: byKernel(0),
  // With c = x - mean, r = 1 / sd and d values in the last axis:
  // dx = r g scale - r (g . scale) / d - c r^3 ((g c) . scale) / d, in which dots are products with a vector.
  grad(g, { inputs, attrs, needs }) {
    const [x, scale, shift] = inputs;
    const centred = sub(x, ownMean.apply(inputs, attrs));
    const inverse = inverseDeviation.apply(inputs, attrs);
    const along = mul(g, centred);
    const inward = () => {
      const share = reshape(mul(scale, 1 / scale.size), [scale.size, 1]);
      const level = mul(matmul(g, share), inverse);
      const slope = mul(matmul(along, share), mul(inverse, mul(inverse, inverse)));
      return sub(sub(mul(mul(g, scale), inverse), mul(centred, slope)), level);
    };
    return [
      needs[0] ? inward() : undefined,
      needs[1] ? reshape(matmul(asRows(inverse), asRows(along), { transposeA: true }), scale.shape) : undefined,
      needs[2] ? sumTo(g, shift.shape) : undefined,
    ];
  },
});

/** The mean of the last axis, and so 1 / sd. */
const ownMean = composite<Epsilon>({
  name: "layerNormMean",
  define: ([x]) => mean(x, -1, keep),
  // The kernel gives these results as float32, whatever the input's dtype.
  serves: ([x]) => x.dtype === "float32",
  emit: byKernel(1),
});
const inverseDeviation = composite<Epsilon>({
  name: "layerNormInverse",
  define: ([x], { epsilon }) => standardise(x, epsilon).inverse,
  serves: ([x]) => x.dtype === "float32",
  emit: byKernel(2),
});

/** Normalises the last axis to mean 0 and variance 1 (plus `epsilon`), then scales and shifts (Ba et al., 2016). */
export function layerNorm(
  x: Tensor,
  scale: Tensor,
  shift: Tensor,
  { epsilon = 1e-5 }: { epsilon?: number } = {},
): Tensor {
  sameDType("layerNorm", [x, scale, shift]);
  const last = [x.shape[x.rank - 1]];
  if (!sameShape(scale.shape, last) || !sameShape(shift.shape, last)) {
    throw new ShapeError(
      "layerNorm",
      `scale ${show(scale.shape)} and shift ${show(shift.shape)} must have the last axis of ${show(x.shape)}`,
    );
  }
  return layerNormComposite.apply([x, scale, shift], { epsilon });
}

/** What batch normalisation measured: mean and (biased) variance of each channel. */
export interface Moments {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** Mean and variance of each channel (axis 1) of `x` over all other axes. */
export function channelMoments(x: Tensor): Moments {
  const axes = allButChannels(x);
  return { mean: reshape(mean(x, axes, keep), [x.shape[1]]), variance: variance(x, axes) };
}

const allButChannels = (x: Tensor): number[] => x.shape.map((_, i) => i).filter((i) => i !== 1);

/** [channels] so that it meets axis 1 of `x`. */
const column = (t: Tensor, x: Tensor): Tensor =>
  reshape(
    t,
    x.shape.map((n, i) => (i === 1 ? n : 1)),
  );

const ownMomentsComposite = composite<Epsilon>({
  name: "ownMomentsNorm",
  define: ([x, scale, shift], { epsilon }) => withMoments(x, channelMoments(x), scale, shift, epsilon),
  infer: ([x]) => x,
  // With c = x - mean, s = 1 / sd and n values for each channel:
  // dx = scale s (g - sum(g) / n - c s^2 sum(g c) / n), as a sum of g, c and 1 with one factor each.
  grad(g, { inputs: [x, scale], attrs: { epsilon }, needs }) {
    const { mean, variance } = channelMoments(x);
    const axes = allButChannels(x);
    const n = x.size / x.shape[1];
    const centred = sub(x, column(mean, x));
    const inverse = div(1, sqrt(add(variance, epsilon)));
    const total = sum(g, axes);
    const along = sum(mul(g, centred), axes);
    const inward = () => {
      const factor = mul(scale, inverse);
      const slope = mul(mul(factor, mul(inverse, inverse)), mul(along, 1 / n));
      const level = mul(factor, mul(total, 1 / n));
      return sub(mul(g, column(factor, x)), add(mul(centred, column(slope, x)), column(level, x)));
    };
    return [needs[0] ? inward() : undefined, needs[1] ? mul(along, inverse) : undefined, needs[2] ? total : undefined];
  },
});

/**
 * Normalises each channel (axis 1) with the moments of `x` itself, then scales and shifts: batch normalisation as it is
 * trained (Ioffe and Szegedy, 2015), with gradients through the moments.
 */
export function ownMomentsNorm(
  x: Tensor,
  scale: Tensor,
  shift: Tensor,
  { epsilon = 1e-5 }: { epsilon?: number } = {},
): Tensor {
  checkChannels(x, scale, shift);
  return ownMomentsComposite.apply([x, scale, shift], { epsilon });
}

function checkChannels(x: Tensor, scale: Tensor, shift: Tensor): void {
  if (x.rank < 2) throw new ShapeError("batchNorm", `the input must be [N, channels, ...], got ${show(x.shape)}`);
  sameDType("batchNorm", [x, scale, shift]);
  const channels = [x.shape[1]];
  if (sameShape(scale.shape, channels) && sameShape(shift.shape, channels)) return;
  throw new ShapeError(
    "batchNorm",
    `scale ${show(scale.shape)} and shift ${show(shift.shape)} must have axis 1 of ${show(x.shape)}`,
  );
}

/** Normalises each channel (axis 1) with given moments, then scales and shifts (Ioffe and Szegedy, 2015). */
export function batchNorm(
  x: Tensor,
  moments: Moments,
  scale: Tensor,
  shift: Tensor,
  { epsilon = 1e-5 }: { epsilon?: number } = {},
): Tensor {
  checkChannels(x, scale, shift);
  return withMoments(x, moments, scale, shift, epsilon);
}

function withMoments(x: Tensor, { mean, variance }: Moments, scale: Tensor, shift: Tensor, epsilon: number): Tensor {
  const factor = div(scale, sqrt(add(variance, epsilon)));
  return add(mul(sub(x, column(mean, x)), column(factor, x)), column(shift, x));
}
