import type * as Ort from "onnxruntime-common";
import { type DType, dtypes, type NDArray, type TypedArray } from "../dtype.js";
import { portShape } from "../ports.js";
import { sizeOf } from "../shape.js";
import type { Port } from "./backend.js";

// How arrays become tensors of ONNX Runtime's JavaScript interface and back, and how small values share one.

export type Runtime = Pick<typeof Ort, "InferenceSession" | "Tensor">;

export const ortTensor = (ort: Runtime, { data, shape, dtype }: NDArray): Ort.Tensor =>
  new ort.Tensor(dtype as any, (dtype === "float16" ? halfView(data) : data) as any, shape as number[]);

/** ONNX Runtime wants Float16Array where the platform has it, Uint16Array elsewhere. */
const halfView = (data: TypedArray): unknown => {
  const Half = (globalThis as any).Float16Array;
  return Half && !(data instanceof Half) ? new Half(data.buffer, data.byteOffset, data.length) : data;
};

/** The value of a result in the engine's own typed array (float16 as bit patterns). */
export function hostArray(tensor: Ort.Tensor, dtype: DType): NDArray {
  const data = tensor.data as unknown as TypedArray;
  const Data = dtypes[dtype].array as unknown as { new (b: ArrayBufferLike, at: number, n: number): TypedArray };
  return {
    data: data instanceof Data ? data : new Data(data.buffer, data.byteOffset, data.length),
    shape: tensor.dims,
    dtype,
  };
}

export const isPack = ({ values }: Port): boolean => values.length > 1;

/** An array for what passes through a port. */
export function room(port: Port): NDArray {
  const shape = portShape(port);
  return { data: new dtypes[port.dtype].array(sizeOf(shape)), shape, dtype: port.dtype };
}

/** Puts the values of a pack behind one another. */
export function fill(pack: TypedArray, port: Port, arrays: (index: number) => NDArray): void {
  let at = 0;
  for (const { index } of port.values) {
    const { data } = arrays(index);
    pack.set(data as Float32Array & BigInt64Array, at);
    at += data.length;
  }
}

/** The values in a pack, as views of it. */
export function views(port: Port, { data, dtype }: NDArray): [index: number, array: NDArray][] {
  let at = 0;
  return port.values.map(({ index, shape }) => [
    index,
    { data: data.subarray(at, (at += sizeOf(shape))), shape, dtype },
  ]);
}
