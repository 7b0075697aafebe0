import { upsample } from "../../../engine/composites/tiles.js";
import { add, mul } from "../../../engine/primitives/elementwise.js";
import { gather } from "../../../engine/primitives/indexing.js";
import { reshape } from "../../../engine/primitives/structure.js";
import { normalAxis } from "../../../engine/shape.js";
import { fromValue, hostData, type Tensor } from "../../../engine/tensor.js";
import { type Call, checkSize, checkTable, type Operator } from "../call.js";

/** Where output place i of an axis that goes from n to m elements, by a factor of `scale`, lies in the input. */
type Coordinate = (i: number, n: number, m: number, scale: number) => number;

const coordinates: Readonly<Record<string, Coordinate>> = {
  half_pixel: (i, _n, _m, scale) => (i + 0.5) / scale - 0.5,
  pytorch_half_pixel: (i, _n, m, scale) => (m > 1 ? (i + 0.5) / scale - 0.5 : 0),
  half_pixel_symmetric(i, n, m, scale) {
    const offset = (n / 2) * (1 - m / (scale * n));
    return offset + (i + 0.5) / scale - 0.5;
  },
  align_corners: (i, n, m) => (m > 1 ? (i * (n - 1)) / (m - 1) : 0),
  asymmetric: (i, _n, _m, scale) => i / scale,
};

const roundings: Readonly<Record<string, (at: number) => number>> = {
  round_prefer_floor: (at) => Math.ceil(at - 0.5),
  round_prefer_ceil: (at) => Math.floor(at + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

interface Axis {
  readonly axis: number;
  /** Where each output place lies in the input. */
  readonly at: readonly number[];
  readonly from: number;
}

const clamp = (i: number, n: number): number => Math.min(n - 1, Math.max(0, i));

const along = (x: Tensor, axis: number, places: readonly number[]): Tensor =>
  gather(x, fromValue({ data: Int32Array.from(places), shape: [places.length], dtype: "int32" }), axis);

/** Each place takes the element nearest to it. */
function nearest(call: Call, x: Tensor, axes: readonly Axis[], rounding: string): Tensor {
  const round = roundings[rounding] ?? call.fail(`nearest_mode = ${rounding} is not supported`);
  const places = axes.map(({ at, from }) => at.map((p) => clamp(round(p), from)));
  // Whole copies of each element have a kernel of their own.
  const copies = x.shape.map(() => 1);
  axes.forEach(({ axis, from }, i) => {
    copies[axis] = places[i].length / from;
  });
  const whole = axes.every(({ axis }, i) => places[i].every((p, k) => p === Math.floor(k / copies[axis])));
  if (whole && x.rank >= 3 && copies.every(Number.isInteger) && copies[0] === 1 && copies[1] === 1)
    return upsample(x, copies.slice(2));
  return axes.reduce((out, { axis }, i) => along(out, axis, places[i]), x);
}

/** Each place takes a mean of its two neighbours, one axis after another. */
function linear(x: Tensor, axes: readonly Axis[]): Tensor {
  return axes.reduce((out, { axis, at, from }) => {
    const inside = at.map((p) => Math.min(from - 1, Math.max(0, p)));
    const low = inside.map(Math.floor);
    const column = (values: readonly number[]): Tensor => {
      const shape = [values.length, ...new Array(x.rank - 1 - axis).fill(1)];
      return reshape(fromValue({ data: hostData(values, x.dtype), shape: [values.length], dtype: x.dtype }), shape);
    };
    const right = inside.map((p, i) => p - low[i]);
    const first = mul(along(out, axis, low), column(right.map((w) => 1 - w)));
    const second = along(
      out,
      axis,
      low.map((p) => clamp(p + 1, from)),
    );
    return add(first, mul(second, column(right)));
  }, x);
}

/** The factors and the sizes of the result, in the order of `axes`. */
function target(
  call: Call,
  x: Tensor,
  axes: readonly number[],
): { scales: readonly number[]; sizes: readonly number[] } {
  const [scalesAt, sizesAt] = call.opset < 11 ? [1, 3] : [2, 3];
  const given = call.has(scalesAt)
    ? Array.from(call.known(scalesAt).data, Number)
    : (call.attributes.floats("scales") ?? []);
  if (given.length > 0) {
    if (given.length !== axes.length || given.some((s) => !(s > 0)))
      call.fail(`scales = [${given}] do not fit [${x.shape}]`);
    return { scales: given, sizes: axes.map((axis, i) => Math.floor(x.shape[axis] * given[i])) };
  }
  const sizes = call.has(sizesAt) ? call.ints(sizesAt) : call.fail("scales and sizes are both missing");
  if (sizes.length !== axes.length) call.fail(`sizes = [${sizes}] do not fit [${x.shape}]`);
  return { scales: axes.map((axis, i) => sizes[i] / x.shape[axis]), sizes };
}

function resize(call: Call): Tensor {
  const { attributes } = call;
  for (const name of ["antialias", "exclude_outside"]) call.fixed(name, 0);
  call.fixed("keep_aspect_ratio_policy", "stretch");
  const x = call.tensor(0);
  const axes = attributes.ints("axes")?.map((axis) => normalAxis("axes", axis, x.shape)) ?? x.shape.map((_, i) => i);
  const { scales, sizes } = target(call, x, axes);
  checkSize(sizes);
  const old = call.opset < 11 ? "asymmetric" : "half_pixel";
  const name = attributes.text("coordinate_transformation_mode", old);
  const place = coordinates[name] ?? call.fail(`coordinate_transformation_mode = ${name} is not supported`);
  const moved = axes.flatMap((axis, i): Axis[] => {
    const [n, m] = [x.shape[axis], sizes[i]];
    if (n === m && scales[i] === 1) return [];
    if (n === 0) call.fail(`[${x.shape}] cannot be resized to [${sizes}]`);
    checkTable(m, n);
    return [{ axis, from: n, at: Array.from({ length: m }, (_, k) => place(k, n, m, scales[i])) }];
  });
  const mode = attributes.text("mode", "nearest");
  if (mode === "nearest")
    return nearest(call, x, moved, attributes.text("nearest_mode", call.opset < 11 ? "floor" : "round_prefer_floor"));
  if (mode === "linear") return linear(x, moved);
  return call.fail(`mode = ${mode} is not supported`);
}

export const resampleOperators: Readonly<Record<string, Operator>> = { Resize: resize, Upsample: resize };
