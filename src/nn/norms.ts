import {
  channelMoments,
  batchNorm as normalise,
  layerNorm as normaliseLast,
  ownMomentsNorm,
} from "../engine/composites/norms.js";
import { mean } from "../engine/composites/statistics.js";
import type { DType } from "../engine/dtype.js";
import { HebbError, ShapeError } from "../engine/errors.js";
import { add, div, mul, sqrt } from "../engine/primitives/elementwise.js";
import { full, reshape } from "../engine/primitives/structure.js";
import type { Key } from "../engine/random/keys.js";
import { show } from "../engine/shape.js";
import type { Tensor } from "../engine/tensor.js";
import { filled } from "./filled.js";
import type { Model, StatefulModel } from "./model.js";

export interface ScaleParams {
  readonly scale: Tensor;
}

export interface NormParams extends ScaleParams {
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

/** x / sqrt(mean(x^2) + epsilon) on the last axis, of size `width`, then scaled (Zhang and Sennrich, 2019). */
export function rmsNorm(width: number, { epsilon = 1e-5, dtype = "float32" }: NormOptions = {}): Model<ScaleParams> {
  return {
    init: () => ({ scale: filled([width], 1, dtype) }),
    apply: ({ scale }, x) => mul(div(x, sqrt(add(mean(mul(x, x), -1, { keepDims: true }), epsilon))), scale),
  };
}

/**
 * Normalises each example over each of `groups` groups of neighbouring channels and all that follows axis 1, then
 * scales and shifts each channel (Wu and He, 2018): [N, channels, ...].
 *
 * Throws `HebbError` when the groups do not divide the channels, and `ShapeError` when axis 1 is not `channels`.
 */
export function groupNorm(
  groups: number,
  channels: number,
  { epsilon, dtype = "float32" }: NormOptions = {},
): Model<NormParams> {
  if (channels % groups !== 0) {
    throw new HebbError(`groupNorm: ${groups} groups do not divide ${channels} channels.`);
  }
  return {
    init: () => ({ scale: filled([channels], 1, dtype), shift: filled([channels], 0, dtype) }),
    apply({ scale, shift }, x) {
      if (x.rank < 2 || x.shape[1] !== channels) {
        throw new ShapeError("groupNorm", `the layer takes [N, ${channels}, ...], got ${show(x.shape)}`);
      }
      const column = (t: Tensor) => reshape(t, [channels, ...new Array(x.rank - 2).fill(1)]);
      const rows = reshape(x, [x.shape[0], groups, -1]);
      const size = [rows.shape[2]];
      const normal = normaliseLast(rows, full(size, 1, x.dtype), full(size, 0, x.dtype), { epsilon });
      return add(mul(reshape(normal, x.shape), column(scale)), column(shift));
    },
  };
}

/** Normalises each channel of each example, [N, channels, ...], then scales and shifts (Ulyanov et al., 2016). */
export const instanceNorm = (channels: number, options: NormOptions = {}): Model<NormParams> =>
  groupNorm(channels, channels, options);

/** Running mean and variance of each channel. */
export interface BatchNormState {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** Batch normalisation keeps running statistics beside its parameters, so it is a little more than a `Model`. */
export interface BatchNorm extends StatefulModel<NormParams, BatchNormState> {
  init(key?: Key): NormParams;
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
      return [ownMomentsNorm(x, scale, shift, { epsilon }), next];
    },
    apply({ scale, shift }, x, state) {
      check(x);
      return normalise(x, state, scale, shift, { epsilon });
    },
  };
}
