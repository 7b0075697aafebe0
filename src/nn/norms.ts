import { channelMoments, batchNorm as normalise, layerNorm as normaliseLast } from "../engine/composites/norms.js";
import type { DType } from "../engine/dtype.js";
import { ShapeError } from "../engine/errors.js";
import { add, mul } from "../engine/primitives/elementwise.js";
import type { Key } from "../engine/random/keys.js";
import { show } from "../engine/shape.js";
import type { Tensor } from "../engine/tensor.js";
import { filled } from "./filled.js";
import type { Model } from "./model.js";

export interface NormParams {
  readonly scale: Tensor;
  readonly shift: Tensor;
}

interface NormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
  /** Default float32. */
  readonly dtype?: DType;
}

/** Normalises the last axis, of size `width`, then scales and shifts (Ba et al., 2016). */
export function layerNorm(width: number, { epsilon, dtype = "float32" }: NormOptions = {}): Model<NormParams> {
  return {
    init: () => ({ scale: filled([width], 1, dtype), shift: filled([width], 0, dtype) }),
    apply: ({ scale, shift }, x) => normaliseLast(x, scale, shift, { epsilon }),
  };
}

/** Running mean and variance of each channel. */
export interface BatchNormState {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** Batch normalisation keeps running statistics beside its parameters, so it is a little more than a `Model`. */
export interface BatchNorm {
  init(key?: Key): NormParams;
  initState(): BatchNormState;
  /** Normalises with the statistics of this batch, and returns the running statistics that follow `state`. */
  train(params: NormParams, x: Tensor, state: BatchNormState): [y: Tensor, state: BatchNormState];
  /** Normalises with the running statistics. */
  apply(params: NormParams, x: Tensor, state: BatchNormState): Tensor;
}

/**
 * Normalises each channel (axis 1) of [N, channels, ...], then scales and shifts (Ioffe and Szegedy, 2015). As in
 * PyTorch, running <- (1 - momentum) running + momentum batch, with the unbiased variance of the batch.
 *
 * Throws `ShapeError` when axis 1 is not `channels`, or when one value for each channel is all there is to train on.
 */
export function batchNorm(
  channels: number,
  { epsilon = 1e-5, momentum = 0.1, dtype = "float32" }: NormOptions & { momentum?: number } = {},
): BatchNorm {
  const check = (x: Tensor) => {
    if (x.rank < 2 || x.shape[1] !== channels) {
      throw new ShapeError("batchNorm", `the layer takes [N, ${channels}, ...], got ${show(x.shape)}`);
    }
  };
  return {
    init: () => ({ scale: filled([channels], 1, dtype), shift: filled([channels], 0, dtype) }),
    initState: () => ({ mean: filled([channels], 0, dtype), variance: filled([channels], 1, dtype) }),
    train({ scale, shift }, x, state) {
      check(x);
      const count = x.size / channels;
      if (count < 2)
        throw new ShapeError("batchNorm", `${show(x.shape)} has one value for each channel; training needs more`);
      const moments = channelMoments(x);
      const mix = (old: Tensor, now: Tensor, factor: number) =>
        add(mul(old, 1 - momentum), mul(now, momentum * factor));
      const next = {
        mean: mix(state.mean, moments.mean, 1),
        variance: mix(state.variance, moments.variance, count / (count - 1)),
      };
      return [normalise(x, moments, scale, shift, { epsilon }), next];
    },
    apply({ scale, shift }, x, state) {
      check(x);
      return normalise(x, state, scale, shift, { epsilon });
    },
  };
}
