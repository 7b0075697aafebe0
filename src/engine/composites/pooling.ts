import { conv } from "../primitives/conv.js";
import { type PoolOptions, poolWindow } from "../primitives/pool.js";
import { full, reshape } from "../primitives/structure.js";
import { sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { mean } from "./statistics.js";
import { meanTiles } from "./tiles.js";

/** The mean of each window of `x` [N, C, ...spatial]; padding counts as zeros. */
export function avgPool(x: Tensor, size: number | readonly number[], options: PoolOptions = {}): Tensor {
  const { kernel, strides, padding } = poolWindow(x, size, options);
  const [n, c, ...spatial] = x.shape;
  if (kernel.every((k, i) => k === strides[i] && padding[i] === 0 && spatial[i] % k === 0)) return meanTiles(x, kernel);
  const window = full([1, 1, ...kernel], 1 / sizeOf(kernel), x.dtype);
  const out = conv(reshape(x, [n * c, 1, ...spatial]), window, { stride: strides, padding });
  return reshape(out, [n, c, ...out.shape.slice(2)]);
}

/** The mean over all spatial axes: [N, C, ...spatial] to [N, C]. */
export const globalAvgPool = (x: Tensor): Tensor => mean(x, x.shape.map((_, i) => i).slice(2));
