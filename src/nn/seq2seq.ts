import { ShapeError } from "../engine/errors.js";
import { add, mul } from "../engine/primitives/elementwise.js";
import { arange } from "../engine/primitives/structure.js";
import { type Key, splitList } from "../engine/random/keys.js";
import { show } from "../engine/shape.js";
import type { Tensor } from "../engine/tensor.js";
import { paddingMask } from "./dot-product-attention.js";
import { dropout } from "./dropout.js";
import { type EmbeddingParams, embedding } from "./embedding.js";
import { normal } from "./initializers.js";
import { type LinearParams, linear } from "./linear.js";
import type { Model, Training } from "./model.js";
import { sinusoidal } from "./positions.js";
import {
  type DecoderBlockParams,
  type EncoderBlockParams,
  type StackOptions,
  type StackParams,
  transformerDecoder,
  transformerEncoder,
} from "./transformer.js";

export interface TransformerParams {
  readonly source: EmbeddingParams;
  readonly target: EmbeddingParams;
  readonly encoder: StackParams<EncoderBlockParams>;
  readonly decoder: StackParams<DecoderBlockParams>;
  readonly head: LinearParams;
}

export interface TransformerOptions extends Omit<StackOptions, "causal" | "contextWidth"> {
  readonly width: number;
  /** How many source tokens there are. */
  readonly sourceVocabulary: number;
  /** How many target tokens there are. */
  readonly targetVocabulary: number;
}

export interface TransformerInput {
  /** int32 [B, S]. */
  readonly source: Tensor;
  /** int32 [B, T]: the target so far, which for training is the target moved one place back. */
  readonly target: Tensor;
  /** How long each source is: int32 [B]; all of it by default. */
  readonly lengths?: Tensor;
}

export interface Transformer extends Model<TransformerParams, TransformerInput> {
  /** Logits [B, T, targetVocabulary] of the token that follows each position of the target. */
  apply(params: TransformerParams, input: TransformerInput, options?: Training): Tensor;
  /** What the decoder reads: [B, S, width]. */
  encode(params: TransformerParams, input: Omit<TransformerInput, "target">, options?: Training): Tensor;
}

/**
 * The encoder–decoder transformer (Vaswani et al., 2017): embeddings times sqrt(width) plus sinusoidal positions, an
 * encoder of the source, and a causal decoder of the target that attends to it.
 *
 * Throws `ShapeError` when the tokens are not [B, S] and [B, T].
 */
export function transformer(options: TransformerOptions): Transformer {
  const { width, sourceVocabulary, targetVocabulary, ...stack } = options;
  const { dtype = "float32", dropout: rate = 0 } = stack;
  const init = normal(width ** -0.5);
  const source = embedding(sourceVocabulary, width, { init, dtype });
  const target = embedding(targetVocabulary, width, { init, dtype });
  const encoder = transformerEncoder(width, stack);
  const decoder = transformerDecoder(width, stack);
  const head = linear(width, targetVocabulary, { init: stack.init, dtype });

  const embed = (params: EmbeddingParams, tokens: Tensor, key: Key | undefined): Tensor => {
    if (tokens.rank !== 2) throw new ShapeError("transformer", `tokens are [B, T], got ${show(tokens.shape)}`);
    const positions = sinusoidal(arange(tokens.shape[1]), width, { dtype });
    const h = add(mul(source.apply(params, tokens), Math.sqrt(width)), positions);
    return key ? dropout(key, h, rate) : h;
  };
  const encode: Transformer["encode"] = (params, { source: tokens, lengths }, { key } = {}) => {
    const [a, b] = key ? splitList(key, 2) : [];
    const mask = lengths && paddingMask(lengths, tokens.shape[1]);
    return encoder.apply(params.encoder, embed(params.source, tokens, a), { mask, key: b });
  };
  return {
    init(key) {
      const [a, b, c, d, e] = splitList(key, 5);
      return {
        source: source.init(a),
        target: target.init(b),
        encoder: encoder.init(c),
        decoder: decoder.init(d),
        head: head.init(e),
      };
    },
    encode,
    apply(params, input, { key } = {}) {
      const [a, b, c] = key ? splitList(key, 3) : [];
      const context = encode(params, input, { key: a });
      const contextMask = input.lengths && paddingMask(input.lengths, input.source.shape[1]);
      const h = embed(params.target, input.target, b);
      return head.apply(params.head, decoder.apply(params.decoder, h, { context, contextMask, key: c }));
    },
  };
}
