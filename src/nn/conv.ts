import { type ConvOptions, conv, convTranspose } from "../engine/primitives/conv.js";
import { add } from "../engine/primitives/elementwise.js";
import { reshape } from "../engine/primitives/structure.js";
import { foldIn, type Key } from "../engine/random/keys.js";
import type { Tensor } from "../engine/tensor.js";
import { convFan, type Fan, initializerOf } from "./initializers.js";
import type { LayerOptions } from "./linear.js";
import type { Model } from "./model.js";

export interface ConvParams {
  /** [out, in / groups, ...window], or [in, out / groups, ...window] of a transposed convolution. */
  readonly w: Tensor;
  /** [out]; absent without bias. */
  readonly b?: Tensor;
}

/** One number for a window of equal sides, or one for each spatial axis. */
type Window = number | readonly number[];

type ConvLayerOptions = LayerOptions & ConvOptions;
type TransposedOptions = ConvLayerOptions & { readonly outputPadding?: number | readonly number[] };

const windowOf = (kernel: Window, rank: number): readonly number[] =>
  typeof kernel === "number" ? new Array(rank).fill(kernel) : kernel;

/** Draws a kernel of `shape` and a bias of `outputs`. */
function draw(key: Key, shape: readonly number[], outputs: number, fan: Fan, options: LayerOptions): ConvParams {
  const { bias = true, init = "heNormal", biasInit = "zeros", dtype = "float32" } = options;
  const w = initializerOf(init)(key, shape, fan, dtype);
  return bias ? { w, b: initializerOf(biasInit)(foldIn(key, 1), [outputs], fan, dtype) } : { w };
}

const shifted = (y: Tensor, b: Tensor | undefined): Tensor =>
  b ? add(y, reshape(b, [b.size, ...new Array(y.rank - 2).fill(1)])) : y;

const convolution =
  (rank: number) =>
  (inputs: number, outputs: number, kernel: Window, options: ConvLayerOptions = {}): Model<ConvParams> => {
    const { bias, init, biasInit, dtype, ...geometry } = options;
    const shape = [outputs, inputs / (geometry.groups ?? 1), ...windowOf(kernel, rank)];
    return {
      init: (key) => draw(key, shape, outputs, convFan(shape), { bias, init, biasInit, dtype }),
      apply: ({ w, b }, x) => shifted(conv(x, w, geometry), b),
    };
  };

/**
 * One-dimensional convolution (cross-correlation) with a bias for each channel: [N, in, L] to [N, out, L']. The weight
 * starts as `heNormal` unless `init` says otherwise. Throws `ShapeError` when the channels do not fit.
 */
export const conv1d = convolution(1);
/** Two-dimensional convolution, as `conv1d`: [N, in, H, W] to [N, out, H', W']. */
export const conv2d = convolution(2);
/** Three-dimensional convolution, as `conv1d`: [N, in, D, H, W] to [N, out, D', H', W']. */
export const conv3d = convolution(3);

/**
 * A two-dimensional convolution of each channel by itself, into `multiplier` channels: [N, C, H, W] to [N, C m, H',
 * W'].
 */
export const depthwiseConv2d = (
  channels: number,
  kernel: Window,
  { multiplier = 1, ...options }: Omit<ConvLayerOptions, "groups"> & { multiplier?: number } = {},
): Model<ConvParams> => conv2d(channels, channels * multiplier, kernel, { ...options, groups: channels });

const transposed =
  (rank: number) =>
  (inputs: number, outputs: number, kernel: Window, options: TransposedOptions = {}): Model<ConvParams> => {
    const { bias, init, biasInit, dtype, ...geometry } = options;
    const shape = [inputs, outputs / (geometry.groups ?? 1), ...windowOf(kernel, rank)];
    const { in: out, out: into } = convFan(shape);
    return {
      init: (key) => draw(key, shape, outputs, { in: into, out }, { bias, init, biasInit, dtype }),
      apply: ({ w, b }, x) => shifted(convTranspose(x, w, geometry), b),
    };
  };

/**
 * One-dimensional transposed convolution with a bias for each channel: [N, in, L] to [N, out, L'], where
 * L' = stride (L - 1) + dilation (kernel - 1) + 1 - 2 padding + outputPadding. Throws `ShapeError` when the channels do
 * not fit.
 */
export const convTranspose1d = transposed(1);
/** Two-dimensional transposed convolution, as `convTranspose1d`. */
export const convTranspose2d = transposed(2);
/** Three-dimensional transposed convolution, as `convTranspose1d`. */
export const convTranspose3d = transposed(3);
