import type { DType } from "../engine/dtype.js";
import { HebbError, ShapeError } from "../engine/errors.js";
import { add } from "../engine/primitives/elementwise.js";
import { gather } from "../engine/primitives/indexing.js";
import { matmul } from "../engine/primitives/matmul.js";
import { sliceAxis } from "../engine/primitives/structure.js";
import { type Key, splitList } from "../engine/random/keys.js";
import { show } from "../engine/shape.js";
import type { Tensor } from "../engine/tensor.js";
import { type Activation, activationOf } from "./activations.js";
import { type AttentionParams, attention } from "./attention.js";
import { type AttentionCache, nextPositions } from "./attention-cache.js";
import { dropout } from "./dropout.js";
import { type EmbeddingParams, embedding } from "./embedding.js";
import { type GenerateOptions, generate } from "./generate.js";
import { type Init, normal } from "./initializers.js";
import { type LinearParams, linear } from "./linear.js";
import type { Model, Training } from "./model.js";
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
  /** Share of embeddings, attention weights and what each part adds that is dropped in training. Default 0. */
  readonly dropout?: number;
  /** Default "gelu". */
  readonly activation?: Activation;
  /** Default: normal with standard deviation 0.02, and 0.02 / sqrt(2 layers) where a block adds to its input. */
  readonly init?: Init;
  readonly dtype?: DType;
}

/** What each layer knows of the tokens so far. */
export type GptCache = readonly AttentionCache[];

export interface Gpt extends Model<GptParams> {
  apply(params: GptParams, tokens: Tensor, options?: Training): Tensor;
  /** An empty cache for sequences of up to `context` tokens. */
  initCache(batch: number): GptCache;
  /** The logits at the next tokens [B, T] alone, and the cache that knows them too. */
  step(params: GptParams, tokens: Tensor, cache: GptCache): [logits: Tensor, cache: GptCache];
  /**
   * The prompt int32 [B, T] and what the model writes after it: int32 [B, T + steps]. Throws `ShapeError` beyond
   * `context`.
   */
  generate(params: GptParams, prompt: Tensor, options: GenerateOptions): Tensor;
}

/**
 * A decoder-only transformer with normalisation before each part, as GPT-2 (Radford et al., 2019), with learned
 * positions: tokens int32 [B, T] to logits [B, T, vocabulary]. The logits at a position depend on no later token.
 *
 * Throws `ShapeError` when the tokens are not [B, T] with T at most `context`, and `HebbError` when `heads` does not
 * divide `width`.
 */
export function gpt(options: GptOptions): Gpt {
  const { vocabulary, context, layers, width, heads, hidden = 4 * width, tied = false, dropout: rate = 0 } = options;
  const { activation = "gelu", init = normal(0.02), dtype } = options;
  if (!(layers >= 1)) throw new HebbError(`gpt: needs at least one layer, got ${layers}.`);
  const outInit = options.init ?? normal(0.02 / Math.sqrt(2 * layers));
  const f = activationOf(activation);
  const tokens = embedding(vocabulary, width, { init, dtype });
  const positions = embedding(context, width, { init, dtype });
  const norm = layerNorm(width, { dtype });
  const attend = attention(width, { heads, dropout: rate, init, outInit, dtype });
  const up = linear(width, hidden, { init, dtype });
  const down = linear(hidden, width, { init: outInit, dtype });
  const head = tied ? undefined : linear(width, vocabulary, { init, bias: false, dtype });

  const read = (params: GptParams, h: Tensor): Tensor => {
    const last = norm.apply(params.norm, h);
    return head ? head.apply(params.head!, last) : matmul(last, params.tokens.w, { transposeB: true });
  };
  const thinned = (h: Tensor, key?: Key): Tensor => (key ? dropout(key, h, rate) : h);
  const forward = (block: GptBlockParams, h: Tensor, key?: Key): Tensor =>
    add(h, thinned(down.apply(block.down, f(up.apply(block.up, norm.apply(block.norm2, h)))), key));
  const initCache = (batch: number): GptCache => Array.from({ length: layers }, () => attend.initCache(batch, context));
  const step = (params: GptParams, x: Tensor, cache: GptCache): [Tensor, GptCache] => {
    let h = add(tokens.apply(params.tokens, x), gather(params.positions.w, nextPositions(cache[0], x.shape[1])));
    const next = params.blocks.map((block, i) => {
      const [y, extended] = attend.step(block.attention, norm.apply(block.norm1, h), cache[i]);
      h = forward(block, add(h, y));
      return extended;
    });
    return [read(params, h), next];
  };

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
    apply(params, x, { key } = {}) {
      const time = x.shape[1];
      if (x.rank !== 2 || time > context) {
        throw new ShapeError("gpt", `the model takes tokens [B, T] with T at most ${context}, got ${show(x.shape)}`);
      }
      const [first, ...keys] = key ? splitList(key, 1 + 3 * layers) : [];
      let h = thinned(add(tokens.apply(params.tokens, x), sliceAxis(params.positions.w, 0, 0, time)), first);
      params.blocks.forEach((block, i) => {
        const [a, b, c] = keys.slice(3 * i, 3 * i + 3);
        const y = attend.apply(block.attention, norm.apply(block.norm1, h), { key: a });
        h = forward(block, add(h, thinned(y, b)), c);
      });
      return read(params, h);
    },
    initCache,
    step,
    generate(params, prompt, how) {
      const length = prompt.shape[1] + how.steps;
      if (prompt.rank !== 2 || length > context) {
        throw new ShapeError(
          "generate",
          `a prompt ${show(prompt.shape)} and ${how.steps} steps do not fit a context of ${context}`,
        );
      }
      return generate((x, cache) => step(params, x, cache), prompt, initCache(prompt.shape[0]), how);
    },
  };
}
