import { mean } from "./composites/statistics.js";
import { literalPrimitive, type Node, type Spec, valuePrimitive } from "./core.js";
import { type DType, dtypeOf, dtypes, type NDArray, type TypedArray } from "./dtype.js";
import { HebbError, ShapeError } from "./errors.js";
import { add, div, exp, log, mul, neg, pow, sqrt, sub } from "./primitives/elementwise.js";
import { matmul } from "./primitives/matmul.js";
import { max, sum } from "./primitives/reduce.js";
import { cast, reshape, slice, transpose } from "./primitives/structure.js";
import { realise } from "./run.js";
import type { DeviceValue } from "./runtime/backend.js";
import { type Shape, sizeOf } from "./shape.js";

/** Anything an operation takes in place of a tensor; a number takes the dtype of its partner. */
export type Operand = Tensor | number | boolean;

/** Nested arrays of numbers or booleans. */
export type Nested = number | boolean | readonly Nested[];

let made = 0;
/** The number that the next tensor will get. */
export const serial = (): number => made;

/**
 * A lazy n-dimensional array of static shape: a node of a graph, or a value on the host or the device. Operations only
 * build the graph; `await data()` (or calling a function made by `jit`) computes.
 */
export class Tensor implements Spec {
  #node: Node;
  #value: NDArray | DeviceValue | undefined;
  #gone: string | undefined;
  /** Tensors are numbered as they are made: tells what belongs to a trace. */
  readonly serial = made++;

  constructor(
    node: Node,
    readonly shape: Shape,
    readonly dtype: DType,
    value?: NDArray | DeviceValue,
  ) {
    this.#node = node;
    this.#value = value;
  }

  get node(): Node {
    return this.#node;
  }
  get size(): number {
    return sizeOf(this.shape);
  }
  get rank(): number {
    return this.shape.length;
  }

  /** The value on the host or the device, once known. */
  get value(): NDArray | DeviceValue | undefined {
    if (this.#gone) throw new HebbError(this.#gone);
    return this.#value;
  }

  /** Turns this tensor into a leaf that holds `value`; the graph behind it is let go. */
  settle(value: NDArray | DeviceValue): void {
    this.#value = value;
    this.#node = { primitive: valuePrimitive, inputs: [], attrs: {} };
  }

  /** The values in row-major order, computed if need be. */
  async data(): Promise<TypedArray> {
    return (await this.array()).data;
  }

  /** The values with shape and dtype, in host memory. */
  async array(): Promise<NDArray> {
    const [array] = await realise([this]);
    return array;
  }

  /** The only element of a tensor of size one, as a number. */
  async item(): Promise<number> {
    if (this.size !== 1)
      throw new ShapeError("item", `a tensor of shape [${this.shape}] has ${this.size} elements, not one`);
    return Number((await this.data())[0]);
  }

  /** Nested arrays of numbers. */
  async tolist(): Promise<Nested> {
    const data = await this.data();
    let at = 0;
    const build = (axis: number): Nested =>
      axis === this.rank ? Number(data[at++]) : Array.from({ length: this.shape[axis] }, () => build(axis + 1));
    return build(0);
  }

  /** Releases the device memory behind this tensor; using it afterwards is an error. */
  dispose(reason = "This tensor was disposed."): void {
    const value = this.#value;
    if (value && "release" in value) value.release();
    this.#value = undefined;
    this.#gone = reason;
  }
  [Symbol.dispose](): void {
    this.dispose();
  }

  add(other: Operand): Tensor {
    return add(this, other);
  }
  sub(other: Operand): Tensor {
    return sub(this, other);
  }
  mul(other: Operand): Tensor {
    return mul(this, other);
  }
  div(other: Operand): Tensor {
    return div(this, other);
  }
  pow(exponent: Operand): Tensor {
    return pow(this, exponent);
  }
  neg(): Tensor {
    return neg(this);
  }
  exp(): Tensor {
    return exp(this);
  }
  log(): Tensor {
    return log(this);
  }
  sqrt(): Tensor {
    return sqrt(this);
  }
  matmul(other: Tensor): Tensor {
    return matmul(this, other);
  }
  sum(axes?: number | readonly number[], options?: { keepDims?: boolean }): Tensor {
    return sum(this, axes, options);
  }
  mean(axes?: number | readonly number[], options?: { keepDims?: boolean }): Tensor {
    return mean(this, axes, options);
  }
  max(axes?: number | readonly number[], options?: { keepDims?: boolean }): Tensor {
    return max(this, axes, options);
  }
  reshape(...shape: number[] | [readonly number[]]): Tensor {
    return reshape(this, (typeof shape[0] === "object" ? shape[0] : shape) as readonly number[]);
  }
  transpose(permutation?: readonly number[]): Tensor {
    return transpose(this, permutation);
  }
  slice(starts: readonly number[], ends: readonly number[]): Tensor {
    return slice(this, starts, ends);
  }
  cast(dtype: DType): Tensor {
    return cast(this, dtype);
  }

  toString(): string {
    return `Tensor ${this.dtype}[${this.shape.join(", ")}]`;
  }
}

export const isNDArray = (x: unknown): x is NDArray =>
  typeof x === "object" &&
  x !== null &&
  ArrayBuffer.isView((x as NDArray).data) &&
  Array.isArray((x as NDArray).shape) &&
  typeof (x as NDArray).dtype === "string";

/** A leaf tensor around a value. */
export const fromValue = (value: NDArray | DeviceValue): Tensor =>
  new Tensor({ primitive: valuePrimitive, inputs: [], attrs: {} }, value.shape, value.dtype, value);

/** A constant that is part of the graph itself: for scalars and small tables. */
export const literal = (array: NDArray): Tensor =>
  new Tensor({ primitive: literalPrimitive, inputs: [], attrs: { array } }, array.shape, array.dtype);

/**
 * A tensor from nested arrays, a typed array (with `shape`) or an NDArray.
 *
 * `tensor([[1, 2], [3, 4]])` has shape [2, 2] and dtype float32. Throws `ShapeError` when rows are ragged or the data do
 * not fill the shape.
 */
export function tensor(
  values: Nested | TypedArray | NDArray,
  options: { shape?: readonly number[]; dtype?: DType } = {},
): Tensor {
  if (isNDArray(values)) return fromValue(checkFilled(values));
  if (ArrayBuffer.isView(values)) {
    const data = values as TypedArray;
    return fromValue(
      checkFilled({ data, shape: options.shape ?? [data.length], dtype: options.dtype ?? dtypeOf(data) }),
    );
  }
  const shape: number[] = [];
  for (let level = values as Nested; Array.isArray(level); level = level[0] as Nested) shape.push(level.length);
  const flat: (number | boolean)[] = [];
  const walk = (level: Nested, axis: number) => {
    if (Array.isArray(level)) {
      if (level.length !== shape[axis]) {
        throw new ShapeError(
          "tensor",
          `ragged nested array: a row of ${level.length} where ${shape[axis] ?? "a number"} was expected`,
        );
      }
      for (const part of level) walk(part, axis + 1);
    } else {
      if (axis !== shape.length)
        throw new ShapeError("tensor", "ragged nested array: a number where a row was expected");
      flat.push(level as number | boolean);
    }
  };
  walk(values as Nested, 0);
  const dtype = options.dtype ?? (typeof flat[0] === "boolean" ? "bool" : "float32");
  return fromValue(checkFilled({ data: hostData(flat, dtype), shape: options.shape ?? shape, dtype }));
}

function checkFilled(array: NDArray): NDArray {
  if (array.data.length !== sizeOf(array.shape)) {
    throw new ShapeError("tensor", `${array.data.length} values do not fill shape [${array.shape.join(", ")}]`);
  }
  if (!(array.data instanceof dtypes[array.dtype].array)) {
    throw new ShapeError("tensor", `${array.data.constructor.name} cannot hold dtype ${array.dtype}`);
  }
  return array;
}

/** A typed array of `dtype` holding these numbers. */
export function hostData(values: readonly (number | boolean)[], dtype: DType): TypedArray {
  const { array: Ctor, big } = dtypes[dtype];
  const out = new Ctor(values.length);
  if (dtype === "float16") {
    for (let i = 0; i < values.length; i++) out[i] = toHalf(Number(values[i]));
  } else if (big) {
    for (let i = 0; i < values.length; i++) out[i] = BigInt(values[i]);
  } else {
    for (let i = 0; i < values.length; i++) out[i] = Number(values[i]);
  }
  return out;
}

/** The bit pattern of the float16 nearest to `value`. */
function toHalf(value: number): number {
  const bits = new Uint32Array(new Float32Array([value]).buffer)[0];
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  if (exponent === 0xff) return sign | 0x7c00 | (bits & 0x7fffff ? 0x200 : 0);
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  const step = 2 ** Math.max(exponent - 127 - 10, -24);
  const scaled = magnitude / step;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const rounded = (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor) * step;
  if (rounded < 2 ** -14) return sign | Math.round(rounded / 2 ** -24);
  const e = Math.floor(Math.log2(rounded));
  return sign | ((e + 15) << 10) | Math.round((rounded / 2 ** e - 1) * 1024);
}
