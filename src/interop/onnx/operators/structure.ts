import { tile } from "../../../engine/composites/arrays.js";
import { tril, triu } from "../../../engine/composites/matrices.js";
import { dtypes, type NDArray } from "../../../engine/dtype.js";
import { add, mul, where } from "../../../engine/primitives/elementwise.js";
import { gather } from "../../../engine/primitives/indexing.js";
import { arange, broadcastTo, cast, ones, pad } from "../../../engine/primitives/structure.js";
import { broadcastShapes, normalAxes, normalAxis, type Shape, sizeOf } from "../../../engine/shape.js";
import { fromValue, hostData, type Tensor } from "../../../engine/tensor.js";
import { asTensor, over, type Value } from "../algebra.js";
import { type Call, checkSize, checkTable, int64, type Operator } from "../call.js";

function constant(call: Call): NDArray {
  const { attributes } = call;
  const [float, int] = [attributes.float("value_float", Number.NaN), attributes.bigint("value_int")];
  const [floats, ints] = [attributes.floats("value_floats"), attributes.bigints("value_ints")];
  if (attributes.has("value_float")) return { data: Float32Array.of(float), shape: [], dtype: "float32" };
  if (int !== undefined) return { data: BigInt64Array.of(int), shape: [], dtype: "int64" };
  if (floats) return { data: Float32Array.from(floats), shape: [floats.length], dtype: "float32" };
  if (ints) return { data: BigInt64Array.from(ints), shape: [ints.length], dtype: "int64" };
  return attributes.tensor("value") ?? call.fail("only constants of numbers are supported");
}

function constantOfShape(call: Call): Value {
  const shape = checkSize(call.ints(0));
  const value = call.attributes.tensor("value") ?? { data: new Float32Array(1), shape: [1], dtype: "float32" as const };
  if (value.data.length !== 1) call.fail(`value has ${value.data.length} elements, not one`);
  return over([{ ...value, shape: [] }], (m, [x]) => m.broadcastTo(x, shape));
}

/** The shape of the input, or a part of it; known even where values are not. */
function shapeOf(call: Call): NDArray {
  const { shape } = call.value(0);
  return int64(shape.slice(call.attributes.int("start", 0), call.attributes.int("end", shape.length)));
}

function range(call: Call): Value {
  const [start, limit, step] = [0, 1, 2].map((i) => call.number(i, 0));
  const { dtype } = call.known(0);
  if (step === 0) call.fail("delta is 0");
  const [count] = checkSize([Math.max(0, Math.ceil((limit - start) / step))]);
  if (count <= 1024) {
    const values = Array.from({ length: count }, (_, i) => start + i * step);
    return { data: hostData(values, dtype), shape: [count], dtype };
  }
  return add(mul(cast(arange(count, "int64"), dtype), step), start);
}

/** The shape that is asked for: 0 keeps a size, unless zeros are allowed, and -1 is what is left. */
function reshaped(call: Call): Value {
  const x = call.value(0);
  const wanted = call.ints(1);
  const zeros = call.attributes.int("allowzero", 0) !== 0;
  const shape = wanted.map((n, i) =>
    n === 0 && !zeros ? (x.shape[i] ?? call.fail(`axis ${i} of [${x.shape}] is not there`)) : n,
  );
  const open = shape.indexOf(-1);
  const size = sizeOf(x.shape);
  const rest = sizeOf(shape.filter((_, i) => i !== open));
  if (open >= 0) shape[open] = rest === 0 ? 0 : size / rest;
  if (shape.some((n) => !Number.isInteger(n) || n < 0) || sizeOf(shape) !== size)
    call.fail(`[${x.shape}] cannot take the shape [${wanted}]`);
  return over([x], (m, [t]) => m.reshape(t, shape));
}

const withShape = (x: Value, shape: Shape): Value => over([x], (m, [t]) => m.reshape(t, shape));

function flattened(call: Call): Value {
  const x = call.value(0);
  const given = call.attributes.int("axis", 1);
  const axis = given < 0 ? given + x.shape.length : given;
  if (!(axis >= 0 && axis <= x.shape.length)) call.fail(`axis ${given} is out of range for [${x.shape}]`);
  return withShape(x, [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))]);
}

function squeezed(call: Call): Value {
  const x = call.value(0);
  const given = call.list("axes", 1);
  const axes = given ? normalAxes("axes", given, x.shape) : x.shape.flatMap((n, i) => (n === 1 ? [i] : []));
  const wide = axes.find((axis) => x.shape[axis] !== 1);
  if (wide !== undefined) call.fail(`axis ${wide} of [${x.shape}] is not of size 1`);
  return withShape(
    x,
    x.shape.filter((_, i) => !axes.includes(i)),
  );
}

function unsqueezed(call: Call): Value {
  const x = call.value(0);
  const given = call.list("axes", 1) ?? call.fail("axes are missing");
  const places = new Array<undefined>(x.shape.length + given.length).fill(undefined);
  const axes = normalAxes("axes", given, new Array(places.length).fill(1));
  const sizes = [...x.shape];
  return withShape(
    x,
    places.map((_, i) => (axes.includes(i) ? 1 : sizes.shift()!)),
  );
}

function transposed(call: Call): Value {
  const x = call.value(0);
  const order = call.attributes.ints("perm") ?? x.shape.map((_, i) => x.shape.length - 1 - i);
  if (order.length !== x.shape.length || x.shape.some((_, i) => !order.includes(i)))
    call.fail(`perm = [${order}] is not a permutation of the axes of [${x.shape}]`);
  return over([x], (m, [t]) => m.transpose(t, order));
}

function concatenated(call: Call): Value {
  const parts = call.inputs.map((_, i) => call.value(i));
  const [{ shape, dtype }] = parts.length > 0 ? parts : [call.value(0)];
  const axis = call.axis(shape, 0);
  for (const part of parts) {
    if (
      part.dtype !== dtype ||
      part.shape.length !== shape.length ||
      part.shape.some((n, i) => i !== axis && n !== shape[i])
    )
      call.fail(`${parts.map((p) => `${p.dtype}[${p.shape}]`).join(" and ")} cannot be joined along axis ${axis}`);
  }
  return over(parts, (m, all) => m.concat(all, axis));
}

/** The part of an axis; negative bounds count from its end. */
const sliceOf = (x: Value, axis: number, start: number, end: number): Value =>
  over([x], (m, [t]) =>
    m.slice(
      t,
      t.shape.map((_, i) => (i === axis ? start : 0)),
      t.shape.map((n, i) => (i === axis ? end : n)),
      t.shape.map(() => 1),
    ),
  );

function parts(call: Call): Value[] {
  const x = call.value(0);
  const axis = call.axis(x.shape, 0);
  const n = x.shape[axis];
  const count = call.outputs.length;
  const even = Math.ceil(n / count);
  const sizes = call.list("split", 1) ?? call.outputs.map((_, i) => Math.max(0, Math.min(even, n - i * even)));
  if (sizes.length !== count || sizes.some((s) => s < 0) || sizes.reduce((a, b) => a + b, 0) !== n)
    call.fail(`axis ${axis} of [${x.shape}] does not fall into parts of sizes [${sizes}]`);
  let at = 0;
  return sizes.map((size) => sliceOf(x, axis, at, (at += size)));
}

function sliced(call: Call): Value {
  const x = call.value(0);
  const old = call.opset < 10;
  const starts = (old ? call.attributes.ints("starts") : call.ints(1)) ?? call.fail("starts are missing");
  const ends = (old ? call.attributes.ints("ends") : call.ints(2)) ?? call.fail("ends are missing");
  const given = call.list("axes", 3) ?? starts.map((_, i) => i);
  const steps = (call.has(4) ? call.ints(4) : undefined) ?? starts.map(() => 1);
  if ([ends, given, steps].some((list) => list.length !== starts.length) || steps.includes(0))
    call.fail(`starts [${starts}], ends [${ends}], axes [${given}] and steps [${steps}] do not fit`);
  const from = x.shape.map(() => 0);
  const to = [...x.shape];
  const by = x.shape.map(() => 1);
  const reversed: number[] = [];
  given.forEach((axis, i) => {
    const at = normalAxis("axes", axis, x.shape);
    const n = x.shape[at];
    const clamp = (v: number, least: number, most: number) => Math.min(most, Math.max(least, v < 0 ? v + n : v));
    by[at] = Math.abs(steps[i]);
    if (steps[i] > 0) {
      from[at] = clamp(starts[i], 0, n);
      to[at] = Math.max(from[at], clamp(ends[i], 0, n));
    } else {
      // The same elements, counted from the other end.
      reversed.push(at);
      from[at] = n - 1 - clamp(starts[i], -1, n - 1);
      to[at] = Math.max(from[at], n - 1 - clamp(ends[i], -1, n - 1));
    }
  });
  return over([x], (m, [t]) => m.slice(reversed.length > 0 ? m.flip(t, reversed) : t, from, to, by));
}

function expanded(call: Call): Value {
  const x = call.value(0);
  const shape = checkSize(broadcastShapes("Expand", x.shape, call.ints(1)));
  return over([x], (m, [t]) => m.broadcastTo(t, shape));
}

function tiled(call: Call): Value {
  const x = call.value(0);
  const counts = call.ints(1);
  if (counts.length !== x.shape.length) call.fail(`repeats = [${counts}] does not fit [${x.shape}]`);
  checkSize(x.shape.map((n, i) => n * counts[i]));
  return tile(asTensor(x), counts);
}

/** Where in an axis of size n each place of the padded axis comes from. */
const sources: Readonly<Record<string, (place: number, n: number) => number>> = {
  edge: (place, n) => Math.min(n - 1, Math.max(0, place)),
  reflect(place, n) {
    const period = Math.max(1, 2 * (n - 1));
    const at = ((place % period) + period) % period;
    return Math.min(at, period - at);
  },
  wrap: (place, n) => ((place % n) + n) % n,
};

function padded(call: Call): Tensor {
  const x = call.tensor(0);
  const old = call.opset < 11;
  const pads = (old ? call.attributes.ints("pads") : call.ints(1)) ?? call.fail("pads are missing");
  const axes = call.has(3) ? normalAxesInOrder(call.ints(3), x.shape) : x.shape.map((_, i) => i);
  if (pads.length !== 2 * axes.length) call.fail(`pads = [${pads}] does not fit the axes [${axes}] of [${x.shape}]`);
  const low = x.shape.map(() => 0);
  const high = x.shape.map(() => 0);
  axes.forEach((axis, i) => {
    low[axis] = pads[i];
    high[axis] = pads[i + axes.length];
  });
  const shape = checkSize(x.shape.map((n, i) => n + low[i] + high[i]));
  const mode = call.attributes.text("mode", "constant");
  if (mode === "constant") {
    const value = old ? call.attributes.float("value", 0) : call.number(2, 0);
    const zeros = pad(x, low, high);
    return value === 0 ? zeros : where(pad(ones(x.shape, "int32"), low, high).cast("bool"), zeros, value);
  }
  const source = sources[mode] ?? call.fail(`mode = ${mode} is not supported`);
  return axes.reduce((out, axis) => {
    const n = x.shape[axis];
    if (low[axis] === 0 && high[axis] === 0) return out;
    if (n === 0) call.fail(`pads = [${pads}] does not fit [${x.shape}]`);
    checkTable(shape[axis], n);
    const places = Int32Array.from({ length: shape[axis] }, (_, i) => source(i - low[axis], n));
    return gather(out, fromValue({ data: places, shape: [places.length], dtype: "int32" }), axis);
  }, x);
}

const normalAxesInOrder = (axes: readonly number[], shape: Shape): number[] =>
  axes.map((axis) => normalAxis("axes", axis, shape));

function triangle(call: Call): Tensor {
  const x = call.tensor(0);
  const k = call.number(1, 0);
  return call.attributes.int("upper", 1) !== 0 ? triu(x, k) : tril(x, k);
}

/** Where the elements of a known array are not zero: one row an axis. */
function nonZero(call: Call): NDArray {
  const { data, shape } = call.known(0);
  const found = Array.from(data as Float64Array, (value, i) => (Number(value) !== 0 ? i : -1)).filter((i) => i >= 0);
  const rows = shape.map((n, axis) => found.map((i) => Math.floor(i / sizeOf(shape.slice(axis + 1))) % n));
  return int64(rows.flat(), [shape.length, found.length]);
}

function identityMatrix(call: Call): Tensor {
  const x = call.value(0);
  if (x.shape.length !== 2) call.fail(`[${x.shape}] is not a matrix`);
  if (call.attributes.has("dtype") || !(x.dtype in dtypes)) call.fail("dtype is not supported");
  const k = call.attributes.int("k", 0);
  const square = broadcastTo(ones([], x.dtype), x.shape);
  return tril(triu(square, k), k);
}

export const structureOperators: Readonly<Record<string, Operator>> = {
  Concat: concatenated,
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Expand: expanded,
  EyeLike: identityMatrix,
  Flatten: flattened,
  NonZero: nonZero,
  Pad: padded,
  Range: range,
  Reshape: reshaped,
  Shape: shapeOf,
  Size: (call) => int64([sizeOf(call.value(0).shape)], []),
  Slice: sliced,
  Split: parts,
  Squeeze: squeezed,
  Tile: tiled,
  Transpose: transposed,
  Trilu: triangle,
  Unsqueeze: unsqueezed,
};
