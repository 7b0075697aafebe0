import { softmax } from "../engine/composites/softmax.js";
import type { DType } from "../engine/dtype.js";
import { ShapeError } from "../engine/errors.js";
import { scalar } from "../engine/literals.js";
import { add, and, less, lessEqual, mul, where } from "../engine/primitives/elementwise.js";
import { matmul } from "../engine/primitives/matmul.js";
import { arange, reshape } from "../engine/primitives/structure.js";
import type { Key } from "../engine/random/keys.js";
import { show } from "../engine/shape.js";
import type { Tensor } from "../engine/tensor.js";
import { dropout } from "./dropout.js";

export interface DotProductOptions {
  /** Whether position t sees only positions up to t. Default false. */
  readonly causal?: boolean;
  /** Where position s may be seen from position t: bool, broadcastable to [B, heads, T, S]. */
  readonly mask?: Tensor;
  /** Added to the scores; broadcastable to [B, heads, T, S]. */
  readonly bias?: Tensor;
  /** Share of the weights that is dropped when there is a key. Default 0. */
  readonly dropout?: number;
  readonly key?: Key;
}

/**
 * softmax(Q K' / sqrt(D)) V (Vaswani et al., 2017): q [B, heads, T, D], k [B, groups, S, D] and v [B, groups, S, E] to
 * [B, heads, T, E]. With fewer groups than heads, neighbouring heads share keys and values (Ainslie et al., 2023). A
 * position that may see none sees all alike.
 *
 * Throws `ShapeError` when the groups do not divide the heads or the mask is not bool.
 */
export function dotProductAttention(q: Tensor, k: Tensor, v: Tensor, options: DotProductOptions = {}): Tensor {
  const { causal = false, mask, bias, dropout: rate = 0, key } = options;
  const [batch, heads, time, size] = q.shape;
  const [, groups, source] = k.shape;
  if (q.rank !== 4 || k.rank !== 4 || heads % groups !== 0) {
    throw new ShapeError("attention", `queries ${show(q.shape)} and keys ${show(k.shape)} do not fit`);
  }
  if (mask && mask.dtype !== "bool") {
    throw new ShapeError("attention", `the mask has dtype ${mask.dtype}, not bool; compare to make one`);
  }
  // The heads that share a group's keys become more rows of one product.
  const fold = (t: Tensor) => reshape(t, [batch, groups, (heads / groups) * time, t.shape[3]]);
  const unfold = (t: Tensor) => reshape(t, [batch, heads, time, t.shape[3]]);
  let scores = unfold(matmul(fold(mul(q, 1 / Math.sqrt(size))), k, { transposeB: true }));
  if (bias) scores = add(scores, bias);
  const earlier = causal ? causalMask(time, source) : undefined;
  const visible = earlier && mask ? and(earlier, mask) : (earlier ?? mask);
  if (visible) scores = add(scores, maskBias(visible, q.dtype));
  const weights = softmax(scores);
  return unfold(matmul(fold(key ? dropout(key, weights, rate) : weights), v));
}

/** 0 where visible, else a number so low that its softmax is 0. */
const maskBias = (visible: Tensor, dtype: DType): Tensor => where(visible, scalar(0, dtype), -1e9);

/** Whether position s is not after position t: bool [T, S]. */
export const causalMask = (time: number, source = time): Tensor =>
  lessEqual(arange(source), reshape(arange(time), [time, 1]));

/** Which of `source` positions each sequence has, as an attention mask: lengths int32 [B] to bool [B, 1, 1, S]. */
export const paddingMask = (lengths: Tensor, source: number): Tensor =>
  less(arange(source, lengths.dtype), reshape(lengths, [lengths.size, 1, 1, 1]));
