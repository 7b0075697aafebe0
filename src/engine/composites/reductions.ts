import { isFloat } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { add, equal, greater, mul, notEqual } from "../primitives/elementwise.js";
import { sort } from "../primitives/indexing.js";
import { sum } from "../primitives/reduce.js";
import { cast, concat, full, reshape, sliceAxis, stack, transpose } from "../primitives/structure.js";
import { normalAxes, normalAxis, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";

type Axes = number | readonly number[];
interface Options {
  readonly keepDims?: boolean;
}

/** The product over `axes` (all of them by default); booleans are counted as int32. Its gradient is right also at 0. */
export function prod(x: Tensor, axes?: Axes, { keepDims = false }: Options = {}): Tensor {
  const list = normalAxes("prod", axes, x.shape);
  const kept = x.shape.map((_, i) => i).filter((i) => !list.includes(i));
  const shape = keepDims ? x.shape.map((n, i) => (list.includes(i) ? 1 : n)) : kept.map((i) => x.shape[i]);
  const counted = x.dtype === "bool" ? cast(x, "int32") : x;
  let n = sizeOf(list.map((i) => x.shape[i]));
  if (n === 0) return full(shape, 1, counted.dtype);
  let out = reshape(transpose(counted, [...list, ...kept]), [n, ...kept.map((i) => x.shape[i])]);
  // Each pass multiplies the first half by the second; no division, so zeros need no care.
  while (n > 1) {
    const half = Math.floor(n / 2);
    const product = mul(sliceAxis(out, 0, 0, half), sliceAxis(out, 0, half, 2 * half));
    out = n % 2 === 0 ? product : concat([product, sliceAxis(out, 0, 2 * half, n)]);
    n -= half;
  }
  return reshape(out, shape);
}

/** The number of elements over `axes` that are not zero, as int32. */
export const countNonzero = (x: Tensor, axes?: Axes, options: Options = {}): Tensor =>
  sum(cast(x.dtype === "bool" ? x : notEqual(x, 0), "int32"), axes, options);
/** Whether any element over `axes` is true (not zero); false of none. */
export const any = (x: Tensor, axes?: Axes, options: Options = {}): Tensor =>
  greater(countNonzero(x, axes, options), 0);
/** Whether all elements over `axes` are true (not zero); true of none. */
export function all(x: Tensor, axes?: Axes, options: Options = {}): Tensor {
  const count = sizeOf(normalAxes("all", axes, x.shape).map((a) => x.shape[a]));
  return equal(countNonzero(x, axes, options), count);
}

/**
 * The quantile `q` (0 to 1; a list adds a leading axis) along `axis`, between neighbours by linear interpolation.
 * Throws `ShapeError` when the axis is empty or q is not between 0 and 1.
 */
export function quantile(
  x: Tensor,
  q: number | readonly number[],
  axis = -1,
  { keepDims = false }: Options = {},
): Tensor {
  const at = normalAxis("quantile", axis, x.shape);
  const n = x.shape[at];
  if (!isFloat(x.dtype)) throw new ShapeError("quantile", `not defined for dtype ${x.dtype}; convert with cast()`);
  if (n === 0) throw new ShapeError("quantile", `axis ${axis} of [${x.shape.join(", ")}] is empty`);
  const sorted = sort(x, at);
  const one = (p: number): Tensor => {
    if (!(p >= 0 && p <= 1)) throw new ShapeError("quantile", `${p} is not between 0 and 1`);
    const low = Math.min(Math.floor(p * (n - 1)), Math.max(0, n - 2));
    const fraction = p * (n - 1) - low;
    const pick = (i: number) => sliceAxis(sorted, at, i, i + 1);
    const kept = fraction === 0 ? pick(low) : add(mul(pick(low), 1 - fraction), mul(pick(low + 1), fraction));
    return keepDims ? kept : reshape(kept, x.shape.toSpliced(at, 1));
  };
  return typeof q === "number" ? one(q) : stack(q.map(one));
}

/** The middle value along `axis`, or the mean of the two in the middle. */
export const median = (x: Tensor, axis = -1, options: Options = {}): Tensor => quantile(x, 0.5, axis, options);
