import { apply, type Primitive } from "../core.js";
import { type DType, dtypes } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { normalAxis, type Shape, sameShape, show } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { moveAxis } from "./batching.js";
import { add, less, mul, where } from "./elementwise.js";
import { comparable, wide } from "./reduce.js";
import { arange, broadcastTo, reshape } from "./structure.js";

export function checkIndices(operation: string, indices: { dtype: string; shape: Shape }): void {
  if (indices.dtype !== "int32" && indices.dtype !== "int64") {
    throw new ShapeError(operation, `indices have dtype ${indices.dtype}; int32 or int64 is needed`);
  }
}

function checkNumbers(operation: string, updates: { dtype: DType }): void {
  if (updates.dtype === "bool") throw new ShapeError(operation, "not defined for dtype bool; convert with cast()");
}

/** The dtype to add up in: the runtime's scatter kernels cannot add float16. */
export const additive = (dtype: DType): DType => (dtype === "float16" ? "float32" : dtype);

const gatherPrimitive: Primitive<{ axis: number }> = {
  name: "gather",
  infer([x, indices], { axis }) {
    checkIndices("gather", indices);
    return { shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)], dtype: x.dtype };
  },
  grad: (g, { inputs: [x, indices], attrs: { axis } }) => [scatterAdd(g, indices, x.shape[axis], axis), undefined],
  batch([x, indices], [xs, is], { axis }, size) {
    if (!is) return gather(x, indices, axis + 1);
    if (!xs) return moveAxis(gather(x, indices, axis), axis, 0);
    // Both vary: one gather over all examples' rows, each example's indices shifted to its own rows.
    const rows = moveAxis(x, axis + 1, 1);
    const flat = reshape(rows, [size * rows.shape[1], ...rows.shape.slice(2)]);
    const out = gather(flat, shiftByExample(indices, size, rows.shape[1]), 0);
    return moveAxes(out, 1, indices.rank - 1, axis + 1);
  },
  emit: (e, [x, indices], { attrs: { axis } }) => e.node("Gather", [x, indices], { axis }),
};

const scatterAddPrimitive: Primitive<{ axis: number; size: number }> = {
  name: "scatterAdd",
  infer([updates, indices], { axis, size }) {
    checkIndices("scatterAdd", indices);
    checkNumbers("scatterAdd", updates);
    const rank = indices.shape.length;
    if (!sameShape(updates.shape.slice(axis, axis + rank), indices.shape)) {
      throw new ShapeError(
        "scatterAdd",
        `updates ${show(updates.shape)} do not carry indices ${show(indices.shape)} at axis ${axis}`,
      );
    }
    return {
      shape: [...updates.shape.slice(0, axis), size, ...updates.shape.slice(axis + rank)],
      dtype: updates.dtype,
    };
  },
  grad: (g, { inputs: [, indices], attrs: { axis } }) => [gather(g, indices, axis), undefined],
  batch([updates, indices], [us, is], { axis, size }, examples) {
    if (!is) return scatterAdd(updates, indices, size, axis + 1);
    const all = us ? updates : broadcastTo(updates, [examples, ...updates.shape]);
    const rank = indices.rank - 1;
    const front = moveAxes(all, axis + 1, rank, 1);
    const out = scatterAdd(front, shiftByExample(indices, examples, size), size * examples, 0);
    return moveAxis(reshape(out, [examples, size, ...out.shape.slice(1)]), 1, axis + 1);
  },
  emit(e, [updates, indices], { attrs: { axis, size }, inputs: [u, i], dtype, shape }) {
    const rank = i.shape.length;
    const lead = u.shape.map((_, k) => k).filter((k) => k < axis || k >= axis + rank);
    const order = [...i.shape.map((_, k) => axis + k), ...lead];
    const sum = additive(dtype);
    const read = e.cast(updates, sum, dtype);
    const moved = axis === 0 ? read : e.node("Transpose", [read], { perm: order });
    const rest = lead.map((k) => u.shape[k]);
    const zeros = e.node("ConstantOfShape", [e.ints([size, ...rest])], {
      value: { dtype: sum, data: new dtypes[sum].array(1), shape: [1] },
    });
    const where = e.node("Unsqueeze", [e.cast(indices, "int64", i.dtype), e.ints([-1])]);
    const out = e.cast(e.node("ScatterND", [zeros, where, moved], { reduction: "add" }), dtype, sum);
    if (axis === 0) return out;
    const back = shape.map((_, k) => (k === axis ? 0 : k < axis ? k + 1 : k));
    return e.node("Transpose", [out], { perm: back });
  },
};

const takePrimitive: Primitive<{ axis: number }> = {
  name: "takeAlongAxis",
  infer([x, indices], { axis }) {
    checkIndices("takeAlongAxis", indices);
    if (x.shape.length !== indices.shape.length || x.shape.some((n, i) => i !== axis && n !== indices.shape[i])) {
      throw new ShapeError(
        "takeAlongAxis",
        `${show(x.shape)} and indices ${show(indices.shape)} differ outside axis ${axis}`,
      );
    }
    return { shape: indices.shape, dtype: x.dtype };
  },
  grad: (g, { inputs: [x, indices], attrs: { axis } }) => [putAlongAxis(g, indices, x.shape[axis], axis), undefined],
  batch: (inputs, batched, { axis }, size) => {
    const [x, indices] = spread(inputs, batched, size);
    return takeAlongAxis(x, indices, axis + 1);
  },
  emit: (e, [x, indices], { attrs: { axis } }) => e.node("GatherElements", [x, indices], { axis }),
};

const putPrimitive: Primitive<{ axis: number; size: number }> = {
  name: "putAlongAxis",
  infer([updates, indices], { axis, size }) {
    checkIndices("putAlongAxis", indices);
    checkNumbers("putAlongAxis", updates);
    if (!sameShape(updates.shape, indices.shape)) {
      throw new ShapeError("putAlongAxis", `updates ${show(updates.shape)} and indices ${show(indices.shape)} differ`);
    }
    return { shape: updates.shape.map((n, i) => (i === axis ? size : n)), dtype: updates.dtype };
  },
  grad: (g, { inputs: [, indices], attrs: { axis } }) => [takeAlongAxis(g, indices, axis), undefined],
  batch(inputs, batched, { axis, size }, examples) {
    const [updates, indices] = spread(inputs, batched, examples);
    return putAlongAxis(updates, indices, size, axis + 1);
  },
  emit(e, [updates, indices], { attrs: { axis }, shape, dtype }) {
    const sum = additive(dtype);
    const zeros = e.node("ConstantOfShape", [e.ints(shape)], {
      value: { dtype: sum, data: new dtypes[sum].array(1), shape: [1] },
    });
    const read = e.cast(updates, sum, dtype);
    return e.cast(e.node("ScatterElements", [zeros, indices, read], { axis, reduction: "add" }), dtype, sum);
  },
};

/** The first `count` of the indices that sort an axis. */
const argsortPrimitive: Primitive<{ axis: number; descending: boolean; count: number }> = {
  name: "argsort",
  infer([x], { axis, count }) {
    comparable("argsort", x.dtype);
    return { shape: x.shape.map((n, i) => (i === axis ? count : n)), dtype: "int32" };
  },
  grad: "none",
  batch: ([x], _batched, { axis, ...attrs }) => apply(argsortPrimitive, [x], { axis: axis + 1, ...attrs }),
  emit(e, [x], { attrs: { axis, descending, count }, inputs: [{ dtype }] }) {
    const read = e.cast(x, wide(dtype), dtype);
    const [, order] = e.nodes("TopK", [read, e.ints([count])], 2, {
      axis,
      largest: Number(descending),
      sorted: 1,
    });
    return e.cast(order, "int32");
  },
};

export const indexingPrimitives: readonly Primitive[] = [
  gatherPrimitive,
  scatterAddPrimitive,
  takePrimitive,
  putPrimitive,
  argsortPrimitive,
];

/** Adds v * rows to the indices of example v, which then no longer count from the end. */
export function shiftByExample(indices: Tensor, size: number, rows: number): Tensor {
  const offsets = mul(arange(size, indices.dtype), rows);
  const own = where(less(indices, 0), add(indices, rows), indices);
  return add(own, reshape(offsets, [size, ...new Array(indices.rank - 1).fill(1)]));
}

/** Moves `count` neighbouring axes that start at `from` so that they start at `to` among the others. */
function moveAxes(t: Tensor, from: number, count: number, to: number): Tensor {
  let out = t;
  for (let i = 0; i < count; i++)
    out = from < to ? moveAxis(out, from, to + count - 1) : moveAxis(out, from + i, to + i);
  return out;
}

const spread = (inputs: readonly Tensor[], batched: readonly boolean[], size: number): Tensor[] =>
  inputs.map((t, i) => (batched[i] ? t : broadcastTo(t, [size, ...t.shape])));

/** Rows of `x` along `axis` at integer `indices`: shape x[:axis] + indices.shape + x[axis+1:]. Negative indices count from the end. */
export const gather = (x: Tensor, indices: Tensor, axis = 0): Tensor =>
  apply(gatherPrimitive, [x, indices], { axis: normalAxis("gather", axis, x.shape) });

/** Zeros of `size` rows along `axis`, to which each update is added at its index: the transpose of `gather`. */
export function scatterAdd(updates: Tensor, indices: Tensor, size: number, axis = 0): Tensor {
  const out = [...updates.shape.slice(0, updates.rank - indices.rank), size];
  return apply(scatterAddPrimitive, [updates, indices], { axis: normalAxis("scatterAdd", axis, out), size });
}

/** out[i][j] = x[i][indices[i][j]] (for the last axis): one choice along `axis` for each position. */
export const takeAlongAxis = (x: Tensor, indices: Tensor, axis = -1): Tensor =>
  apply(takePrimitive, [x, indices], { axis: normalAxis("takeAlongAxis", axis, x.shape) });

/** Zeros with `size` places along `axis`, to which each update is added at its index: the transpose of `takeAlongAxis`. */
export const putAlongAxis = (updates: Tensor, indices: Tensor, size: number, axis: number): Tensor =>
  apply(putPrimitive, [updates, indices], { axis: normalAxis("putAlongAxis", axis, updates.shape), size });

/** The indices (int32) that sort `x` along `axis`. */
export function argsort(x: Tensor, axis = -1, { descending = false }: { descending?: boolean } = {}): Tensor {
  const at = normalAxis("argsort", axis, x.shape);
  return apply(argsortPrimitive, [x], { axis: at, descending, count: x.shape[at] });
}

/** The values of `x` in order along `axis`. */
export const sort = (x: Tensor, axis = -1, options: { descending?: boolean } = {}): Tensor =>
  takeAlongAxis(x, argsort(x, axis, options), axis);

/**
 * The `k` largest values along `axis` (the smallest with `largest: false`), best first, and their indices (int32).
 * Throws `ShapeError` when the axis has fewer.
 */
export function topK(
  x: Tensor,
  k: number,
  axis = -1,
  { largest = true }: { largest?: boolean } = {},
): { values: Tensor; indices: Tensor } {
  const at = normalAxis("topK", axis, x.shape);
  if (!Number.isInteger(k) || k < 0 || k > x.shape[at])
    throw new ShapeError("topK", `axis ${axis} of ${show(x.shape)} has no ${k} values to choose`);
  const indices = apply(argsortPrimitive, [x], { axis: at, descending: largest, count: k });
  return { values: takeAlongAxis(x, indices, at), indices };
}
