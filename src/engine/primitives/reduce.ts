import { apply, type Primitive } from "../core.js";
import { type DType, dtypes, isFloat } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { scalar } from "../literals.js";
import { normalAxes, normalAxis, type Shape, sameShape, show, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { div, equal, mul, neg, sub } from "./elementwise.js";
import { takeAlongAxis } from "./indexing.js";
import { matmul } from "./matmul.js";
import { squaredNorm } from "./squared-norm.js";
import { broadcastTo, cast, reshape, transpose } from "./structure.js";

type Axes = { axes: readonly number[] };

/** The dtype to compute in: reductions have no kernels for unsigned numbers and booleans, whose values int64 holds. */
export const wide = (dtype: DType): DType => (["uint", "bool"].includes(dtypes[dtype].kind) ? "int64" : dtype);

/** Values above 2^63 would change places in int64. */
export function comparable(operation: string, dtype: DType): void {
  if (dtype === "uint64") throw new ShapeError(operation, "not defined for dtype uint64; convert with cast()");
}

const without = (shape: Shape, axes: readonly number[]): number[] => shape.filter((_, i) => !axes.includes(i));
const withOnes = (shape: Shape, axes: readonly number[]): number[] => shape.map((n, i) => (axes.includes(i) ? 1 : n));
/** Stretches a reduced tensor back over the axes that were reduced. */
const stretch = (t: Tensor, shape: Shape, axes: readonly number[]): Tensor =>
  broadcastTo(reshape(t, withOnes(shape, axes)), shape);

export const sumPrimitive: Primitive<Axes> = {
  name: "sum",
  infer: ([x], { axes }) => ({ shape: without(x.shape, axes), dtype: x.dtype }),
  grad: (g, { inputs: [x], attrs: { axes } }) => [stretch(g, x.shape, axes)],
  batch: ([x], _batched, { axes }) => apply(sumPrimitive, [x], { axes: axes.map((a) => a + 1) }),
  lower: ([x], { axes }) => (isFloat(x.dtype) && x.dtype !== "float16" ? sumLowered(x, axes) : undefined),
  emit: (e, [x], { attrs: { axes }, dtype }) =>
    e.cast(e.node("ReduceSum", [e.cast(x, wide(dtype), dtype), e.ints(axes)], { keepdims: 0 }), dtype, wide(dtype)),
};

/**
 * Sums over the first axes, as for the gradient of a bias, go through the matrix product with a row of ones, which is two to
 * three times as fast as the runtime's reduction; what is summed over axes that lie apart is summed over the last ones first.
 */
function sumLowered(x: Tensor, axes: readonly number[]): Tensor | undefined {
  const gap = axes.findIndex((a, i) => i > 0 && a !== axes[i - 1] + 1);
  if (gap > 0) return sum(sum(x, axes.slice(gap)), axes.slice(0, gap));
  const rows = sizeOf(axes.map((a) => x.shape[a]));
  const rest = x.shape.slice(axes.length);
  if (axes[0] !== 0 || rest.length === 0 || rows < 8 || sizeOf(rest) === 0) return undefined;
  const ones = broadcastTo(scalar(1, x.dtype), [1, rows]);
  return reshape(matmul(ones, reshape(x, [rows, sizeOf(rest)])), rest);
}

const maxPrimitive: Primitive<Axes> = {
  name: "max",
  infer([x], { axes }) {
    comparable("max", x.dtype);
    if (axes.some((a) => x.shape[a] === 0))
      throw new ShapeError("max", `an axis of ${show(x.shape)} that is reduced is empty`);
    return { shape: without(x.shape, axes), dtype: x.dtype };
  },
  // Ties share the gradient evenly.
  grad(g, { inputs: [x], output, attrs: { axes } }) {
    const hit = cast(equal(x, stretch(output, x.shape, axes)), x.dtype);
    return [mul(hit, stretch(div(g, sum(hit, axes)), x.shape, axes))];
  },
  batch: ([x], _batched, { axes }) => apply(maxPrimitive, [x], { axes: axes.map((a) => a + 1) }),
  // ONNX Runtime's native ReduceMax reads the low halves of int64 as signed (1.30); ArgMax does not.
  lower([x], { axes }) {
    if (x.dtype !== "int64" && x.dtype !== "uint32") return undefined;
    const kept = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
    const shape = kept.map((i) => x.shape[i]);
    const last = reshape(transpose(x, [...kept, ...axes]), [...shape, sizeOf(axes.map((a) => x.shape[a]))]);
    return reshape(takeAlongAxis(last, reshape(argmax(last), [...shape, 1])), shape);
  },
  emit: (e, [x], { attrs: { axes } }) => e.node("ReduceMax", [x, e.ints(axes)], { keepdims: 0 }),
};

const argmaxPrimitive: Primitive<{ axis: number }> = {
  name: "argmax",
  infer([x], { axis }) {
    comparable("argmax", x.dtype);
    if (x.shape[axis] === 0) throw new ShapeError("argmax", `axis ${axis} of ${show(x.shape)} is empty`);
    return { shape: without(x.shape, [axis]), dtype: "int32" };
  },
  grad: "none",
  batch: ([x], _batched, { axis }) => apply(argmaxPrimitive, [x], { axis: axis + 1 }),
  emit: (e, [x], { attrs: { axis }, inputs: [{ dtype }] }) =>
    e.cast(e.node("ArgMax", [e.cast(x, wide(dtype), dtype)], { axis, keepdims: 0 }), "int32"),
};

interface Running extends Record<string, any> {
  readonly axis: number;
  /** Without the element itself. */
  readonly exclusive: boolean;
  /** From the end of the axis. */
  readonly reverse: boolean;
}
const cumsumPrimitive: Primitive<Running> = {
  name: "cumsum",
  infer: ([x]) => x,
  grad: (g, { attrs }) => [apply(cumsumPrimitive, [g], { ...attrs, reverse: !attrs.reverse })],
  batch: ([x], _batched, attrs) => apply(cumsumPrimitive, [x], { ...attrs, axis: attrs.axis + 1 }),
  emit(e, [x], { attrs: { axis, exclusive, reverse }, dtype }) {
    const read = [e.cast(x, wide(dtype), dtype), e.scalarInt(axis)];
    const out = e.node("CumSum", read, { exclusive: Number(exclusive), reverse: Number(reverse) });
    return e.cast(out, dtype, wide(dtype));
  },
};

export const reducePrimitives: readonly Primitive[] = [sumPrimitive, maxPrimitive, argmaxPrimitive, cumsumPrimitive];

interface ReduceOptions {
  /** Keep reduced axes with size one. */
  readonly keepDims?: boolean;
}
type AxesArgument = number | readonly number[];

function reduce(primitive: Primitive<Axes>, x: Tensor, axes: AxesArgument | undefined, options: ReduceOptions): Tensor {
  const list = normalAxes(primitive.name, axes, x.shape);
  const out = list.length === 0 ? x : apply(primitive, [x], { axes: list });
  return options.keepDims ? reshape(out, withOnes(x.shape, list)) : out;
}

const counted = (x: Tensor): Tensor => (x.dtype === "bool" ? cast(x, "int32") : x);

/** The sum over `axes` (all of them by default); booleans are counted as int32. */
export const sum = (x: Tensor, axes?: AxesArgument, options: ReduceOptions = {}): Tensor =>
  squaredNorm(x, axes, options) ?? reduce(sumPrimitive, counted(x), axes, options);
/** The largest value over `axes`; ties share the gradient. The runtime may pass over NaN. */
export const max = (x: Tensor, axes?: AxesArgument, options: ReduceOptions = {}): Tensor =>
  reduce(maxPrimitive, x, axes, options);
/** The same numbers in the opposite order: -1 - x has no overflow, as -x has for the least integer. */
export const turned = (x: Tensor): Tensor => (isFloat(x.dtype) ? neg(x) : sub(-1, x));
/** The smallest value over `axes`; ties share the gradient. */
export const min = (x: Tensor, axes?: AxesArgument, options: ReduceOptions = {}): Tensor =>
  cast(turned(max(turned(cast(x, wide(x.dtype))), axes, options)), x.dtype);
/** The index of the largest value along `axis` (the first of equals), as int32. */
export const argmax = (x: Tensor, axis = -1): Tensor =>
  apply(argmaxPrimitive, [x], { axis: normalAxis("argmax", axis, x.shape) });
/** The index of the smallest value along `axis` (the first of equals), as int32. */
export const argmin = (x: Tensor, axis = -1): Tensor => argmax(turned(cast(x, wide(x.dtype))), axis);
/**
 * Running sums along `axis`, with `reverse` from its end; `exclusive` leaves out the element itself, so that the first
 * sum is 0. Booleans are counted as int32.
 */
export const cumsum = (
  x: Tensor,
  axis = -1,
  { exclusive = false, reverse = false }: { exclusive?: boolean; reverse?: boolean } = {},
): Tensor => apply(cumsumPrimitive, [counted(x)], { axis: normalAxis("cumsum", axis, x.shape), exclusive, reverse });

/** Sums out the axes along which `shape` was broadcast to the shape of `t`: the transpose of broadcasting. */
export function sumTo(t: Tensor, shape: Shape): Tensor {
  if (sameShape(t.shape, shape)) return t;
  const lead = t.rank - shape.length;
  const axes = t.shape.flatMap((n, i) => (i < lead || (shape[i - lead] === 1 && n !== 1) ? [i] : []));
  return reshape(sum(t, axes), shape);
}
