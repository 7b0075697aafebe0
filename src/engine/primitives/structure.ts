import { apply, type Primitive } from "../core.js";
import { type DType, dtypes, isFloat } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { asTensor } from "../literals.js";
import type { Emitter } from "../onnx/emitter.js";
import { normalAxis, type Shape, sameShape, show, sizeOf } from "../shape.js";
import type { Operand, Tensor } from "../tensor.js";

import { sumTo } from "./reduce.js";

const castPrimitive: Primitive<{ dtype: DType }> = {
  name: "cast",
  infer: ([x], { dtype }) => ({ shape: x.shape, dtype }),
  grad: (g, { inputs: [x] }) => [isFloat(x.dtype) ? cast(g, x.dtype) : undefined],
  batch: ([x], _batched, { dtype }) => cast(x, dtype),
  emit: (e, [x], { dtype }) => e.cast(x, dtype),
};
/** The same values as another dtype; floats are truncated towards zero when they become integers. */
export const cast = (x: Tensor, dtype: DType): Tensor => (x.dtype === dtype ? x : apply(castPrimitive, [x], { dtype }));

export const reshapePrimitive: Primitive<{ shape: Shape }> = {
  name: "reshape",
  infer([x], { shape }) {
    if (sizeOf(shape) !== sizeOf(x.shape)) {
      throw new ShapeError(
        "reshape",
        `${show(x.shape)} has ${sizeOf(x.shape)} elements, ${show(shape)} has ${sizeOf(shape)}`,
      );
    }
    return { shape, dtype: x.dtype };
  },
  grad: (g, { inputs: [x] }) => [reshape(g, x.shape)],
  batch: ([x], _batched, { shape }, size) => reshape(x, [size, ...shape]),
  emit: (e, [x], { shape }) => e.node("Reshape", [x, e.ints(shape)], { allowzero: 1 }),
};
/** The same elements in row-major order under another shape; one size may be -1. */
export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  let target = shape;
  const open = shape.indexOf(-1);
  if (open >= 0) {
    const rest = sizeOf(shape.filter((_, i) => i !== open));
    target = shape.map((n, i) => (i === open ? x.size / rest : n));
    if (rest === 0 || !Number.isInteger(target[open])) {
      throw new ShapeError("reshape", `${show(x.shape)} does not divide into ${show(shape)}`);
    }
  }
  if (sameShape(x.shape, target)) return x;
  const inner = x.node.primitive === reshapePrimitive ? x.node.inputs[0] : x;
  return sameShape(inner.shape, target) ? inner : apply(reshapePrimitive, [inner], { shape: target });
}
/** All elements in one axis. */
export const flatten = (x: Tensor): Tensor => reshape(x, [x.size]);
/** The last axis as columns, all others as rows of one matrix. */
export const asRows = (x: Tensor): Tensor => reshape(x, [sizeOf(x.shape.slice(0, -1)), x.shape[x.rank - 1]]);
/** Adds an axis of size one. */
export function expandDims(x: Tensor, axis: number): Tensor {
  const at = axis < 0 ? axis + x.rank + 1 : axis;
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}
/** Removes axes of size one. */
export function squeeze(x: Tensor, axis: number): Tensor {
  const at = normalAxis("squeeze", axis, x.shape);
  if (x.shape[at] !== 1) throw new ShapeError("squeeze", `axis ${axis} of ${show(x.shape)} is not of size 1`);
  return reshape(
    x,
    x.shape.filter((_, i) => i !== at),
  );
}

const transposePrimitive: Primitive<{ permutation: readonly number[] }> = {
  name: "transpose",
  infer([x], { permutation }) {
    if (permutation.length !== x.shape.length || [...permutation].sort((a, b) => a - b).some((p, i) => p !== i)) {
      throw new ShapeError("transpose", `[${permutation}] is not a permutation of the axes of ${show(x.shape)}`);
    }
    return { shape: permutation.map((p) => x.shape[p]), dtype: x.dtype };
  },
  grad: (g, { attrs: { permutation } }) => [
    transpose(
      g,
      permutation.map((_, i) => permutation.indexOf(i)),
    ),
  ],
  batch: ([x], _batched, { permutation }) => transpose(x, [0, ...permutation.map((p) => p + 1)]),
  emit: (e, [x], { attrs: { permutation } }) => e.node("Transpose", [x], { perm: permutation }),
};
/** Permutes axes (reverses them when no permutation is given). */
export function transpose(x: Tensor, permutation: readonly number[] = x.shape.map((_, i) => x.rank - 1 - i)): Tensor {
  if (permutation.every((p, i) => p === i) && permutation.length === x.rank) return x;
  if (x.node.primitive === transposePrimitive) {
    const inner = x.node.attrs.permutation as readonly number[];
    return transpose(
      x.node.inputs[0],
      permutation.map((p) => inner[p]),
    );
  }
  return apply(transposePrimitive, [x], { permutation });
}
/** Exchanges two axes. */
export function swapAxes(x: Tensor, a: number, b: number): Tensor {
  const order = x.shape.map((_, i) => i);
  const i = normalAxis("swapAxes", a, x.shape);
  const j = normalAxis("swapAxes", b, x.shape);
  [order[i], order[j]] = [j, i];
  return transpose(x, order);
}

export const broadcastPrimitive: Primitive<{ shape: Shape }> = {
  name: "broadcastTo",
  infer([x], { shape }) {
    const lead = shape.length - x.shape.length;
    if (lead < 0 || x.shape.some((n, i) => n !== 1 && n !== shape[lead + i])) {
      throw new ShapeError("broadcastTo", `${show(x.shape)} cannot be broadcast to ${show(shape)}`);
    }
    return { shape, dtype: x.dtype };
  },
  grad: (g, { inputs: [x] }) => [sumTo(g, x.shape)],
  batch([x], _batched, { shape }, size) {
    const rest = x.shape.slice(1);
    return broadcastTo(reshape(x, [size, ...new Array(shape.length - rest.length).fill(1), ...rest]), [size, ...shape]);
  },
  emit: (e, [x], { shape }) => e.node("Expand", [x, e.ints(shape)]),
};
/** Repeats axes of size one (and adds leading axes) to reach `shape`. */
export const broadcastTo = (x: Tensor, shape: readonly number[]): Tensor =>
  sameShape(x.shape, shape) ? x : apply(broadcastPrimitive, [x], { shape });

interface SliceAttrs {
  starts: readonly number[];
  ends: readonly number[];
  steps: readonly number[];
}
/** One entry an axis; starts and ends are already within 0..size, steps are positive, or all of an axis reversed (-1). */
const slicePrimitive: Primitive<SliceAttrs & Record<string, any>> = {
  name: "slice",
  infer: ([x], { starts, ends, steps }) => ({
    shape: x.shape.map((n, i) => (steps[i] < 0 ? n : Math.max(0, Math.ceil((ends[i] - starts[i]) / steps[i])))),
    dtype: x.dtype,
  }),
  grad(g, { inputs: [x], attrs: { starts, steps } }) {
    let out = g;
    const reversed = steps.flatMap((s, i) => (s < 0 ? [i] : []));
    if (reversed.length > 0) out = flip(out, reversed);
    const forward = steps.map((s) => Math.max(s, 1));
    const dilated = out.shape.map((n, i) => (n === 0 ? 0 : (n - 1) * forward[i] + 1));
    return [
      pad(
        dilate(out, forward),
        starts.map((s, i) => (steps[i] < 0 ? 0 : s)),
        x.shape.map((n, i) => (steps[i] < 0 ? 0 : n - starts[i] - dilated[i])),
      ),
    ];
  },
  batch: ([x], _batched, { starts, ends, steps }, size) =>
    apply(slicePrimitive, [x], { starts: [0, ...starts], ends: [size, ...ends], steps: [1, ...steps] }),
  emit(e, [x], { attrs: { starts, ends, steps }, inputs: [{ shape }] }) {
    const axes = shape.flatMap((n, i) => (starts[i] === 0 && ends[i] === n && steps[i] === 1 ? [] : [i]));
    return e.node("Slice", [
      x,
      e.ints(axes.map((a) => (steps[a] < 0 ? -1 : starts[a]))),
      e.ints(axes.map((a) => (steps[a] < 0 ? -(2 ** 31) : ends[a]))),
      e.ints(axes),
      e.ints(axes.map((a) => steps[a])),
    ]);
  },
};
/** x[starts:ends:steps], one entry for each leading axis; negative numbers count from the end. */
export function slice(
  x: Tensor,
  starts: readonly number[],
  ends: readonly number[],
  steps: readonly number[] = [],
): Tensor {
  const count = Math.max(starts.length, ends.length, steps.length);
  if (count > x.rank) throw new ShapeError("slice", `${count} ranges given for shape ${show(x.shape)}`);
  const clamp = (v: number | undefined, n: number, absent: number) =>
    v === undefined ? absent : Math.min(n, Math.max(0, v < 0 ? v + n : v));
  const attrs = {
    starts: x.shape.map((n, i) => clamp(starts[i], n, 0)),
    ends: x.shape.map((n, i) => clamp(ends[i], n, n)),
    steps: x.shape.map((_, i) => steps[i] ?? 1),
  };
  if (attrs.steps.some((s) => !Number.isInteger(s) || s < 1)) {
    throw new ShapeError("slice", `steps [${steps}] must be positive integers; use flip() to reverse`);
  }
  if (x.shape.every((n, i) => attrs.starts[i] === 0 && attrs.ends[i] === n && attrs.steps[i] === 1)) return x;
  return apply(slicePrimitive, [x], attrs);
}
/** The part of `axis` from `start` to `end`. */
export function sliceAxis(x: Tensor, axis: number, start: number, end: number): Tensor {
  const at = normalAxis("slice", axis, x.shape);
  const starts = new Array(at + 1).fill(0);
  const ends = x.shape.slice(0, at + 1);
  starts[at] = start;
  ends[at] = end;
  return slice(x, starts, ends);
}
/** Reverses axes. */
export function flip(x: Tensor, axes: number | readonly number[]): Tensor {
  const list = (typeof axes === "number" ? [axes] : axes).map((a) => normalAxis("flip", a, x.shape));
  return apply(slicePrimitive, [x], {
    starts: x.shape.map(() => 0),
    ends: x.shape,
    steps: x.shape.map((_, i) => (list.includes(i) ? -1 : 1)),
  });
}

export const padPrimitive: Primitive<{ low: readonly number[]; high: readonly number[] }> = {
  name: "pad",
  infer([x], { low, high }) {
    if (low.length !== x.shape.length || high.length !== x.shape.length) {
      throw new ShapeError("pad", `needs one width for each axis of ${show(x.shape)}, got [${low}] and [${high}]`);
    }
    const shape = x.shape.map((n, i) => n + low[i] + high[i]);
    if (shape.some((n) => n < 0))
      throw new ShapeError("pad", `widths [${low}], [${high}] cut more than ${show(x.shape)} has`);
    return { shape, dtype: x.dtype };
  },
  grad: (g, { attrs: { low, high } }) => [
    pad(
      g,
      low.map((n) => -n),
      high.map((n) => -n),
    ),
  ],
  batch: ([x], _batched, { low, high }) => pad(x, [0, ...low], [0, ...high]),
  emit(e, [x], { attrs: { low, high }, inputs: [{ shape, dtype }] }) {
    if (!e.device && isShortRows(shape, low, high)) return joinedRows(e, x, shape, dtype, low.at(-1)!, high.at(-1)!);
    return e.node("Pad", [x, e.ints([...low, ...high])], { mode: "constant" });
  },
};

/** Whether only the last axis is padded, and so short that the runtime's time goes into turning to the next row. */
function isShortRows(shape: Shape, low: readonly number[], high: readonly number[]): boolean {
  const last = shape.length - 1;
  const kept = shape[last] + Math.min(low[last], 0) + Math.min(high[last], 0);
  const others = shape.slice(0, -1).every((_, i) => low[i] === 0 && high[i] === 0);
  return others && kept > 0 && shape[last] <= 24 && sizeOf(shape) >= 2 ** 14;
}

/** Padding of the last axis by joining what is left of it with zeros. */
function joinedRows(e: Emitter, x: string, shape: Shape, dtype: DType, low: number, high: number): string {
  const axis = shape.length - 1;
  const [start, end] = [Math.max(-low, 0), shape[axis] - Math.max(-high, 0)];
  const kept = end - start === shape[axis] ? x : e.node("Slice", [x, e.ints([start]), e.ints([end]), e.ints([axis])]);
  const zero = e.constant({ data: new dtypes[dtype].array(1), shape: [1], dtype });
  const zeros = (n: number) => (n > 0 ? [e.node("Expand", [zero, e.ints(shape.with(axis, n))])] : []);
  const parts = [...zeros(low), kept, ...zeros(high)];
  return parts.length > 1 ? e.node("Concat", parts, { axis }) : kept;
}

/** Zeros before (`low`) and after (`high`) each axis; negative widths cut. */
export const pad = (x: Tensor, low: readonly number[], high: readonly number[]): Tensor =>
  low.every((n) => n === 0) && high.every((n) => n === 0) && low.length === x.rank
    ? x
    : apply(padPrimitive, [x], { low, high });

/**
 * The sum of padded tensors whose contents lie side by side along one axis, as the gradients of the parts of a tensor do:
 * their concatenation, padded where something is left. Undefined when they lie otherwise.
 */
export function joinPadded(terms: readonly Tensor[] | undefined): Tensor | undefined {
  if (!terms) return undefined;
  const widths = terms.map(({ node: { attrs } }) => attrs as { low: readonly number[]; high: readonly number[] });
  const axis = widths[0].low.findIndex((n, i) => n !== 0 || widths[0].high[i] !== 0);
  const isOnAxis = ({ low, high }: (typeof widths)[0]) =>
    low.every((n, i) => (i === axis ? n >= 0 && high[i] >= 0 : n === 0 && high[i] === 0));
  if (!widths.every(isOnAxis) || terms.some((t) => !sameShape(t.shape, terms[0].shape))) return undefined;
  const order = terms.map((_, i) => i).sort((i, j) => widths[i].low[axis] - widths[j].low[axis]);
  const contents = order.map((i) => terms[i].node.inputs[0]);
  const isNext = (i: number, k: number) =>
    k === 0 || widths[i].low[axis] === widths[order[k - 1]].low[axis] + contents[k - 1].shape[axis];
  if (axis < 0 || !order.every(isNext)) return undefined;
  const parts = contents.flatMap((t) => {
    const { primitive, inputs, attrs } = t.node;
    return primitive === concatPrimitive && attrs.axis === axis ? inputs : [t];
  });
  return pad(concat(parts, axis), widths[order[0]].low, widths[order[order.length - 1]].high);
}

/** Puts `step - 1` zeros between neighbours along each axis: the transpose of a strided slice. */
function dilate(x: Tensor, steps: readonly number[]): Tensor {
  let out = x;
  steps.forEach((step, axis) => {
    if (step === 1 || out.shape[axis] === 0) return;
    const shape = out.shape;
    const between = zeros(shape.toSpliced(axis + 1, 0, step - 1), out.dtype);
    // The runtime joins single elements many times faster than it pads them.
    const merged = reshape(
      concat([expandDims(out, axis + 1), between], axis + 1),
      shape.map((n, i) => (i === axis ? n * step : n)),
    );
    out = sliceAxis(merged, axis, 0, (shape[axis] - 1) * step + 1);
  });
  return out;
}

const concatPrimitive: Primitive<{ axis: number }> = {
  name: "concat",
  infer(inputs, { axis }) {
    const [first] = inputs;
    const dtype = first.dtype;
    for (const { shape, dtype: other } of inputs) {
      if (
        other !== dtype ||
        shape.length !== first.shape.length ||
        shape.some((n, i) => i !== axis && n !== first.shape[i])
      ) {
        throw new ShapeError(
          "concat",
          `${inputs.map((i) => `${i.dtype}${show(i.shape)}`).join(" and ")} cannot be joined along axis ${axis}`,
        );
      }
    }
    const total = inputs.reduce((n, { shape }) => n + shape[axis], 0);
    return { shape: first.shape.map((n, i) => (i === axis ? total : n)), dtype };
  },
  grad(g, { inputs, attrs: { axis }, needs }) {
    let at = 0;
    return inputs.map((t, i) => {
      const start = at;
      at += t.shape[axis];
      return needs[i] ? sliceAxis(g, axis, start, at) : undefined;
    });
  },
  batch: (inputs, batched, { axis }, size) =>
    concat(
      inputs.map((t, i) => (batched[i] ? t : broadcastTo(t, [size, ...t.shape]))),
      axis + 1,
    ),
  emit: (e, inputs, { attrs: { axis } }) => e.node("Concat", inputs, { axis }),
};
/** Joins tensors along an axis that they already have. */
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  if (tensors.length === 0) throw new ShapeError("concat", "needs at least one tensor");
  const at = normalAxis("concat", axis, tensors[0].shape);
  return tensors.length === 1 ? tensors[0] : apply(concatPrimitive, tensors, { axis: at });
}
/** Joins tensors of one shape along a new axis. */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  const unlike = tensors.some((t) => !sameShape(t.shape, tensors[0].shape) || t.dtype !== tensors[0].dtype);
  if (tensors.length === 0 || unlike) {
    const given = tensors.map((t) => `${t.dtype}${show(t.shape)}`).join(" and ");
    throw new ShapeError("stack", `needs tensors of one shape and dtype, got ${given || "none"}`);
  }
  return concat(
    tensors.map((t) => expandDims(t, axis)),
    axis,
  );
}

const stopPrimitive: Primitive = {
  name: "stopGradient",
  infer: ([x]) => x,
  grad: "none",
  batch: ([x]) => stopGradient(x),
};
/** The same value, through which no gradient flows. */
export const stopGradient = (x: Tensor): Tensor => apply(stopPrimitive, [x], {});

const aliasPrimitive: Primitive = {
  name: "alias",
  infer: ([x]) => x,
  grad: (g) => [g],
  batch: ([x]) => alias(x),
};
/** The same value as a new node: gives a transform a handle on one use of a tensor. */
export const alias = (x: Tensor): Tensor => apply(aliasPrimitive, [x], {});

/** Primitives that only pass their (first) input on; compilation removes them. */
export const isPassThrough = (primitive: Primitive): boolean =>
  primitive === stopPrimitive || primitive === aliasPrimitive;

const iotaPrimitive: Primitive<{ size: number; dtype: DType }> = {
  name: "iota",
  infer(_inputs, { size, dtype }) {
    if (dtype === "bool") throw new ShapeError("arange", "not defined for dtype bool");
    return { shape: [size], dtype };
  },
  grad: "none",
  emit: (e, _inputs, { attrs: { size, dtype } }) =>
    e.cast(e.node("Range", [e.scalarInt(0), e.scalarInt(size), e.scalarInt(1)]), dtype, "int64"),
};
/** 0, 1, ..., size - 1. */
export const arange = (size: number, dtype: DType = "int32"): Tensor => apply(iotaPrimitive, [], { size, dtype });

/** A tensor of one value. */
export const full = (shape: readonly number[], value: Operand, dtype: DType = "float32"): Tensor =>
  broadcastTo(asTensor(value, dtype), shape);
export const zeros = (shape: readonly number[], dtype: DType = "float32"): Tensor => full(shape, 0, dtype);
export const ones = (shape: readonly number[], dtype: DType = "float32"): Tensor => full(shape, 1, dtype);

export const structurePrimitives: readonly Primitive[] = [
  castPrimitive,
  reshapePrimitive,
  transposePrimitive,
  broadcastPrimitive,
  slicePrimitive,
  padPrimitive,
  concatPrimitive,
  stopPrimitive,
  aliasPrimitive,
  iotaPrimitive,
];
