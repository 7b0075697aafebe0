import { clip } from "../engine/composites/elementary.js";
import type { DType } from "../engine/dtype.js";
import { add, and, greaterEqual, less, lessEqual, sub, where } from "../engine/primitives/elementwise.js";
import { gather } from "../engine/primitives/indexing.js";
import { arange, reshape } from "../engine/primitives/structure.js";
import type { Tensor } from "../engine/tensor.js";
import { filled } from "./filled.js";

/** Keys and values of the positions so far, in memory for `length` positions. */
export interface AttentionCache {
  /** [B, groups, length, size of a head]. */
  readonly k: Tensor;
  readonly v: Tensor;
  /** How many positions are filled: int32, a scalar. */
  readonly position: Tensor;
}

/** An empty cache. */
export const emptyCache = (
  batch: number,
  groups: number,
  length: number,
  size: number,
  dtype: DType,
): AttentionCache => ({
  k: filled([batch, groups, length, size], 0, dtype),
  v: filled([batch, groups, length, size], 0, dtype),
  position: filled([], 0, "int32"),
});

/** The positions int32 [T] that the next `time` entries will have. */
export const nextPositions = ({ position }: AttentionCache, time: number): Tensor => add(arange(time), position);

/**
 * The cache with the keys and values [B, groups, T, size] of the next T positions; what lies beyond its length is
 * lost.
 */
export function extendCache(cache: AttentionCache, k: Tensor, v: Tensor): AttentionCache {
  const [, , length] = cache.k.shape;
  const time = k.shape[2];
  const at = sub(arange(length), cache.position);
  const fresh = reshape(and(greaterEqual(at, 0), less(at, time)), [length, 1]);
  const source = clip(at, 0, time - 1);
  const write = (old: Tensor, now: Tensor) => where(fresh, time === 1 ? now : gather(now, source, 2), old);
  return { k: write(cache.k, k), v: write(cache.v, v), position: add(cache.position, time) };
}

/** Whether cached position s may be seen from each of the given positions [T], itself included: bool [T, length]. */
export const cachedMask = ({ k }: AttentionCache, positions: Tensor): Tensor =>
  lessEqual(arange(k.shape[2]), reshape(positions, [positions.size, 1]));
