import { isFloat } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { div, mul, sqrt, sub } from "../primitives/elementwise.js";
import { sum } from "../primitives/reduce.js";
import { normalAxes } from "../shape.js";
import type { Tensor } from "../tensor.js";

type Axes = number | readonly number[];
interface Options {
  readonly keepDims?: boolean;
}

/** The mean over `axes` (all of them by default). */
export function mean(x: Tensor, axes?: Axes, options: Options = {}): Tensor {
  if (!isFloat(x.dtype)) throw new ShapeError("mean", `not defined for dtype ${x.dtype}; convert with cast()`);
  const list = normalAxes("mean", axes, x.shape);
  const count = list.reduce((n, a) => n * x.shape[a], 1);
  return mul(sum(x, list, options), 1 / count);
}

/** The variance over `axes`, dividing by n (or by n - `correction`). */
export function variance(
  x: Tensor,
  axes?: Axes,
  { keepDims, correction = 0 }: Options & { correction?: number } = {},
): Tensor {
  const list = normalAxes("variance", axes, x.shape);
  const count = list.reduce((n, a) => n * x.shape[a], 1);
  const centred = sub(x, mean(x, list, { keepDims: true }));
  return div(sum(mul(centred, centred), list, { keepDims }), count - correction);
}

/** The square root of the variance over `axes`; its gradient is infinite where all values are equal. */
export const std = (x: Tensor, axes?: Axes, options: Options & { correction?: number } = {}): Tensor =>
  sqrt(variance(x, axes, options));

/** The square root of the sum of squares over `axes`; its gradient is infinite at 0. */
export const norm = (x: Tensor, axes?: Axes, options: Options = {}): Tensor => sqrt(sum(mul(x, x), axes, options));
