import { type ConvOptions, conv } from "../engine/primitives/conv.js";
import { add } from "../engine/primitives/elementwise.js";
import { reshape } from "../engine/primitives/structure.js";
import { foldIn } from "../engine/random/keys.js";
import type { Tensor } from "../engine/tensor.js";
import { convFan, initializerOf } from "./initializers.js";
import type { LayerOptions } from "./linear.js";
import type { Model } from "./model.js";

export interface ConvParams {
  /** [out, in / groups, height, width]. */
  readonly w: Tensor;
  /** [out]; absent without bias. */
  readonly b?: Tensor;
}

/**
 * Two-dimensional convolution (cross-correlation) with a bias for each channel: [N, in, H, W] to [N, out, H', W'].
 * `kernel` is one number for a square window. The weight starts as `heNormal` unless `init` says otherwise. Throws
 * `ShapeError` when the channels do not fit.
 */
export function conv2d(
  inputs: number,
  outputs: number,
  kernel: number | readonly [number, number],
  options: LayerOptions & ConvOptions = {},
): Model<ConvParams> {
  const { bias = true, init = "heNormal", biasInit = "zeros", dtype = "float32", ...geometry } = options;
  const window = typeof kernel === "number" ? [kernel, kernel] : kernel;
  const shape = [outputs, inputs / (geometry.groups ?? 1), ...window];
  const fan = convFan(shape);
  return {
    init(key) {
      const w = initializerOf(init)(key, shape, fan, dtype);
      return bias ? { w, b: initializerOf(biasInit)(foldIn(key, 1), [outputs], fan, dtype) } : { w };
    },
    apply({ w, b }, x) {
      const y = conv(x, w, geometry);
      return b ? add(y, reshape(b, [outputs, 1, 1])) : y;
    },
  };
}
