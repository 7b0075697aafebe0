import { type DType, dtypes, type NDArray } from "../../engine/dtype.js";
import { HebbError } from "../../engine/errors.js";
import { broadcastShapes, type Shape, sizeOf } from "../../engine/shape.js";
import type { Algebra } from "./algebra.js";

/** Shape arithmetic is small: arrays of more elements go into the graph. */
export const small = 1024;

/** The result would not be small. */
export class Large extends Error {}

/** A number of any dtype: int64 and uint64 are bigints. */
type Scalar = any;

/** An array whose element at each index is given by `at`. */
function build(shape: Shape, dtype: DType, at: (index: readonly number[]) => Scalar): NDArray {
  const size = sizeOf(shape);
  if (!(size <= small)) throw new Large();
  const data = new dtypes[dtype].array(size);
  const index = shape.map(() => 0);
  for (let i = 0; i < size; i++) {
    data[i] = at(index);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
  return { data, shape, dtype };
}

/** The element at an index, to which the array is broadcast. */
function read({ data, shape }: NDArray, index: readonly number[]): Scalar {
  const lead = index.length - shape.length;
  let at = 0;
  for (let axis = 0; axis < shape.length; axis++) at = at * shape[axis] + (shape[axis] === 1 ? 0 : index[lead + axis]);
  return data[at];
}

const elementwise =
  (name: string, f: (...values: Scalar[]) => Scalar, out?: DType) =>
  (...arrays: NDArray[]): NDArray => {
    const { dtype } = arrays[arrays.length - 1];
    if (name !== "where" && arrays.some((a) => a.dtype !== dtype))
      throw new HebbError(`${name}: dtypes ${arrays.map((a) => a.dtype).join(" and ")} differ`);
    const shape = broadcastShapes(name, ...arrays.map((a) => a.shape));
    return build(shape, out ?? dtype, (index) => f(...arrays.map((a) => read(a, index))));
  };

/** Integer division truncates; bigints do so by themselves. */
function divide({ dtype }: NDArray): (a: Scalar, b: Scalar) => Scalar {
  const { kind, big } = dtypes[dtype];
  if (kind === "float") return (a, b) => a / b;
  return (a, b) => {
    if (Number(b) === 0) throw new HebbError("div: an integer is divided by zero");
    return big ? a / b : Math.trunc(a / b);
  };
}

/** The remainder with the sign of the divisor. */
const remainder = (a: Scalar, b: Scalar): Scalar => {
  if (Number(b) === 0) throw new HebbError("mod: an integer is divided by zero");
  const rest = a % b;
  return Number(rest) !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
};

/** Folds all elements along `axes` into one, beginning with `first` where there is such a number. */
const fold =
  (f: (a: Scalar, b: Scalar) => Scalar, first?: number) =>
  (x: NDArray, axes: readonly number[]): NDArray => {
    const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
    const count = sizeOf(axes.map((axis) => x.shape[axis]));
    if (count === 0 && first === undefined) throw new HebbError("an empty axis has no largest or smallest element");
    const { data } = host.transpose(x, [...kept, ...axes]);
    const start = first === undefined ? [] : [dtypes[x.dtype].big ? BigInt(first) : first];
    let at = 0;
    return build(
      kept.map((axis) => x.shape[axis]),
      x.dtype,
      () => [...start, ...data.subarray(at, (at += count))].reduce(f),
    );
  };

function convert(value: Scalar, from: DType, to: DType): Scalar {
  const { kind, big } = dtypes[to];
  if (to === "bool") return Number(Number(value) !== 0);
  if (big) return typeof value === "bigint" ? value : BigInt(Number.isFinite(value) ? Math.trunc(value) : 0);
  if (kind === "float") return Number(value);
  return dtypes[from].big ? Number(BigInt.asIntN(32, value)) : Math.trunc(value);
}

/** The engine's operations on arrays in host memory: shapes are known when a model is applied, and so is what is computed from them. */
export const host: Algebra<NDArray> = {
  add: elementwise("add", (a, b) => a + b),
  sub: elementwise("sub", (a, b) => a - b),
  mul: elementwise("mul", (a, b) => a * b),
  div: (a, b) => elementwise("div", divide(a))(a, b),
  mod: elementwise("mod", remainder),
  pow: elementwise("pow", (a, b) => a ** b),
  maximum: elementwise("maximum", (a, b) => (a > b ? a : b)),
  minimum: elementwise("minimum", (a, b) => (a < b ? a : b)),
  equal: elementwise("equal", (a, b) => Number(a === b), "bool"),
  less: elementwise("less", (a, b) => Number(a < b), "bool"),
  lessEqual: elementwise("lessEqual", (a, b) => Number(a <= b), "bool"),
  and: elementwise("and", (a, b) => a & b),
  or: elementwise("or", (a, b) => a | b),
  not: elementwise("not", (a) => 1 - a),
  neg: elementwise("neg", (a) => -a),
  abs: elementwise("abs", (a) => (a < 0 ? -a : a)),
  floor: elementwise("floor", Math.floor),
  sqrt: elementwise("sqrt", Math.sqrt),
  where: elementwise("where", (condition, a, b) => (condition ? a : b)),
  cast: (x, dtype) => build(x.shape, dtype, (index) => convert(read(x, index), x.dtype, dtype)),
  reshape: (x, shape) => ({ ...x, shape }),
  transpose: (x, permutation) =>
    build(
      permutation.map((p) => x.shape[p]),
      x.dtype,
      (index) => {
        const from = new Array<number>(index.length);
        permutation.forEach((p, i) => {
          from[p] = index[i];
        });
        return read(x, from);
      },
    ),
  slice: (x, starts, ends, steps) =>
    build(
      x.shape.map((_, i) => Math.max(0, Math.ceil((ends[i] - starts[i]) / steps[i]))),
      x.dtype,
      (index) =>
        read(
          x,
          index.map((n, i) => starts[i] + n * steps[i]),
        ),
    ),
  flip: (x, axes) =>
    build(x.shape, x.dtype, (index) =>
      read(
        x,
        index.map((n, i) => (axes.includes(i) ? x.shape[i] - 1 - n : n)),
      ),
    ),
  concat(arrays, axis) {
    const total = arrays.reduce((sum, { shape }) => sum + shape[axis], 0);
    return build(arrays[0].shape.with(axis, total), arrays[0].dtype, (index) => {
      let at = index[axis];
      const part = arrays.find(({ shape }) => {
        if (at < shape[axis]) return true;
        at -= shape[axis];
        return false;
      })!;
      return read(part, index.with(axis, at));
    });
  },
  gather(x, indices, axis) {
    const rank = indices.shape.length;
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
    return build(shape, x.dtype, (index) => {
      const asked = Number(read(indices, index.slice(axis, axis + rank)));
      const at = asked < 0 ? asked + x.shape[axis] : asked;
      if (!(at >= 0 && at < x.shape[axis]))
        throw new HebbError(`gather: index ${asked} is out of range for [${x.shape}]`);
      return read(x, [...index.slice(0, axis), at, ...index.slice(axis + rank)]);
    });
  },
  broadcastTo: (x, shape) => build(broadcastShapes("broadcastTo", x.shape, shape), x.dtype, (index) => read(x, index)),
  sum: fold((a, b) => a + b, 0),
  prod: fold((a, b) => a * b, 1),
  max: fold((a, b) => (a > b ? a : b)),
  min: fold((a, b) => (a < b ? a : b)),
};
