import { HebbError, ShapeError } from "../engine/errors.js";
import { reshape, transpose } from "../engine/primitives/structure.js";
import { sameShape, show } from "../engine/shape.js";
import { type ConvParams, conv2d } from "./conv.js";
import type { LayerOptions } from "./linear.js";
import type { Model } from "./model.js";

export interface PatchEmbedding extends Model<ConvParams> {
  /** How many patches an image has. */
  readonly count: number;
}

/**
 * A vector for each square patch of an image, row by row: [B, channels, height, width] to [B, count, size]. Throws
 * `HebbError` when the patch does not divide the image, and `ShapeError` when the input is not of `inputShape`.
 */
export function patchEmbedding(
  inputShape: readonly [number, number, number],
  patch: number,
  size: number,
  options: LayerOptions = {},
): PatchEmbedding {
  const [channels, height, width] = inputShape;
  if (height % patch !== 0 || width % patch !== 0) {
    throw new HebbError(`patchEmbedding: patches of ${patch} do not divide images of ${show(inputShape)}.`);
  }
  const conv = conv2d(channels, size, patch, { init: "lecunNormal", ...options, stride: patch });
  const count = (height / patch) * (width / patch);
  return {
    count,
    init: conv.init,
    apply(params, x) {
      if (!sameShape(x.shape.slice(1), inputShape)) {
        throw new ShapeError("patchEmbedding", `the model takes [B, ${inputShape.join(", ")}], got ${show(x.shape)}`);
      }
      return transpose(reshape(conv.apply(params, x), [x.shape[0], size, count]), [0, 2, 1]);
    },
  };
}
