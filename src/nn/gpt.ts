import type { DType } from "../engine/dtype.js";
import { HebbError, ShapeError } from "../engine/errors.js";
import { add } from "../engine/primitives/elementwise.js";
import { matmul } from "../engine/primitives/matmul.js";
import { sliceAxis } from "../engine/primitives/structure.js";
import { splitList } from "../engine/random/keys.js";
import { show } from "../engine/shape.js";
import { type Activation, activationOf } from "./activations.js";
import { type AttentionParams, attention } from "./attention.js";
import { type EmbeddingParams, embedding } from "./embedding.js";
import { type Init, normal } from "./initializers.js";
import { type LinearParams, linear } from "./linear.js";
import type { Model } from "./model.js";
import { layerNorm, type NormParams } from "./norms.js";

export interface GptBlockParams {
  readonly norm1: NormParams;
  readonly attention: AttentionParams;
  readonly norm2: NormParams;
  readonly up: LinearParams;
  readonly down: LinearParams;
}

export interface GptParams {
  readonly tokens: EmbeddingParams;
  readonly positions: EmbeddingParams;
  readonly blocks: readonly GptBlockParams[];
  readonly norm: NormParams;
  /** Absent when the head is tied to the token embedding. */
  readonly head?: LinearParams;
}

export interface GptOptions {
  /** How many tokens there are. */
  readonly vocabulary: number;
  /** The longest sequence. */
  readonly context: number;
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  /** Width of the hidden layer of each block. Default 4 width. */
  readonly hidden?: number;
  /** Reads logits off with the token embedding itself. Default false. */
  readonly tied?: boolean;
  /** Default "gelu". */
  readonly activation?: Activation;
  /** Default: normal with standard deviation 0.02, and 0.02 / sqrt(2 layers) where a block adds to its input. */
  readonly init?: Init;
  readonly dtype?: DType;
}

/**
 * A decoder-only transformer with normalisation before each part, as GPT-2 (Radford et al., 2019), with learned
 * positions: tokens int32 [B, T] to logits [B, T, vocabulary]. The logits at a position depend on no later token.
 *
 * Throws `ShapeError` when the tokens are not [B, T] with T at most `context`, and `HebbError` when `heads` does not
 * divide `width`.
 */
export function gpt(options: GptOptions): Model<GptParams> {
  const { vocabulary, context, layers, width, heads, hidden = 4 * width, tied = false } = options;
  const { activation = "gelu", init = normal(0.02), dtype } = options;
  if (!(layers >= 1)) throw new HebbError(`gpt: needs at least one layer, got ${layers}.`);
  const outInit = options.init ?? normal(0.02 / Math.sqrt(2 * layers));
  const f = activationOf(activation);
  const tokens = embedding(vocabulary, width, { init, dtype });
  const positions = embedding(context, width, { init, dtype });
  const norm = layerNorm(width, { dtype });
  const attend = attention(width, { heads, init, outInit, dtype });
  const up = linear(width, hidden, { init, dtype });
  const down = linear(hidden, width, { init: outInit, dtype });
  const head = tied ? undefined : linear(width, vocabulary, { init, bias: false, dtype });

  return {
    init(key) {
      const [forTokens, forPositions, forHead, ...forBlocks] = splitList(key, 3 + 3 * layers);
      return {
        tokens: tokens.init(forTokens),
        positions: positions.init(forPositions),
        blocks: Array.from({ length: layers }, (_, i) => {
          const [a, b, c] = forBlocks.slice(3 * i, 3 * i + 3);
          return {
            norm1: norm.init(a),
            attention: attend.init(a),
            norm2: norm.init(b),
            up: up.init(b),
            down: down.init(c),
          };
        }),
        norm: norm.init(forHead),
        ...(head && { head: head.init(forHead) }),
      };
    },
    apply(params, x) {
      const time = x.shape[1];
      if (x.rank !== 2 || time > context) {
        throw new ShapeError("gpt", `the model takes tokens [B, T] with T at most ${context}, got ${show(x.shape)}`);
      }
      let h = add(tokens.apply(params.tokens, x), sliceAxis(params.positions.w, 0, 0, time));
      for (const block of params.blocks) {
        h = add(h, attend.apply(block.attention, norm.apply(block.norm1, h)));
        h = add(h, down.apply(block.down, f(up.apply(block.up, norm.apply(block.norm2, h)))));
      }
      const last = norm.apply(params.norm, h);
      return head ? head.apply(params.head!, last) : matmul(last, params.tokens.w, { transposeB: true });
    },
  };
}
