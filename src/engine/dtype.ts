/** Element types of tensors. `float32` is the default; `float64` is for tests and theory. */
export type DType = "float32" | "float64" | "float16" | "int32" | "int64" | "uint32" | "uint64" | "uint8" | "bool";

export type TypedArray =
  | Float32Array
  | Float64Array
  | Uint16Array
  | Int32Array
  | BigInt64Array
  | Uint32Array
  | BigUint64Array
  | Uint8Array;

/** A dense array in host memory, row-major. `bool` is stored as 0/1 bytes, `float16` as its bit pattern. */
export interface NDArray {
  readonly data: TypedArray;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

interface DTypeInfo {
  readonly array: { new (length: number): TypedArray; readonly BYTES_PER_ELEMENT: number };
  readonly kind: "float" | "int" | "uint" | "bool";
  /** The value of TensorProto.DataType in ONNX. */
  readonly onnx: number;
  readonly big: boolean;
}

export const dtypes: Readonly<Record<DType, DTypeInfo>> = {
  float32: { array: Float32Array, kind: "float", onnx: 1, big: false },
  float64: { array: Float64Array, kind: "float", onnx: 11, big: false },
  float16: { array: Uint16Array, kind: "float", onnx: 10, big: false },
  int32: { array: Int32Array, kind: "int", onnx: 6, big: false },
  int64: { array: BigInt64Array, kind: "int", onnx: 7, big: true },
  uint32: { array: Uint32Array, kind: "uint", onnx: 12, big: false },
  uint64: { array: BigUint64Array, kind: "uint", onnx: 13, big: true },
  uint8: { array: Uint8Array, kind: "uint", onnx: 2, big: false },
  bool: { array: Uint8Array, kind: "bool", onnx: 9, big: false },
};

export const isFloat = (dtype: DType): boolean => dtypes[dtype].kind === "float";

/** Equal keys mean equal arrays; 0 and -0 differ. */
export const arrayKey = ({ data, shape, dtype }: NDArray): string =>
  `${dtype}[${shape}]${Array.from(data as ArrayLike<unknown>, (v) => (Object.is(v, -0) ? "-0" : v)).join()}`;

/** The dtype that a typed array stands for when none is named. */
export function dtypeOf(data: TypedArray): DType {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  if (data instanceof Int32Array) return "int32";
  if (data instanceof BigInt64Array) return "int64";
  if (data instanceof Uint32Array) return "uint32";
  if (data instanceof BigUint64Array) return "uint64";
  if (data instanceof Uint8Array) return "uint8";
  return "float16";
}
