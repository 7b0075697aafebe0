import type { DType } from "../engine/dtype.js";
import { sliceAxis } from "../engine/primitives/structure.js";
import { splitList } from "../engine/random/keys.js";
import type { Tensor } from "../engine/tensor.js";
import type { AttentionCache } from "./attention-cache.js";
import type { Init } from "./initializers.js";
import { type LinearParams, linear } from "./linear.js";
import type { Model, Training } from "./model.js";
import { type MultiHeadParams, multiHeadAttention } from "./multi-head-attention.js";

export interface AttentionParams {
  /** Queries, keys and values in one: w [width, 3 width]. */
  readonly qkv: LinearParams;
  /** Mixes the heads: w [width, width]. */
  readonly out: LinearParams;
}

export interface AttentionOptions {
  readonly heads: number;
  /** Whether a position sees only itself and those before it. Default true. */
  readonly causal?: boolean;
  /** Share of the attention weights that is dropped in training. Default 0. */
  readonly dropout?: number;
  readonly bias?: boolean;
  readonly init?: Init;
  /** How the last projection's weight starts; `init` by default. */
  readonly outInit?: Init;
  readonly dtype?: DType;
}

export interface Attention extends Model<AttentionParams> {
  apply(params: AttentionParams, x: Tensor, options?: Training): Tensor;
  /** An empty cache for so many positions. */
  initCache(batch: number, length: number): AttentionCache;
  /** What causal attention gives at the next positions x [B, T, width], and the cache that knows them too. */
  step(params: AttentionParams, x: Tensor, cache: AttentionCache): [y: Tensor, cache: AttentionCache];
}

/**
 * Multi-head self-attention with one weight for queries, keys and values: softmax(Q K' / sqrt(width / heads)) V for
 * each head (Vaswani et al., 2017); [B, T, width] to [B, T, width]. Throws `HebbError` when `heads` does not divide
 * `width`.
 */
export function attention(width: number, options: AttentionOptions): Attention {
  const { heads, causal = true, outInit = options.init, ...layer } = options;
  const inner = multiHeadAttention(width, { ...options, causal });
  const qkv = linear(width, 3 * width, layer);
  const out = linear(width, width, { ...layer, init: outInit });
  const parts = ({ qkv, out }: AttentionParams): MultiHeadParams => ({
    q: third(qkv, 0, width),
    k: third(qkv, 1, width),
    v: third(qkv, 2, width),
    out,
  });
  return {
    init(key) {
      const [a, b] = splitList(key, 2);
      return { qkv: qkv.init(a), out: out.init(b) };
    },
    apply: (params, x, options) => inner.apply(parts(params), x, options),
    initCache: inner.initCache,
    step: (params, x, cache) => inner.step(parts(params), x, cache),
  };
}

/**
 * The i-th of three layers side by side. Cutting the weight is cheaper than cutting the result, above all backwards.
 */
const third = ({ w, b }: LinearParams, i: number, width: number): LinearParams => ({
  w: sliceAxis(w, 1, i * width, (i + 1) * width),
  b: b && sliceAxis(b, 0, i * width, (i + 1) * width),
});
