import type { DType } from "../engine/dtype.js";
import { HebbError, ShapeError } from "../engine/errors.js";
import { add } from "../engine/primitives/elementwise.js";
import { arange, reshape, transpose } from "../engine/primitives/structure.js";
import { splitList } from "../engine/random/keys.js";
import { show } from "../engine/shape.js";
import type { Tensor } from "../engine/tensor.js";
import { type AttentionCache, cachedMask, emptyCache, extendCache, nextPositions } from "./attention-cache.js";
import { type DotProductOptions, dotProductAttention } from "./dot-product-attention.js";
import type { Init } from "./initializers.js";
import { affine, type LinearParams, linear } from "./linear.js";
import type { Model, Training } from "./model.js";
import { alibi, rotary } from "./positions.js";

export interface MultiHeadParams {
  /** [width, width]. */
  readonly q: LinearParams;
  /** [contextWidth, groups times the size of a head]. */
  readonly k: LinearParams;
  readonly v: LinearParams;
  /** Mixes the heads: [width, width]. */
  readonly out: LinearParams;
}

export interface MultiHeadOptions {
  readonly heads: number;
  /** Heads of keys and values, each shared by heads / groups heads of queries. Default `heads`. */
  readonly groups?: number;
  /** Width of what keys and values are made from. Default the layer's own width. */
  readonly contextWidth?: number;
  /** Whether a position sees only itself and those before it. Default false. */
  readonly causal?: boolean;
  /** How scores know of positions. Default: not at all. */
  readonly positions?: "rotary" | "alibi";
  /** Share of the attention weights that is dropped in training. Default 0. */
  readonly dropout?: number;
  readonly bias?: boolean;
  readonly init?: Init;
  /** How the last projection's weight starts; `init` by default. */
  readonly outInit?: Init;
  readonly dtype?: DType;
}

export interface AttendOptions extends Training {
  /** What is attended to, [B, S, contextWidth]; the input itself by default. */
  readonly context?: Tensor;
  /** Where position s may be seen from position t: bool, broadcastable to [B, heads, T, S]. */
  readonly mask?: Tensor;
  /** Added to the scores; broadcastable to [B, heads, T, S]. */
  readonly bias?: Tensor;
}

export interface MultiHeadAttention extends Model<MultiHeadParams> {
  apply(params: MultiHeadParams, x: Tensor, options?: AttendOptions): Tensor;
  /** An empty cache for so many positions. */
  initCache(batch: number, length: number): AttentionCache;
  /** What causal self-attention gives at the next positions x [B, T, width], and the cache that knows them too. */
  step(params: MultiHeadParams, x: Tensor, cache: AttentionCache): [y: Tensor, cache: AttentionCache];
}

/**
 * Multi-head attention to the input itself or to a context (Vaswani et al., 2017): x [B, T, width] to [B, T, width],
 * with softmax(Q K' / sqrt(width / heads)) V in each head.
 *
 * Throws `HebbError` when `heads` does not divide `width` or `groups` does not divide `heads`, and `ShapeError` when
 * the input is not [B, T, width].
 */
export function multiHeadAttention(width: number, options: MultiHeadOptions): MultiHeadAttention {
  const { heads, groups = heads, contextWidth = width, causal = false, positions, dropout, ...rest } = options;
  const { outInit = rest.init, ...layer } = rest;
  if (width % heads !== 0) throw new HebbError(`attention: ${heads} heads do not divide the width ${width}.`);
  if (heads % groups !== 0) throw new HebbError(`attention: ${groups} groups do not divide ${heads} heads.`);
  const size = width / heads;
  const query = linear(width, width, layer);
  const shared = linear(contextWidth, groups * size, layer);
  const out = linear(width, width, { ...layer, init: outInit });

  /** Attends from positions `at` to keys and values at positions `from`. */
  const attend = (q: Tensor, k: Tensor, v: Tensor, at: Tensor, from: Tensor, how: DotProductOptions): Tensor => {
    if (positions !== "alibi") return dotProductAttention(q, k, v, how);
    const bias = alibi(heads, at, from, q.dtype);
    return dotProductAttention(q, k, v, { ...how, bias: how.bias ? add(how.bias, bias) : bias });
  };
  const turned = (t: Tensor, at: Tensor): Tensor => (positions === "rotary" ? rotary(t, at) : t);
  const check = (x: Tensor): void => {
    if (x.rank !== 3 || x.shape[2] !== width) {
      throw new ShapeError("attention", `the layer takes [B, T, ${width}], got ${show(x.shape)}`);
    }
  };

  return {
    init(key) {
      const [a, b, c, d] = splitList(key, 4);
      return { q: query.init(a), k: shared.init(b), v: shared.init(c), out: out.init(d) };
    },
    apply(params, x, { context = x, mask, bias, key } = {}) {
      check(x);
      const [at, from] = [arange(x.shape[1]), arange(context.shape[1])];
      const q = turned(splitHeads(affine(params.q, x), heads), at);
      const k = turned(splitHeads(shared.apply(params.k, context), groups), from);
      const v = splitHeads(shared.apply(params.v, context), groups);
      return affine(params.out, mergeHeads(attend(q, k, v, at, from, { causal, mask, bias, dropout, key })));
    },
    initCache: (batch, length) => emptyCache(batch, groups, length, size, layer.dtype ?? "float32"),
    step(params, x, cache) {
      check(x);
      const at = nextPositions(cache, x.shape[1]);
      const q = turned(splitHeads(affine(params.q, x), heads), at);
      const k = turned(splitHeads(affine(params.k, x), groups), at);
      const next = extendCache(cache, k, splitHeads(affine(params.v, x), groups));
      const from = arange(next.k.shape[2]);
      const y = attend(q, next.k, next.v, at, from, { mask: cachedMask(next, at) });
      return [affine(params.out, mergeHeads(y)), next];
    },
  };
}

/** [B, T, heads size] to [B, heads, T, size]. */
export function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, time, width] = x.shape;
  return transpose(reshape(x, [batch, time, heads, width / heads]), [0, 2, 1, 3]);
}

/** [B, heads, T, size] to [B, T, heads size]. */
export function mergeHeads(x: Tensor): Tensor {
  const [batch, heads, time, size] = x.shape;
  return reshape(transpose(x, [0, 2, 1, 3]), [batch, time, heads * size]);
}
