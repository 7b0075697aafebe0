import { type DType, dtypes, type NDArray, type TypedArray } from "../../engine/dtype.js";
import { HebbError } from "../../engine/errors.js";
import {
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  type TensorProto,
} from "../../engine/onnx/onnx_pb.js";
import { oneLine, quote } from "../../engine/quote.js";
import { show, sizeOf } from "../../engine/shape.js";
import { byteLength, elements, readElements } from "../elements.js";

/** The contents of files beside a model, by the name that the model gives them. */
export type ExternalData = ReadonlyMap<string, Uint8Array> | Readonly<Record<string, Uint8Array>>;

const dtypeOfCode = new Map(Object.entries(dtypes).map(([dtype, { onnx }]) => [onnx, dtype as DType]));

/** The dtype that ONNX gives this number. Throws `HebbError` for those that Hebb does not have. */
export function dtypeOfOnnx(code: number, where: string): DType {
  const dtype = dtypeOfCode.get(code);
  if (!dtype) throw new HebbError(`${where} has the dtype ${DataType[code] ?? code}, which is not supported.`);
  return dtype;
}

/** A size, an axis or another whole number as ONNX writes it. */
export function wholeNumber(value: bigint, where: string): number {
  const number = Number(value);
  // The largest int64 stands for "to the end" and need not be exact.
  if (Number.isSafeInteger(number) || value >= 2n ** 62n || value <= -(2n ** 62n)) return number;
  throw new HebbError(`${where} is ${value}, which is too large.`);
}

/**
 * The array that a tensor of a model holds; `where` names it in errors. Its size is checked against the bytes before
 * memory is taken.
 */
export function readTensor(proto: TensorProto, where: string, external: ExternalData = {}): NDArray {
  const fail = (problem: string): never => {
    throw new HebbError(`${where} ${oneLine(problem)}.`);
  };
  const dtype = dtypeOfOnnx(proto.dataType, where);
  if (proto.segment) fail("is a segment of a larger tensor, which is not supported");
  if (proto.dims.length > 64) fail(`has ${proto.dims.length} axes`);
  const shape = proto.dims.map(Number);
  const element = elements[dtype];
  const size = byteLength(shape, element.bytes) ?? fail(`has the shape ${show(shape)}, which no memory could hold`);
  const raw = proto.dataLocation === DataLocation.EXTERNAL ? externalBytes(proto, external, fail) : proto.rawData;
  if (raw.length > 0 || proto.dataLocation === DataLocation.EXTERNAL) {
    if (raw.length !== size) fail(`(${dtype}${show(shape)}) needs ${size} bytes, but has ${raw.length}`);
    return { data: readElements(raw, element), shape, dtype };
  }
  const list = typedData(proto, dtype);
  if (list.length !== sizeOf(shape))
    fail(`(${dtype}${show(shape)}) needs ${sizeOf(shape)} elements, but has ${list.length}`);
  return { data: fill(list, dtype), shape, dtype };
}

/** The field that holds the numbers of a dtype when they are not stored as bytes. */
function typedData(proto: TensorProto, dtype: DType): readonly (number | bigint)[] {
  if (dtype === "float32") return proto.floatData;
  if (dtype === "float64") return proto.doubleData;
  if (dtype === "int64") return proto.int64Data;
  if (dtype === "uint32" || dtype === "uint64") return proto.uint64Data;
  // float16 stands there as its bit pattern.
  return proto.int32Data;
}

function fill(list: readonly (number | bigint)[], dtype: DType): TypedArray {
  const { array, big } = dtypes[dtype];
  const data = new array(list.length);
  for (let i = 0; i < list.length; i++) data[i] = big ? BigInt(list[i]) : Number(list[i]);
  return data;
}

function externalBytes(proto: TensorProto, external: ExternalData, fail: (problem: string) => never): Uint8Array {
  const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get("location") ?? fail("names no file that its data lie in");
  const file =
    external instanceof Map
      ? external.get(location)
      : Object.hasOwn(external, location)
        ? (external as Record<string, Uint8Array>)[location]
        : undefined;
  if (!file) {
    return fail(
      `lies in another file, ${quote(location)}; pass its bytes as externalData: { ${quote(location)}: bytes }`,
    );
  }
  const number = (key: string, absent: number): number => {
    const value = Number(entries.get(key) ?? absent);
    return Number.isSafeInteger(value) && value >= 0
      ? value
      : fail(`has the ${key} ${oneLine(entries.get(key)!)} in its file`);
  };
  const offset = number("offset", 0);
  const length = number("length", Math.max(0, file.length - offset));
  if (offset + length > file.length)
    fail(`claims bytes ${offset} to ${offset + length} of ${quote(location)}, which has ${file.length}`);
  return file.subarray(offset, offset + length);
}
