import { ShapeError } from "../engine/errors.js";
import { moveAxis } from "../engine/primitives/batching.js";
import { matmul } from "../engine/primitives/matmul.js";
import { max } from "../engine/primitives/reduce.js";
import { show } from "../engine/shape.js";
import { hostData, literal, type Tensor } from "../engine/tensor.js";

/** The largest value over all spatial axes: [N, C, ...spatial] to [N, C]. */
export const globalMaxPool = (x: Tensor): Tensor => max(x, x.shape.map((_, i) => i).slice(2));

/**
 * Means over windows that divide each spatial axis as evenly as they can into `size` parts, as PyTorch's: part i
 * covers floor(i n / size) to ceil((i + 1) n / size). [N, C, ...spatial] to [N, C, ...size]. Throws `ShapeError` when
 * the sizes are not one for each spatial axis.
 */
export function adaptiveAvgPool(x: Tensor, size: number | readonly number[]): Tensor {
  const spatial = x.shape.slice(2);
  const sizes = typeof size === "number" ? spatial.map(() => size) : size;
  if (sizes.length !== spatial.length || sizes.some((n) => !Number.isInteger(n) || n < 1)) {
    throw new ShapeError("adaptiveAvgPool", `sizes ${show(sizes)} do not fit the spatial axes of ${show(x.shape)}`);
  }
  return sizes.reduce((y, parts, i) => {
    const axis = i + 2;
    const last = y.rank - 1;
    return moveAxis(matmul(moveAxis(y, axis, last), averages(y.shape[axis], parts, y)), last, axis);
  }, x);
}

/** [n, parts]: the weight of each of n values in each part's mean. */
function averages(n: number, parts: number, { dtype }: Tensor): Tensor {
  const weights = Array.from({ length: n * parts }, (_, at) => {
    const [row, part] = [Math.floor(at / parts), at % parts];
    const [start, end] = [Math.floor((part * n) / parts), Math.ceil(((part + 1) * n) / parts)];
    return row >= start && row < end ? 1 / (end - start) : 0;
  });
  return literal({ data: hostData(weights, dtype), shape: [n, parts], dtype });
}
