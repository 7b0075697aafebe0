import { isFloat } from "../dtype.js";
import { HebbError, ShapeError } from "../errors.js";
import { vector } from "../literals.js";
import { moveAxis } from "../primitives/batching.js";
import { gather } from "../primitives/indexing.js";
import { matmul } from "../primitives/matmul.js";
import { cast, reshape } from "../primitives/structure.js";
import { show } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { upsample } from "./tiles.js";

export interface ResizeOptions {
  /** "nearest" repeats or drops elements, "linear" (in every spatial axis) interpolates. Default "linear". */
  readonly method?: "nearest" | "linear";
  /**
   * Linear only: whether the first and last elements stay where they are, or (the default) elements are cells whose
   * outer edges stay where they are.
   */
  readonly alignCorners?: boolean;
}

/**
 * Resizes the spatial axes of `x` [N, C, ...spatial] to `size`, one axis after another. Throws `ShapeError` when `size`
 * does not have one positive entry for each spatial axis.
 */
export function resize(
  x: Tensor,
  size: readonly number[],
  { method = "linear", alignCorners = false }: ResizeOptions = {},
): Tensor {
  const spatial = x.shape.slice(2);
  if (spatial.length !== size.length || size.some((n) => !Number.isInteger(n) || n < 1) || spatial.includes(0)) {
    throw new ShapeError("resize", `${show(x.shape)} cannot become [N, C, ...spatial] with spatial size ${show(size)}`);
  }
  if (method === "linear" && !isFloat(x.dtype))
    throw new ShapeError("resize", `method "linear" is not defined for dtype ${x.dtype}; convert with cast()`);
  if (method === "nearest") {
    if (alignCorners) throw new HebbError('resize: alignCorners is for method "linear" only.');
    const times = size.map((n, i) => n / spatial[i]);
    if (times.every(Number.isInteger)) return times.every((n) => n === 1) ? x : upsample(x, times);
  }
  return size.reduce((out, n, i) => {
    const from = spatial[i];
    if (n === from) return out;
    if (method === "nearest") return gather(out, vector(nearest(from, n), "int32"), i + 2);
    const weights = cast(reshape(vector(interpolation(from, n, alignCorners), "float64"), [n, from]), x.dtype);
    return moveAxis(matmul(moveAxis(out, i + 2, out.rank - 1), weights, { transposeB: true }), out.rank - 1, i + 2);
  }, x);
}

const nearest = (from: number, to: number): number[] =>
  Array.from({ length: to }, (_, i) => Math.floor((i * from) / to));

/** The matrix [to, from] that interpolates linearly between neighbours. */
function interpolation(from: number, to: number, alignCorners: boolean): number[] {
  const weights = new Array(to * from).fill(0);
  for (let i = 0; i < to; i++) {
    const at = alignCorners ? (i * (from - 1)) / Math.max(1, to - 1) : Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const low = Math.min(Math.floor(at), from - 1);
    const high = Math.min(low + 1, from - 1);
    weights[i * from + low] += 1 - (at - low);
    weights[i * from + high] += at - low;
  }
  return weights;
}
