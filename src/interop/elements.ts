import { type DType, dtypes, type TypedArray } from "../engine/dtype.js";

/** How the numbers of an array stand in a file. */
export interface Element {
  readonly bytes: number;
  readonly dtype: DType;
  /** Reads one number, where the bytes in the file are not those of `dtype`. */
  readonly get?: (view: DataView, at: number, littleEndian: boolean) => number;
}

const same = (dtype: DType): Element => ({ bytes: dtypes[dtype].array.BYTES_PER_ELEMENT, dtype });

const bits = new Uint32Array(1);
const real = new Float32Array(bits.buffer);
const bfloat16 = (view: DataView, at: number, littleEndian: boolean): number => {
  bits[0] = view.getUint16(at, littleEndian) << 16;
  return real[0];
};

/** The kinds of numbers that files hold. Those that Hebb has no dtype for are widened to one that holds all their values. */
export const elements = {
  float64: same("float64"),
  float32: same("float32"),
  float16: same("float16"),
  bfloat16: { bytes: 2, dtype: "float32", get: bfloat16 },
  int64: same("int64"),
  int32: same("int32"),
  int16: { bytes: 2, dtype: "int32", get: (view, at, little) => view.getInt16(at, little) },
  int8: { bytes: 1, dtype: "int32", get: (view, at) => view.getInt8(at) },
  uint64: same("uint64"),
  uint32: same("uint32"),
  uint16: { bytes: 2, dtype: "int32", get: (view, at, little) => view.getUint16(at, little) },
  uint8: same("uint8"),
  // Any byte but 0 is true.
  bool: { bytes: 1, dtype: "bool", get: (view, at) => Number(view.getUint8(at) !== 0) },
} satisfies Record<string, Element>;

/** An array of its own from the bytes of a file, whose length is a multiple of the element's. */
export function readElements(
  bytes: Uint8Array,
  { bytes: width, dtype, get }: Element,
  littleEndian = true,
): TypedArray {
  const data = new dtypes[dtype].array(bytes.length / width);
  if (get) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let i = 0; i < data.length; i++) data[i] = get(view, i * width, littleEndian);
    return data;
  }
  // Host byte order is little endian on every machine that JavaScript engines run on today.
  const raw = new Uint8Array(data.buffer);
  raw.set(bytes);
  if (!littleEndian) for (let i = 0; i < raw.length; i += width) raw.subarray(i, i + width).reverse();
  return data;
}

/** The largest size of an axis that is believed. */
const longestAxis = 2 ** 40;

/** The bytes that an array takes, or undefined when no memory could hold its shape. */
export function byteLength(shape: readonly number[], width: number): number | undefined {
  // An axis of size 0 must not hide absurd sizes of others.
  const filled = shape.reduce((product, n) => product * Math.max(n, 1), width);
  const known = shape.every((n) => Number.isSafeInteger(n) && n >= 0 && n <= longestAxis);
  if (!known || !Number.isSafeInteger(filled)) return undefined;
  return shape.includes(0) ? 0 : filled;
}
