import { HebbError } from "../engine/errors.js";
import { add } from "../engine/primitives/elementwise.js";
import { type Key, splitList } from "../engine/random/keys.js";
import type { Tensor } from "../engine/tensor.js";
import { dropout } from "./dropout.js";
import { type FeedForwardOptions, type FeedForwardParams, feedForward } from "./feed-forward.js";
import type { Model, Training } from "./model.js";
import { type MultiHeadOptions, type MultiHeadParams, multiHeadAttention } from "./multi-head-attention.js";
import { layerNorm, rmsNorm, type ScaleParams } from "./norms.js";

export interface EncoderBlockParams {
  readonly norm1: ScaleParams;
  readonly attention: MultiHeadParams;
  readonly norm2: ScaleParams;
  readonly feedForward: FeedForwardParams;
}

export interface DecoderBlockParams extends EncoderBlockParams {
  readonly norm3: ScaleParams;
  /** Attention to the encoder's output. */
  readonly cross: MultiHeadParams;
}

export interface BlockOptions extends FeedForwardOptions, MultiHeadOptions {
  /**
   * Whether each part normalises its input ("pre") or the sum of its input and output ("post", as Vaswani et al.,
   * 2017). Default "pre".
   */
  readonly norm?: "pre" | "post";
  /** Default "layer". */
  readonly normKind?: "layer" | "rms";
  /** Share of attention weights, hidden values and what each part adds that is dropped in training. Default 0. */
  readonly dropout?: number;
}

export interface EncoderOptions extends Training {
  /** Where position s may be seen from position t: bool, broadcastable to [B, heads, T, S]; see `paddingMask`. */
  readonly mask?: Tensor;
}

export interface DecoderOptions extends EncoderOptions {
  /** The encoder's output, [B, S, contextWidth]. */
  readonly context: Tensor;
  /** Where position s of the context may be seen from position t. */
  readonly contextMask?: Tensor;
}

export interface EncoderBlock<P = EncoderBlockParams> extends Model<P> {
  apply(params: P, x: Tensor, options?: EncoderOptions): Tensor;
}

export interface DecoderBlock<P = DecoderBlockParams> {
  init(key: Key): P;
  apply(params: P, x: Tensor, options: DecoderOptions): Tensor;
}

const normOf = (width: number, { normKind = "layer", dtype }: BlockOptions): Model =>
  normKind === "rms" ? rmsNorm(width, { dtype }) : layerNorm(width, { dtype });

/** Adds to its input what a part of a block makes of it, with dropout, normalised before or after. */
function residual(width: number, options: BlockOptions) {
  const norm = normOf(width, options);
  const { norm: place = "pre", dropout: rate = 0 } = options;
  return (params: ScaleParams, x: Tensor, key: Key | undefined, part: (x: Tensor) => Tensor) => {
    const y = part(place === "pre" ? norm.apply(params, x) : x);
    const sum = add(x, key ? dropout(key, y, rate) : y);
    return place === "pre" ? sum : norm.apply(params, sum);
  };
}

/** Self-attention, then a feed-forward part, each added to its input: [B, T, width] to [B, T, width]. */
export function encoderBlock(width: number, options: BlockOptions): EncoderBlock {
  const norm = normOf(width, options);
  const attend = multiHeadAttention(width, options);
  const forward = feedForward(width, options);
  const around = residual(width, options);
  return {
    init(key) {
      const [a, b] = splitList(key, 2);
      return { norm1: norm.init(a), attention: attend.init(a), norm2: norm.init(b), feedForward: forward.init(b) };
    },
    apply(params, x, { mask, key } = {}) {
      const [a, b, c, d] = key ? splitList(key, 4) : [];
      const h = around(params.norm1, x, a, (y) => attend.apply(params.attention, y, { mask, key: b }));
      return around(params.norm2, h, c, (y) => forward.apply(params.feedForward, y, { key: d }));
    },
  };
}

/** Causal self-attention, attention to a context, then a feed-forward part: [B, T, width] to [B, T, width]. */
export function decoderBlock(width: number, options: BlockOptions): DecoderBlock {
  const { contextWidth, ...own } = options;
  const norm = normOf(width, options);
  const attend = multiHeadAttention(width, { causal: true, ...own });
  const cross = multiHeadAttention(width, { ...own, contextWidth, causal: false, positions: undefined });
  const forward = feedForward(width, options);
  const around = residual(width, options);
  return {
    init(key) {
      const [a, b, c] = splitList(key, 3);
      return {
        norm1: norm.init(a),
        attention: attend.init(a),
        norm2: norm.init(b),
        cross: cross.init(b),
        norm3: norm.init(c),
        feedForward: forward.init(c),
      };
    },
    apply(params, x, { context, mask, contextMask, key }) {
      const [a, b, c, d, e, f] = key ? splitList(key, 6) : [];
      let h = around(params.norm1, x, a, (y) => attend.apply(params.attention, y, { mask, key: b }));
      h = around(params.norm2, h, c, (y) => cross.apply(params.cross, y, { context, mask: contextMask, key: d }));
      return around(params.norm3, h, e, (y) => forward.apply(params.feedForward, y, { key: f }));
    },
  };
}

export interface StackParams<P> {
  readonly blocks: readonly P[];
  /** After the last block of a stack that normalises before each part. */
  readonly norm?: ScaleParams;
}

export interface StackOptions extends BlockOptions {
  readonly layers: number;
}

interface Block<P, O> {
  init(key: Key): P;
  apply(params: P, x: Tensor, options: O): Tensor;
}

/** One block after another, with parameters of their own. */
function stack<P, O extends Training>(
  width: number,
  options: StackOptions,
  block: Block<P, O>,
): Block<StackParams<P>, O> {
  const { layers, norm: place = "pre" } = options;
  if (!(layers >= 1)) throw new HebbError(`transformer: needs at least one layer, got ${layers}.`);
  const norm = place === "pre" ? normOf(width, options) : undefined;
  return {
    init(key) {
      const blocks = splitList(key, layers).map((k) => block.init(k));
      return norm ? { blocks, norm: norm.init(key) } : { blocks };
    },
    apply(params, x, how) {
      const keys = how.key ? splitList(how.key, layers) : [];
      const y = params.blocks.reduce((h, p, i) => block.apply(p, h, { ...how, key: keys[i] }), x);
      return norm ? norm.apply(params.norm, y) : y;
    },
  };
}

/** A stack of `encoderBlock`s: [B, T, width] to [B, T, width]. Throws `HebbError` for fewer than one layer. */
export function transformerEncoder(
  width: number,
  options: StackOptions,
): EncoderBlock<StackParams<EncoderBlockParams>> {
  const inner = stack(width, options, encoderBlock(width, options));
  return { init: inner.init, apply: (params, x, how = {}) => inner.apply(params, x, how) };
}

/** A stack of `decoderBlock`s: [B, T, width] to [B, T, width]. Throws `HebbError` for fewer than one layer. */
export const transformerDecoder = (
  width: number,
  options: StackOptions,
): DecoderBlock<StackParams<DecoderBlockParams>> => stack(width, options, decoderBlock(width, options));
