import { ShapeError } from "../errors.js";
import { add, div, mul, sqrt, sub } from "../primitives/elementwise.js";
import { sumTo } from "../primitives/reduce.js";
import { reshape } from "../primitives/structure.js";
import { sameShape, show } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { composite } from "./composite.js";
import { mean, variance } from "./statistics.js";

const keep = { keepDims: true };

const layerNormComposite = composite<{ epsilon: number }>({
  name: "layerNorm",
  define([x, scale, shift], { epsilon }) {
    const centred = sub(x, mean(x, -1, keep));
    const normal = div(centred, sqrt(add(mean(mul(centred, centred), -1, keep), epsilon)));
    return add(mul(normal, scale), shift);
  },
  emit: (e, inputs, { attrs: { epsilon } }) => e.node("LayerNormalization", inputs, { axis: -1, epsilon }),
  // With n = (x - mean) / sd and h = g scale: dx = (h - mean(h) - n mean(h n)) / sd.
  grad(g, { inputs: [x, scale, shift], attrs: { epsilon }, needs }) {
    const centred = sub(x, mean(x, -1, keep));
    const inverse = div(1, sqrt(add(mean(mul(centred, centred), -1, keep), epsilon)));
    const normal = mul(centred, inverse);
    const h = mul(g, scale);
    return [
      needs[0] ? mul(sub(sub(h, mean(h, -1, keep)), mul(normal, mean(mul(h, normal), -1, keep))), inverse) : undefined,
      needs[1] ? sumTo(mul(g, normal), scale.shape) : undefined,
      needs[2] ? sumTo(g, shift.shape) : undefined,
    ];
  },
});

/** Normalises the last axis to mean 0 and variance 1 (plus `epsilon`), then scales and shifts (Ba et al., 2016). */
export function layerNorm(
  x: Tensor,
  scale: Tensor,
  shift: Tensor,
  { epsilon = 1e-5 }: { epsilon?: number } = {},
): Tensor {
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
  const axes = x.shape.map((_, i) => i).filter((i) => i !== 1);
  return { mean: mean(x, axes), variance: variance(x, axes) };
}

/** Normalises each channel (axis 1) with given moments, then scales and shifts (Ioffe and Szegedy, 2015). */
export function batchNorm(
  x: Tensor,
  moments: Moments,
  scale: Tensor,
  shift: Tensor,
  { epsilon = 1e-5 }: { epsilon?: number } = {},
): Tensor {
  const column = (t: Tensor) => reshape(t, [t.shape[0], ...new Array(x.rank - 2).fill(1)]);
  const factor = div(scale, sqrt(add(moments.variance, epsilon)));
  return add(mul(sub(x, column(moments.mean)), column(factor)), column(shift));
}
