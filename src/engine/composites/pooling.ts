import { vector } from "../literals.js";
import { conv } from "../primitives/conv.js";
import { mul } from "../primitives/elementwise.js";
import { type PoolOptions, pooled, poolWindow } from "../primitives/pool.js";
import { cast, full, reshape } from "../primitives/structure.js";
import { sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { mean } from "./statistics.js";
import { meanTiles } from "./tiles.js";

export interface AvgPoolOptions extends PoolOptions {
  /** Whether the zeros of the padding count as elements of a window (default), or the mean is of real elements only. */
  readonly countPadding?: boolean;
}

/** The mean of each window of `x` [N, C, ...spatial]. */
export function avgPool(
  x: Tensor,
  size: number | readonly number[],
  { countPadding = true, ...options }: AvgPoolOptions = {},
): Tensor {
  const windows = poolWindow(x, size, options);
  pooled("avgPool", x.shape, windows);
  const { kernel, strides, padding } = windows;
  const [n, c, ...spatial] = x.shape;
  if (kernel.every((k, i) => k === strides[i] && padding[i] === 0 && spatial[i] % k === 0)) return meanTiles(x, kernel);
  const window = full([1, 1, ...kernel], 1 / sizeOf(kernel), x.dtype);
  const means = conv(reshape(x, [n * c, 1, ...spatial]), window, { stride: strides, padding });
  const out = reshape(means, [n, c, ...means.shape.slice(2)]);
  if (countPadding) return out;
  return kernel.reduce((all, k, i) => {
    if (padding[i] === 0) return all;
    const shares = Array.from({ length: out.shape[i + 2] }, (_, j) => {
      const start = j * strides[i] - padding[i];
      return k / (Math.min(start + k, spatial[i]) - Math.max(start, 0));
    });
    return mul(all, cast(reshape(vector(shares, "float64"), [-1, ...spatial.slice(i + 1).map(() => 1)]), x.dtype));
  }, out);
}

/** The mean over all spatial axes: [N, C, ...spatial] to [N, C]. */
export const globalAvgPool = (x: Tensor): Tensor => mean(x, x.shape.map((_, i) => i).slice(2));
