import { mean } from "../engine/composites/statistics.js";
import { add } from "../engine/primitives/elementwise.js";
import { broadcastTo, concat, reshape, sliceAxis } from "../engine/primitives/structure.js";
import { splitList } from "../engine/random/keys.js";
import type { Tensor } from "../engine/tensor.js";
import type { ConvParams } from "./conv.js";
import { dropout } from "./dropout.js";
import { type EmbeddingParams, embedding } from "./embedding.js";
import { normal } from "./initializers.js";
import { type LinearParams, linear } from "./linear.js";
import type { Model, Training } from "./model.js";
import { patchEmbedding } from "./patches.js";
import { type EncoderBlockParams, type StackOptions, type StackParams, transformerEncoder } from "./transformer.js";

export interface VitParams {
  readonly patches: ConvParams;
  /** The class token, [1, width]; absent with mean pooling. */
  readonly token?: EmbeddingParams;
  readonly positions: EmbeddingParams;
  readonly encoder: StackParams<EncoderBlockParams>;
  readonly head: LinearParams;
}

export interface VitOptions extends Omit<StackOptions, "causal" | "contextWidth" | "positions"> {
  /** Channels, height and width of an image. */
  readonly inputShape: readonly [number, number, number];
  readonly classes: number;
  /** Side of the square patches. */
  readonly patch: number;
  readonly width: number;
  /** Reads the class off a token of its own, or off the mean of all patches. Default "token". */
  readonly pool?: "token" | "mean";
}

export interface Vit extends Model<VitParams> {
  apply(params: VitParams, x: Tensor, options?: Training): Tensor;
}

/**
 * The vision transformer (Dosovitskiy et al., 2021): patches with learned positions through a transformer encoder;
 * [B, channels, height, width] to logits [B, classes].
 *
 * Throws `HebbError` when the patch does not divide the image, and `ShapeError` when the input is not of `inputShape`.
 */
export function vit(options: VitOptions): Vit {
  const { inputShape, classes, patch, width, pool = "token", ...stack } = options;
  const { dtype = "float32", dropout: rate = 0 } = stack;
  const patches = patchEmbedding(inputShape, patch, width, { dtype });
  const extra = pool === "token" ? 1 : 0;
  const init = normal(0.02);
  const token = embedding(1, width, { init, dtype });
  const positions = embedding(patches.count + extra, width, { init, dtype });
  const encoder = transformerEncoder(width, stack);
  const head = linear(width, classes, { init, dtype });
  return {
    init(key) {
      const [a, b, c, d, e] = splitList(key, 5);
      return {
        patches: patches.init(a),
        ...(extra && { token: token.init(b) }),
        positions: positions.init(c),
        encoder: encoder.init(d),
        head: head.init(e),
      };
    },
    apply(params, x, { key } = {}) {
      const [a, b] = key ? splitList(key, 2) : [];
      const seen = patches.apply(params.patches, x);
      const first = params.token && broadcastTo(params.token.w, [x.shape[0], 1, width]);
      const placed = add(first ? concat([first, seen], 1) : seen, params.positions.w);
      const h = encoder.apply(params.encoder, a ? dropout(a, placed, rate) : placed, { key: b });
      const read = extra ? reshape(sliceAxis(h, 1, 0, 1), [x.shape[0], width]) : mean(h, 1);
      return head.apply(params.head, read);
    },
  };
}
