import type { DType } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { add, div, mul, sub } from "../primitives/elementwise.js";
import { gather } from "../primitives/indexing.js";
import { arange, broadcastTo, concat, flatten, reshape, sliceAxis } from "../primitives/structure.js";
import { normalAxes, normalAxis, show } from "../shape.js";
import { Tensor, tensor } from "../tensor.js";

/** `x` laid side by side `counts[i]` times along axis i; fewer counts than axes are for the last ones. */
export function tile(x: Tensor, counts: readonly number[]): Tensor {
  const rank = Math.max(x.rank, counts.length);
  const times = [...new Array(rank - counts.length).fill(1), ...counts];
  if (times.some((n) => !Number.isInteger(n) || n < 0))
    throw new ShapeError("tile", `counts [${counts}] must be whole numbers`);
  const shape = [...new Array(rank - x.rank).fill(1), ...x.shape];
  const apart = reshape(
    x,
    shape.flatMap((n) => [1, n]),
  );
  const copies = broadcastTo(
    apart,
    shape.flatMap((n, i) => [times[i], n]),
  );
  return reshape(
    copies,
    shape.map((n, i) => n * times[i]),
  );
}

/** Each element along `axis` `count` times in a row. */
export function repeat(x: Tensor, count: number, axis = 0): Tensor {
  const at = normalAxis("repeat", axis, x.shape);
  if (!Number.isInteger(count) || count < 0) throw new ShapeError("repeat", `count ${count} must be a whole number`);
  const shape = x.shape.toSpliced(at + 1, 0, count);
  const apart = reshape(x, x.shape.toSpliced(at + 1, 0, 1));
  return reshape(
    broadcastTo(apart, shape),
    x.shape.map((n, i) => (i === at ? n * count : n)),
  );
}

/** Moves elements `shift` places along `axis` (one shift for each of several axes); what leaves comes in again. */
export function roll(x: Tensor, shift: number | readonly number[], axis: number | readonly number[] = 0): Tensor {
  const axes = typeof axis === "number" ? [axis] : axis;
  const shifts = typeof shift === "number" ? axes.map(() => shift) : shift;
  if (shifts.length !== axes.length || shifts.some((s) => !Number.isInteger(s)))
    throw new ShapeError("roll", `shifts [${shifts}] must be whole numbers, one for each of axes [${axes}]`);
  normalAxes("roll", axes, x.shape);
  return axes.reduce((out, a, i) => {
    const n = x.shape[normalAxis("roll", a, x.shape)];
    const places = n === 0 ? 0 : ((shifts[i] % n) + n) % n;
    return places === 0 ? out : concat([sliceAxis(out, a, n - places, n), sliceAxis(out, a, 0, n - places)], a);
  }, x);
}

/** Cuts `axis` into `parts` equal parts, or into parts of the given sizes. Throws `ShapeError` when they do not fit. */
export function split(x: Tensor, parts: number | readonly number[], axis = 0): Tensor[] {
  const at = normalAxis("split", axis, x.shape);
  const n = x.shape[at];
  const sizes = typeof parts === "number" ? new Array(Math.max(1, parts)).fill(n / parts) : parts;
  if (sizes.some((s) => !Number.isInteger(s) || s < 0) || sizes.reduce((a, b) => a + b, 0) !== n) {
    const wanted = typeof parts === "number" ? `${parts} equal parts` : `parts of sizes [${parts}]`;
    throw new ShapeError("split", `axis ${axis} of ${show(x.shape)} does not fall into ${wanted}`);
  }
  let start = 0;
  return sizes.map((size) => {
    const part = sliceAxis(x, at, start, start + size);
    start += size;
    return part;
  });
}

/** The slices of `x` along `axis`, without that axis: the inverse of `stack`. */
export function unstack(x: Tensor, axis = 0): Tensor[] {
  const at = normalAxis("unstack", axis, x.shape);
  const shape = x.shape.toSpliced(at, 1);
  return Array.from({ length: x.shape[at] }, (_, i) => reshape(sliceAxis(x, at, i, i + 1), shape));
}

/**
 * Elements of `x` at `indices` along `axis`, or of the flattened `x` when no axis is named. A plain number takes one
 * slice, without the axis.
 */
export function take(x: Tensor, indices: Tensor | number | readonly number[], axis?: number): Tensor {
  const at =
    indices instanceof Tensor
      ? indices
      : tensor(Int32Array.from([indices].flat()), { shape: typeof indices === "number" ? [] : [indices.length] });
  return axis === undefined ? gather(flatten(x), at, 0) : gather(x, at, axis);
}

/** `count` numbers from `start` to `stop`, evenly spaced; `endpoint: false` leaves out `stop`. */
export function linspace(
  start: number,
  stop: number,
  count: number,
  { endpoint = true, dtype = "float32" }: { endpoint?: boolean; dtype?: DType } = {},
): Tensor {
  // A weighted mean of both ends meets each of them exactly.
  const t = div(arange(count, dtype), Math.max(1, endpoint ? count - 1 : count));
  return add(mul(sub(1, t), start), mul(t, stop));
}

/**
 * Coordinate grids of vectors: one tensor for each, of shape [size of the first, size of the second, ...], or with the
 * first two axes exchanged for `indexing: "xy"`.
 */
export function meshgrid(vectors: readonly Tensor[], { indexing = "ij" }: { indexing?: "ij" | "xy" } = {}): Tensor[] {
  for (const v of vectors) {
    if (v.rank !== 1) throw new ShapeError("meshgrid", `needs vectors, got shape ${show(v.shape)}`);
  }
  const order = vectors.map((_, i) => (indexing === "xy" && vectors.length > 1 && i < 2 ? 1 - i : i));
  const shape = order.map((i) => vectors[i].size);
  return vectors.map((v, i) =>
    broadcastTo(
      reshape(
        v,
        order.map((k) => (k === i ? v.size : 1)),
      ),
      shape,
    ),
  );
}
