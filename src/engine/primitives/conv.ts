import { backward } from "../autodiff.js";
import { apply, type Primitive, placeholder, type Spec, sameDType } from "../core.js";
import { type DType, isFloat } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { emitBlockedConv, prefersBlocks } from "../onnx/blocked-conv.js";
import { type Shape, show, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { moveAxis } from "./batching.js";
import { add } from "./elementwise.js";
import { matmul } from "./matmul.js";
import { sum } from "./reduce.js";
import { broadcastTo, concat, expandDims, flip, pad, reshape, slice, stack, transpose, zeros } from "./structure.js";

interface Geometry {
  readonly strides: readonly number[];
  /** Zeros before and after each spatial axis. */
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
}
/** `size`: the spatial sizes of the result, which the operands alone do not determine. */
type Sized = Geometry & { readonly size: readonly number[] };
type Attributes<T> = T & Record<string, any>;

// The three operations are the three ways to read one trilinear form
//   sum over n, o, i, p, k of  x[n, i, stride p + dilation k - low] w[o, i, k] y[n, o, p],
// so the gradients of each are the other two, to any order.

function floats(operation: string, inputs: readonly Spec[]): DType {
  const dtype = sameDType(operation, inputs);
  if (!isFloat(dtype)) throw new ShapeError(operation, `not defined for dtype ${dtype}; convert with cast()`);
  return dtype;
}

export const convPrimitive: Primitive<Attributes<Geometry>> = {
  name: "conv",
  infer(inputs, geometry) {
    const [x, w] = inputs;
    const dtype = floats("conv", inputs);
    if (x.shape.length !== w.shape.length || x.shape.length < 3) {
      throw new ShapeError(
        "conv",
        `input ${show(x.shape)} and kernel ${show(w.shape)} must both be [.., channels, ..spatial]`,
      );
    }
    const { groups, strides, dilation, low, high } = geometry;
    if (x.shape[1] !== w.shape[1] * groups || w.shape[0] % groups !== 0) {
      throw new ShapeError(
        "conv",
        `input ${show(x.shape)} has ${x.shape[1]} channels; kernel ${show(w.shape)} with ${groups} groups needs ${w.shape[1] * groups}`,
      );
    }
    const spatial = x.shape.slice(2).map((n, i) => {
      const extent = (w.shape[i + 2] - 1) * dilation[i] + 1;
      const out = Math.floor((n + low[i] + high[i] - extent) / strides[i]) + 1;
      if (out < 1)
        throw new ShapeError("conv", `kernel ${show(w.shape)} is larger than the padded input ${show(x.shape)}`);
      return out;
    });
    return { shape: [x.shape[0], w.shape[0], ...spatial], dtype };
  },
  grad: (g, { inputs: [x, w], attrs, needs }) => [
    needs[0] ? convInput(g, w, { ...attrs, size: x.shape.slice(2) }) : undefined,
    needs[1] ? convKernel(x, g, { ...attrs, size: w.shape.slice(2) }) : undefined,
  ],
  batch([x, w], [xs, ws], attrs, size) {
    if (!ws) return unfold(apply(convPrimitive, [fold(x), w], attrs), size);
    const input = channels(xs ? x : broadcastTo(x, [size, ...x.shape]));
    const out = apply(convPrimitive, [input, fold(w)], { ...attrs, groups: attrs.groups * size });
    return splitChannels(out, size);
  },
  lower: ([x, w], attrs) => (x.dtype === "float64" ? byOffsets(x, w, attrs) : undefined),
  emit(e, inputs, { attrs, inputs: [x, w] }) {
    const geometry = { ...onnxGeometry(attrs), kernel_shape: w.shape.slice(2) };
    if (prefersBlocks({ x, w, groups: attrs.groups }, e.block))
      return emitBlockedConv(e, inputs, { w }, e.block, geometry);
    return e.node("Conv", inputs, geometry);
  },
};

const inputPrimitive: Primitive<Attributes<Sized>> = {
  name: "convInput",
  infer: ([g, w], { groups, size }) => ({
    shape: [g.shape[0], w.shape[1] * groups, ...size],
    dtype: floats("convTranspose", [g, w]),
  }),
  grad: (x, { inputs: [g, w], attrs, needs }) => [
    needs[0] ? apply(convPrimitive, [x, w], geometryOf(attrs)) : undefined,
    needs[1] ? convKernel(x, g, { ...attrs, size: w.shape.slice(2) }) : undefined,
  ],
  batch([g, w], [gs, ws], attrs, size) {
    if (!ws) return unfold(convInput(fold(g), w, attrs), size);
    const out = convInput(channels(gs ? g : broadcastTo(g, [size, ...g.shape])), fold(w), {
      ...attrs,
      groups: attrs.groups * size,
    });
    return splitChannels(out, size);
  },
  lower([g, w], attrs) {
    if (g.dtype === "float64") return pullBack(g, { x: { shape: inputShape(g, w, attrs), dtype: g.dtype }, w }, attrs);
    return inputByConv(g, w, attrs);
  },
  emit(e, [g, w], { attrs, inputs: [gSpec, wSpec] }) {
    const kernel = wSpec.shape.slice(2);
    const missing = attrs.size.map((n, i) => {
      const reach = attrs.strides[i] * (gSpec.shape[i + 2] - 1) + (kernel[i] - 1) * attrs.dilation[i] + 1;
      return n - (reach - attrs.low[i] - attrs.high[i]);
    });
    return e.node("ConvTranspose", [g, w], { ...onnxGeometry(attrs), kernel_shape: kernel, output_padding: missing });
  },
};

const kernelPrimitive: Primitive<Attributes<Sized>> = {
  name: "convKernel",
  infer: ([x, g], { groups, size }) => ({ shape: [g.shape[1], x.shape[1] / groups, ...size], dtype: x.dtype }),
  grad: (w, { inputs: [x, g], attrs, needs }) => [
    needs[0] ? convInput(g, w, { ...attrs, size: x.shape.slice(2) }) : undefined,
    needs[1] ? apply(convPrimitive, [x, w], geometryOf(attrs)) : undefined,
  ],
  batch([x, g], [xs, gs], attrs, size) {
    const [input, grad] = [xs ? x : broadcastTo(x, [size, ...x.shape]), gs ? g : broadcastTo(g, [size, ...g.shape])];
    if (attrs.groups === 1) return unfold(kernelByProducts(fold(input), fold(grad), attrs, size), size);
    return unfold(convKernel(channels(input), channels(grad), { ...attrs, groups: attrs.groups * size }), size);
  },
  lower([x, g], attrs) {
    if (x.dtype === "float64") {
      return pullBack(
        g,
        { x, w: { shape: [g.shape[1], x.shape[1] / attrs.groups, ...attrs.size], dtype: x.dtype } },
        attrs,
      );
    }
    return isWide(x, g, attrs) ? kernelByProducts(x, g, attrs) : kernelByConv(x, g, attrs);
  },
};

/**
 * The kernel's gradient as a convolution: batch and channels change places, and so do stride and dilation. The result
 * can be larger than the kernel when the stride left input unread; the rest is cut off.
 */
function kernelByConv(x: Tensor, g: Tensor, attrs: Sized): Tensor {
  const { groups } = attrs;
  const [n, c, ...spatial] = x.shape;
  const input =
    groups === 1
      ? moveAxis(x, 1, 0)
      : reshape(moveAxis(moveAxis(reshape(x, [n, groups, c / groups, ...spatial]), 2, 0), 1, 2), [
          c / groups,
          groups * n,
          ...spatial,
        ]);
  const kernel = moveAxis(g, 1, 0);
  // Trailing padding is cut to what the kernel's own positions read, so that no more than they are computed.
  const high = attrs.size.map(
    (k, i) => (k - 1) * attrs.dilation[i] + (g.shape[i + 2] - 1) * attrs.strides[i] + 1 - x.shape[i + 2] - attrs.low[i],
  );
  const cut = high.map((h) => Math.min(h, 0));
  const trimmed = cut.some((h) => h < 0)
    ? pad(
        input,
        input.shape.map(() => 0),
        [0, 0, ...cut],
      )
    : input;
  const out = apply(convPrimitive, [trimmed, kernel], {
    strides: attrs.dilation,
    dilation: attrs.strides,
    low: attrs.low,
    high: high.map((h) => Math.max(h, 0)),
    groups,
  });
  return moveAxis(out, 1, 0);
}

/**
 * At stride 1 the input's gradient is a plain convolution with the kernel turned around, for which the runtime is faster
 * than for ConvTranspose. Undefined where that would need negative padding.
 */
function inputByConv(g: Tensor, w: Tensor, { strides, dilation, low, groups, size }: Sized): Tensor | undefined {
  const kernel = w.shape.slice(2);
  const before = kernel.map((k, i) => (k - 1) * dilation[i] - low[i]);
  const after = size.map((n, i) => n - g.shape[i + 2] + low[i]);
  if (strides.some((s) => s !== 1) || [...before, ...after].some((n) => n < 0)) return undefined;
  const [o, c] = w.shape;
  const turned = flip(
    w,
    kernel.map((_, i) => i + 2),
  );
  const grouped = moveAxis(reshape(turned, [groups, o / groups, c, ...kernel]), 2, 1);
  return apply(convPrimitive, [g, reshape(grouped, [groups * c, o / groups, ...kernel])], {
    strides,
    dilation,
    low: before,
    high: after,
    groups,
  });
}

/** Whether there are channels enough for matrix products over positions to beat `kernelByConv`. */
const isWide = (x: Tensor, g: Tensor, attrs: Sized): boolean =>
  attrs.groups === 1 &&
  g.shape[1] >= 8 &&
  sizeOf(attrs.size) <= 64 &&
  (x.shape[1] >= 8 || (isDense(attrs) && copiesInput(x, g, attrs)));

const isDense = ({ strides }: Sized): boolean => strides.every((s) => s === 1);

/** Whether a copy of the input for each position of the kernel is no larger than one of the gradient for each of its rows. */
const copiesInput = (x: Tensor, g: Tensor, { size }: Sized): boolean => x.shape[1] * size.at(-1)! <= g.shape[1];

/**
 * The kernel's gradient as matrix products over positions, image by image, summed over the images of each of `examples`
 * equal parts of the batch. The kernels of all parts lie one after the other along the first axis.
 */
function kernelByProducts(x: Tensor, g: Tensor, attrs: Sized, examples = 1): Tensor {
  const [n, c, o] = [x.shape[0], x.shape[1], g.shape[1]];
  const { size } = attrs;
  const product = (output: Tensor, columns: Tensor): Tensor => {
    const each = matmul(output, columns, { transposeB: true });
    if (n === examples) return each;
    // The runtime is much faster at summing over the first axis than over a later one.
    if (examples === 1) return expandDims(sum(each, 0), 0);
    return sum(reshape(each, [examples, n / examples, o, columns.shape[1]]), 1);
  };
  const parts = isDense(attrs) ? denseParts(x, g, attrs, product) : stridedParts(x, g, attrs, product);
  // [positions, examples, o, c] to [examples, o, c, positions].
  return reshape(transpose(parts, [1, 2, 3, 0]), [examples * o, c, ...size]);
}

/**
 * At stride 1 a position in the kernel is a shift of the input against the output's gradient. The last axis is shifted in
 * the input, the others in the gradient: k + k copies, not k times k, and the input's go into one product. An input of few
 * channels is shifted along all axes, so that there is one product.
 */
function denseParts(x: Tensor, g: Tensor, attrs: Sized, product: Products): Tensor {
  const { dilation, low, size } = attrs;
  const [n, c, ...from] = x.shape;
  const [, o, ...to] = g.shape;
  const last = from.length - 1;
  const [rows, width] = [to.slice(0, -1), to[last]];
  const columns = Array.from({ length: size[last] }, (_, k) => {
    const start = k * dilation[last] - low[last];
    return window(x, last + 2, start, start + width);
  });
  const stacked = columns.length === 1 ? columns[0] : concat(columns, 1);
  const flat = (t: Tensor) => reshape(t, [n, t.shape[1], sizeOf(t.shape.slice(2))]);
  const kernelRows = size.slice(0, -1);
  /** Rows moved by each row position of the kernel, in the direction `sign`, as `count` rows. */
  const moved = (t: Tensor, sign: 1 | -1, count: readonly number[]) =>
    Array.from({ length: sizeOf(kernelRows) }, (_, k) =>
      // The last of these axes first: one that is followed by the width alone moves long runs.
      unravel(k, kernelRows).reduceRight((part, at, i) => {
        const start = sign * (at * dilation[i] - low[i]);
        const following = sizeOf(part.shape.slice(i + 3));
        const merged = reshape(part, [...part.shape.slice(0, i + 2), part.shape[i + 2] * following]);
        const placed = window(merged, i + 2, start * following, (start + count[i]) * following);
        return reshape(placed, [...part.shape.slice(0, i + 2), count[i], ...part.shape.slice(i + 3)]);
      }, t),
    );
  if (copiesInput(x, g, attrs)) {
    const each = product(flat(g), concat(moved(stacked, 1, rows).map(flat), 1));
    return moveAxis(reshape(each, [each.shape[0], o, sizeOf(size), c]), 2, 0);
  }
  const parts = moved(g, -1, from.slice(0, -1)).map((part) => product(flat(part), flat(stacked)));
  const examples = parts[0].shape[0];
  const all = reshape(stack(parts), [parts.length, examples, o, size[last], c]);
  return reshape(moveAxis(all, 3, 1), [sizeOf(size), examples, o, c]);
}

type Products = (output: Tensor, columns: Tensor) => Tensor;

/** `t` from `start` to `end` along an axis, with zeros where that is outside. */
function window(t: Tensor, axis: number, start: number, end: number): Tensor {
  const size = t.shape[axis];
  if (start === 0 && end === size) return t;
  const at = (value: number) => t.shape.map((_, i) => (i === axis ? value : 0));
  if (end <= 0 || start >= size) return zeros(t.shape.with(axis, end - start), t.dtype);
  return pad(t, at(-start), at(end - size));
}

/** For each position in the kernel, the input shifted there times the output's gradient. */
function stridedParts(x: Tensor, g: Tensor, { strides, dilation, low, high, size }: Sized, product: Products): Tensor {
  const [n, c] = x.shape;
  const [, o, ...places] = g.shape;
  const input = pad(x, [0, 0, ...low], [0, 0, ...high]);
  const output = reshape(g, [n, o, sizeOf(places)]);
  const last = places.length - 1;
  const shifted = Array.from({ length: sizeOf(size) }, (_, k) => {
    const starts = unravel(k, size).map((p, i) => p * dilation[i]);
    const ends = starts.map((s, i) => s + (places[i] - 1) * strides[i] + 1);
    // Along the last axis first: positions that differ in the others share that part, and copy longer runs of it.
    const columns = slice(
      input,
      [0, 0, ...starts.map((s, i) => (i === last ? s : 0))],
      [n, c, ...input.shape.slice(2, -1), ends[last]],
      [1, 1, ...strides.map((s, i) => (i === last ? s : 1))],
    );
    const part = slice(
      columns,
      [0, 0, ...starts.slice(0, -1), 0],
      [n, c, ...ends.slice(0, -1), places[last]],
      [1, 1, ...strides.slice(0, -1), 1],
    );
    return reshape(part, [n, c, sizeOf(places)]);
  });
  return stack(shifted.map((columns) => product(output, columns)));
}

/** Convolution as a sum of matrix products, one for each position of the kernel: for dtypes without a kernel of their own. */
function byOffsets(x: Tensor, w: Tensor, { strides, dilation, low, high, groups }: Geometry): Tensor {
  const kernel = w.shape.slice(2);
  const padded = pad(x, [0, 0, ...low], [0, 0, ...high]);
  const out = kernel.map((k, i) => Math.floor((padded.shape[i + 2] - (k - 1) * dilation[i] - 1) / strides[i]) + 1);
  const [n, c] = x.shape;
  const weights = reshape(w, [groups, w.shape[0] / groups, w.shape[1], sizeOf(kernel)]);
  let total: Tensor | undefined;
  for (let k = 0; k < sizeOf(kernel); k++) {
    const at = unravel(k, kernel);
    const starts = at.map((p, i) => p * dilation[i]);
    const part = slice(
      padded,
      [0, 0, ...starts],
      [n, c, ...starts.map((s, i) => s + (out[i] - 1) * strides[i] + 1)],
      [1, 1, ...strides],
    );
    const columns = reshape(part, [n, groups, c / groups, sizeOf(out)]);
    const term = matmul(
      reshape(slice(weights, [0, 0, 0, k], [groups, w.shape[0] / groups, w.shape[1], k + 1]), [
        1,
        groups,
        w.shape[0] / groups,
        w.shape[1],
      ]),
      columns,
    );
    total = total ? add(total, term) : term;
  }
  return reshape(total!, [n, w.shape[0], ...out]);
}

/** The gradient of `byOffsets` with respect to whichever of x and w is only a Spec. */
function pullBack(g: Tensor, of: { x: Tensor | Spec; w: Tensor | Spec }, attrs: Geometry): Tensor {
  const isTensor = (t: Tensor | Spec): t is Tensor => "node" in t;
  const x = isTensor(of.x) ? of.x : placeholder(of.x);
  const w = isTensor(of.w) ? of.w : placeholder(of.w);
  const [out] = backward([byOffsets(x, w, attrs)], [g], [isTensor(of.x) ? w : x]);
  return out!;
}

const unravel = (index: number, shape: Shape): number[] => {
  const out: number[] = [];
  let rest = index;
  for (let i = shape.length - 1; i >= 0; i--) {
    out.unshift(rest % shape[i]);
    rest = Math.floor(rest / shape[i]);
  }
  return out;
};

const inputShape = (g: Tensor, w: Tensor, { groups, size }: Sized): Shape => [g.shape[0], w.shape[1] * groups, ...size];
const geometryOf = ({ strides, low, high, dilation, groups }: Geometry): Attributes<Geometry> => ({
  strides,
  low,
  high,
  dilation,
  groups,
});
const onnxGeometry = ({ strides, low, high, dilation, groups }: Geometry) => ({
  strides,
  dilations: dilation,
  pads: [...low, ...high],
  group: groups,
});
const convInput = (g: Tensor, w: Tensor, { size, ...geometry }: Sized): Tensor =>
  apply(inputPrimitive, [g, w], { ...geometryOf(geometry), size });
const convKernel = (x: Tensor, g: Tensor, { size, ...geometry }: Sized): Tensor =>
  apply(kernelPrimitive, [x, g], { ...geometryOf(geometry), size });

/** [V, N, ...] to [V N, ...]. */
const fold = (t: Tensor): Tensor => reshape(t, [t.shape[0] * t.shape[1], ...t.shape.slice(2)]);
const unfold = (t: Tensor, size: number): Tensor => reshape(t, [size, t.shape[0] / size, ...t.shape.slice(1)]);
/** [V, N, C, ...] to [N, V C, ...]: the examples of a batch become groups of channels. */
const channels = (t: Tensor): Tensor => {
  const [v, n, c, ...rest] = t.shape;
  return reshape(transpose(t, [1, 0, 2, ...rest.map((_, i) => i + 3)]), [n, v * c, ...rest]);
};
const splitChannels = (t: Tensor, size: number): Tensor => {
  const [n, c, ...rest] = t.shape;
  return moveAxis(reshape(t, [n, size, c / size, ...rest]), 1, 0);
};

export interface ConvOptions {
  /** One number for all spatial axes, or one for each. Default 1. */
  readonly stride?: number | readonly number[];
  /**
   * Zeros on both sides of each spatial axis: one number, or for each axis a number or a pair [before, after]; "same"
   * keeps the size at stride 1. Default 0.
   */
  readonly padding?: number | readonly (number | readonly [number, number])[] | "same";
  readonly dilation?: number | readonly number[];
  /** Channels fall into this many groups that do not mix. Default 1. */
  readonly groups?: number;
}

function perAxis<T>(name: string, value: number | readonly T[] | undefined, absent: number, rank: number) {
  const list: (number | T)[] = typeof value === "object" ? [...value] : new Array(rank).fill(value ?? absent);
  if (list.length !== rank) throw new ShapeError("conv", `${name} has ${list.length} entries for ${rank} spatial axes`);
  return list;
}

const halves = (n: number): readonly [number, number] => [Math.floor(n / 2), Math.ceil(n / 2)];

function geometry(kernel: Shape, { stride, padding, dilation, groups = 1 }: ConvOptions): Geometry {
  const rank = kernel.length;
  const dilations = perAxis<number>("dilation", dilation, 1, rank);
  const around =
    padding === "same"
      ? kernel.map((k, i) => halves((k - 1) * dilations[i]))
      : perAxis("padding", padding, 0, rank).map((p) => (typeof p === "number" ? [p, p] : p));
  return {
    strides: perAxis<number>("stride", stride, 1, rank),
    low: around.map(([before]) => before),
    high: around.map(([, after]) => after),
    dilation: dilations,
    groups,
  };
}

/**
 * Convolution (cross-correlation) of `x` [N, C, ...spatial] with `kernel` [O, C/groups, ...spatial], over one, two or
 * three spatial axes. Throws `ShapeError` when channels do not fit or the kernel is larger than the padded input.
 */
export const conv = (x: Tensor, kernel: Tensor, options: ConvOptions = {}): Tensor =>
  apply(convPrimitive, [x, kernel], geometry(kernel.shape.slice(2), options) as Attributes<Geometry>);

/**
 * Transposed convolution of `x` [N, O, ...spatial] with `kernel` [O, C/groups, ...spatial]: the gradient of `conv` with
 * respect to its input. `outputPadding` adds rows at the end, to choose among the sizes that a stride makes possible.
 */
export function convTranspose(
  x: Tensor,
  kernel: Tensor,
  { outputPadding = 0, ...options }: ConvOptions & { outputPadding?: number | readonly number[] } = {},
): Tensor {
  const g = geometry(kernel.shape.slice(2), options);
  const extra = perAxis<number>("outputPadding", outputPadding, 0, g.strides.length);
  if (x.rank !== kernel.rank || x.shape[1] !== kernel.shape[0]) {
    throw new ShapeError("convTranspose", `input ${show(x.shape)} and kernel ${show(kernel.shape)} do not fit`);
  }
  const size = x.shape
    .slice(2)
    .map(
      (n, i) =>
        g.strides[i] * (n - 1) + (kernel.shape[i + 2] - 1) * g.dilation[i] + 1 - g.low[i] - g.high[i] + extra[i],
    );
  return convInput(x, kernel, { ...g, size });
}

export const convPrimitives: readonly Primitive[] = [convPrimitive, inputPrimitive, kernelPrimitive];
