import { sumTiles, upsample } from "../composites/tiles.js";
import { apply, type Primitive } from "../core.js";
import { isFloat } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { sameShape, show } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { add, addPrimitive, div, equal, mod, mul, relu, reluPrimitive } from "./elementwise.js";
import { scatterAdd } from "./indexing.js";
import { cast, flatten, pad, reshape, slice } from "./structure.js";

export interface Window extends Record<string, any> {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly padding: readonly number[];
}

const onnxWindow = ({ kernel, strides, padding }: Window) => ({
  kernel_shape: kernel,
  strides,
  pads: [...padding, ...padding],
});

/** The shape that pooling gives. */
export function pooled(operation: string, shape: readonly number[], { kernel, strides, padding }: Window): number[] {
  if (shape.length !== kernel.length + 2) {
    throw new ShapeError(
      operation,
      `input ${show(shape)} is not [N, C, ...spatial] with ${kernel.length} spatial axes`,
    );
  }
  const spatial = shape.slice(2).map((n, i) => Math.floor((n + 2 * padding[i] - kernel[i]) / strides[i]) + 1);
  if (spatial.some((n) => n < 1))
    throw new ShapeError(operation, `window ${show(kernel)} is larger than the padded input ${show(shape)}`);
  return [...shape.slice(0, 2), ...spatial];
}

const fold = (x: Tensor): Tensor => reshape(x, [x.shape[0] * x.shape[1], ...x.shape.slice(2)]);
const unfold = (x: Tensor, size: number): Tensor => reshape(x, [size, x.shape[0] / size, ...x.shape.slice(1)]);

const maxPoolPrimitive: Primitive<Window> = {
  name: "maxPool",
  infer([x], window) {
    if (!isFloat(x.dtype)) throw new ShapeError("maxPool", `not defined for dtype ${x.dtype}; convert with cast()`);
    return { shape: pooled("maxPool", x.shape, window), dtype: x.dtype };
  },
  grad(g, { inputs: [x], output, attrs }) {
    if (tiles(attrs)) return [tileGradient(g, x, output, attrs.kernel)];
    const at = apply(indicesPrimitive, [x], attrs);
    return [reshape(scatterAdd(flatten(g), flatten(at), x.size), x.shape)];
  },
  batch: ([x], _batched, window, size) => unfold(apply(maxPoolPrimitive, [fold(x)], window), size),
  emit: (e, [x], { attrs }) => e.node("MaxPool", [x], onnxWindow(attrs)),
};

/** Whether windows lie side by side. */
const tiles = ({ kernel, strides, padding }: Window): boolean =>
  kernel.every((k, i) => k === strides[i] && padding[i] === 0);

/** Without the kernel's indices, which cost it twenty times the time of the values: the maxima are found by comparison. */
function tileGradient(g: Tensor, x: Tensor, y: Tensor, tile: readonly number[]): Tensor {
  const [n, c, ...spatial] = x.shape;
  const covered = spatial.map((size, i) => size - (size % tile[i]));
  const rest = spatial.map((size, i) => size - covered[i]);
  const hit = cast(equal(slice(x, [0, 0, ...covered.map(() => 0)], [n, c, ...covered]), upsample(y, tile)), x.dtype);
  const inner = mul(hit, upsample(div(g, sumTiles(hit, tile)), tile));
  return pad(
    inner,
    x.shape.map(() => 0),
    [0, 0, ...rest],
  );
}

/** Where each maximum stands in the flattened input (the first of equals). */
const indicesPrimitive: Primitive<Window> = {
  name: "maxPoolIndices",
  infer: ([x], window) => ({ shape: pooled("maxPool", x.shape, window), dtype: "int64" }),
  grad: "none",
  batch([x], _batched, window, size) {
    const each = x.size / size;
    return mod(unfold(apply(indicesPrimitive, [fold(x)], window), size), each);
  },
  emit: (e, [x], { attrs }) => e.nodes("MaxPool", [x], 2, onnxWindow(attrs))[1],
};

export interface PoolOptions {
  /** Default: the window itself, so that windows do not overlap. */
  readonly stride?: number | readonly number[];
  readonly padding?: number | readonly number[];
}

const perAxis = (value: number | readonly number[], rank: number): readonly number[] =>
  typeof value === "number" ? new Array(rank).fill(value) : value;

export function poolWindow(
  x: Tensor,
  size: number | readonly number[],
  { stride = size, padding = 0 }: PoolOptions,
): Window {
  const rank = x.rank - 2;
  return { kernel: perAxis(size, rank), strides: perAxis(stride, rank), padding: perAxis(padding, rank) };
}

/**
 * The largest value in each window of `x` [N, C, ...spatial]. Of equals in windows that lie side by side each gets its
 * share of the gradient; where windows overlap or have gaps or padding, the first of equals gets it.
 */
export function maxPool(x: Tensor, size: number | readonly number[], options: PoolOptions = {}): Tensor {
  const window = poolWindow(x, size, options);
  // Monotone functions commute with the maximum, exactly, and have fewer elements to visit after it. (Where rounding or
  // relu makes several elements equal, the gradient may go to another of them.)
  const { primitive, inputs } = x.node;
  if (primitive === reluPrimitive) return relu(maxPool(inputs[0], size, options));
  if (primitive === addPrimitive && window.padding.every((n) => n === 0)) {
    const [a, b] = inputs;
    if (sameShape(a.shape, x.shape) && isPerChannel(b, x)) return add(maxPool(a, size, options), b);
  }
  return apply(maxPoolPrimitive, [x], window);
}

/** Whether `bias` is constant over the spatial axes of `x`. */
const isPerChannel = (bias: Tensor, x: Tensor): boolean =>
  bias.shape.slice(-(x.rank - 2)).every((n) => n === 1) && bias.rank >= x.rank - 2;

export const poolPrimitives: readonly Primitive[] = [maxPoolPrimitive, indicesPrimitive];
