import { type DType, dtypes, isFloat } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { moveAxis } from "../primitives/batching.js";
import { add, div, equal, exp, greaterEqual, less, maximum, mul, sub, where } from "../primitives/elementwise.js";
import { additive, checkIndices, gather, scatterAdd, shiftByExample } from "../primitives/indexing.js";
import { comparable, max, turned } from "../primitives/reduce.js";
import { arange, broadcastTo, cast, full, ones, reshape, stopGradient } from "../primitives/structure.js";
import { normalAxis, type Shape, show, sizeOf } from "../shape.js";
import { hostData, type Operand, Tensor } from "../tensor.js";
import { type Composite, composite } from "./composite.js";

// Rows that belong together: row i of x [n, ...] belongs to segment ids[i] (int32 or int64) of `segments`; of a graph,
// edges belong to the node where they end.

/** `t` [n] with as many axes as `like`, so that it goes with rows. */
const column = (t: Tensor, like: Tensor): Tensor => reshape(t, [t.shape[0], ...new Array(like.rank - 1).fill(1)]);

function checkRows(operation: string, x: { shape: Shape }, ids: { shape: Shape; dtype: DType }): void {
  checkIndices(operation, ids);
  if (ids.shape.length !== 1 || x.shape[0] !== ids.shape[0]) {
    throw new ShapeError(operation, `rows ${show(x.shape)} need one segment each, got ids ${show(ids.shape)}`);
  }
}

/** What the maximum of no values is. */
function lowest(dtype: DType): number {
  if (isFloat(dtype)) return Number.NEGATIVE_INFINITY;
  const { kind, array } = dtypes[dtype];
  return kind === "int" ? -(2 ** (8 * array.BYTES_PER_ELEMENT - 1)) : 0;
}

type Segments = { segments: number };
type Applied = Composite<Segments> & { apply(inputs: readonly Tensor[], attrs: Segments): Tensor };
const maxComposite: Applied = composite<Segments>({
  name: "segmentMax",
  infer([x, ids], { segments }) {
    checkRows("segmentMax", x, ids);
    comparable("segmentMax", x.dtype);
    if (x.dtype === "bool") throw new ShapeError("segmentMax", "not defined for dtype bool; convert with cast()");
    return { shape: [segments, ...x.shape.slice(1)], dtype: x.dtype };
  },
  define([x, ids], { segments }) {
    if (x.shape[0] === 0) return full([segments, ...x.shape.slice(1)], lowest(x.dtype), x.dtype);
    const own = where(less(ids, 0), add(ids, segments), ids);
    const member = equal(reshape(arange(segments, ids.dtype), [segments, 1]), own);
    const rows = reshape(member, [segments, ids.shape[0], ...new Array(x.rank - 1).fill(1)]);
    return max(where(rows, x, lowest(x.dtype)), 1);
  },
  // The runtime's maximum in a scatter is not there for small and unsigned dtypes.
  serves: ([x]) => ["float32", "float64", "float16", "int32", "int64"].includes(x.dtype),
  emit(e, [x, ids], { shape, dtype, inputs: [, i] }) {
    const inner = additive(dtype);
    const value = { dtype: inner, data: hostData([lowest(inner)], inner), shape: [1] };
    const start = e.node("ConstantOfShape", [e.ints(shape)], { value });
    const rows = e.node("Unsqueeze", [e.cast(ids, "int64", i.dtype), e.ints([-1])]);
    const out = e.node("ScatterND", [start, rows, e.cast(x, inner, dtype)], { reduction: "max" });
    return e.cast(out, dtype, inner);
  },
  // Ties share the gradient evenly.
  grad(g, { inputs: [x, ids], output, attrs: { segments } }) {
    const hit = cast(equal(x, gather(output, ids)), x.dtype);
    const share = div(g, maximum(scatterAdd(hit, ids, segments), 1));
    return [mul(hit, gather(share, ids)), undefined];
  },
  batch([x, ids], [xs, is], { segments }, size) {
    if (!is) return moveAxis(segmentMax(moveAxis(x, 0, 1), ids, segments), 1, 0);
    const rows = xs ? x : broadcastTo(x, [size, ...x.shape]);
    const flat = reshape(rows, [size * rows.shape[1], ...rows.shape.slice(2)]);
    const shifted = reshape(shiftByExample(ids, size, segments), [flat.shape[0]]);
    const out = segmentMax(flat, shifted, size * segments);
    return reshape(out, [size, segments, ...out.shape.slice(1)]);
  },
});

/** The largest value of each segment: rows x [n, ...] to [segments, ...]; -infinity (the lowest integer) of none. */
export const segmentMax = (x: Tensor, ids: Tensor, segments: number): Tensor =>
  maxComposite.apply([x, ids], { segments });

/** The smallest value of each segment: infinity (the highest integer) of none. For floats and signed integers. */
export function segmentMin(x: Tensor, ids: Tensor, segments: number): Tensor {
  return turned(segmentMax(turned(x), ids, segments));
}

/** The sum of each segment: rows x [n, ...] to [segments, ...]. */
export function segmentSum(x: Tensor, ids: Tensor, segments: number): Tensor {
  checkRows("segmentSum", x, ids);
  return scatterAdd(x, ids, segments);
}

/** The mean of each segment: rows x [n, ...] to [segments, ...]; 0 of none. */
export function segmentMean(x: Tensor, ids: Tensor, segments: number): Tensor {
  checkRows("segmentMean", x, ids);
  if (!isFloat(x.dtype)) throw new ShapeError("segmentMean", `not defined for dtype ${x.dtype}; convert with cast()`);
  const count = maximum(scatterAdd(ones(ids.shape, x.dtype), ids, segments), 1);
  return div(scatterAdd(x, ids, segments), column(count, x));
}

/** Softmax within each segment, computed without overflow: scores [n, ...] to weights [n, ...] that sum to 1. */
export function segmentSoftmax(scores: Tensor, ids: Tensor, segments: number): Tensor {
  checkRows("segmentSoftmax", scores, ids);
  const top = gather(stopGradient(segmentMax(scores, ids, segments)), ids);
  const e = exp(sub(scores, top));
  return div(e, gather(segmentSum(e, ids, segments), ids));
}

/**
 * `x` with its rows along `axis` at `indices` replaced by `updates` (of shape x[:axis] + indices.shape + x[axis+1:], or
 * what broadcasts to it); of updates to one row the last stands.
 */
export function setAt(x: Tensor, indices: Tensor, updates: Operand, axis = 0): Tensor {
  checkIndices("setAt", indices);
  const at = normalAxis("setAt", axis, x.shape);
  const [before, after] = [x.shape.slice(0, at), x.shape.slice(at + 1)];
  const count = sizeOf(indices.shape);
  const given = updates instanceof Tensor ? updates : full([], updates, x.dtype);
  const rows = reshape(broadcastTo(given, [...before, ...indices.shape, ...after]), [...before, count, ...after]);
  if (count === 0) return x;
  const last = segmentMax(arange(count), reshape(indices, [count]), x.shape[at]);
  const isSet = reshape(greaterEqual(last, 0), [x.shape[at], ...after.map(() => 1)]);
  return where(isSet, gather(rows, maximum(last, 0), at), x);
}
