import type { DType, NDArray, TypedArray } from "../engine/dtype.js";
import { HebbError } from "../engine/errors.js";
import { oneLine } from "../engine/quote.js";
import { sizeOf } from "../engine/shape.js";
import { byteLength, type Element, elements, readElements } from "./elements.js";

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** A header beyond this is refused before it is read. */
const longestHeader = 2 ** 16;
const highestRank = 64;

/** By kind and width, as in NumPy's type strings after the byte order. */
const elementOfCode = new Map<string, Element>([
  ["b1", elements.bool],
  ["i1", elements.int8],
  ["i2", elements.int16],
  ["i4", elements.int32],
  ["i8", elements.int64],
  ["u1", elements.uint8],
  ["u2", elements.uint16],
  ["u4", elements.uint32],
  ["u8", elements.uint64],
  ["f2", elements.float16],
  ["f4", elements.float32],
  ["f8", elements.float64],
]);

const descriptions: Readonly<Record<DType, string>> = {
  float64: "<f8",
  float32: "<f4",
  float16: "<f2",
  int64: "<i8",
  int32: "<i4",
  uint64: "<u8",
  uint32: "<u4",
  uint8: "|u1",
  bool: "|b1",
};

/**
 * Reads an array in NumPy's `.npy` format, versions 1 to 3, in C or Fortran order and either byte order. int8, int16 and
 * uint16 become int32; the result is always in row-major order. `what` names the file in errors.
 *
 * Throws `HebbError` for anything else, before memory is taken: files that are damaged or of another length than their
 * header says, and arrays of Python objects (which are programs), texts, dates, records and complex numbers.
 *
 * Source: NumPy Enhancement Proposal 1, "A simple file format for NumPy arrays".
 */
export function readNpy(bytes: Uint8Array, what = "npy"): NDArray {
  const fail = (problem: string): never => {
    throw new HebbError(`${what}: ${oneLine(problem)}.`);
  };
  if (bytes.length < 10 || magic.some((byte, i) => bytes[i] !== byte)) fail("this is not a .npy file");
  const version = bytes[6];
  if (version < 1 || version > 3 || bytes[7] !== 0) fail(`version ${version}.${bytes[7]} of the format is unknown`);
  const wide = version > 1;
  const start = wide ? 12 : 10;
  if (bytes.length < start) fail("the file ends within its header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  if (length > bytes.length - start) fail(`the header claims ${length} bytes, but only ${bytes.length - start} follow`);
  if (length > longestHeader) fail(`the header of ${length} bytes is longer than ${longestHeader}`);
  const encoding = version === 3 ? "utf-8" : "latin1";
  const { element, littleEndian, fortran, shape } = parseHeader(
    new TextDecoder(encoding).decode(bytes.subarray(start, start + length)),
    fail,
  );
  const body = bytes.subarray(start + length);
  const size = byteLength(shape, element.bytes) ?? fail(`no file can hold an array of shape [${shape}]`);
  if (size !== body.length)
    fail(`an array of shape [${shape}] needs ${size} bytes, but ${body.length} follow the header`);
  const data = readElements(body, element, littleEndian);
  return { data: fortran ? toRowMajor(data, shape) : data, shape, dtype: element.dtype };
}

/** The bytes of a `.npy` file (version 1, row-major, little endian). */
export function writeNpy({ data, shape, dtype }: NDArray): Uint8Array<ArrayBuffer> {
  if (data.length !== sizeOf(shape))
    throw new HebbError(
      `npy: an array of shape [${shape}] has ${sizeOf(shape)} elements, but there are ${data.length}.`,
    );
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${descriptions[dtype]}', 'fortran_order': False, 'shape': (${tuple}), }`;
  // The data start at a multiple of 64 bytes, and the header ends with a new line.
  const header = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const bytes = new Uint8Array(10 + header.length + data.byteLength);
  bytes.set([...magic, 1, 0, header.length & 255, header.length >> 8]);
  bytes.set(new TextEncoder().encode(header), 10);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + header.length);
  return bytes;
}

type Fail = (problem: string) => never;

interface Header {
  readonly element: Element;
  readonly littleEndian: boolean;
  readonly fortran: boolean;
  readonly shape: readonly number[];
}

const entry = String.raw`\s*(['"])(descr|fortran_order|shape)\1\s*:\s*('[^'\\]*'|"[^"\\]*"|True|False|\([\d\sL,]*\)|\[[^{}]*\])\s*`;

/** The header is a Python dictionary of three entries; nothing else is accepted, and nothing is evaluated. */
function parseHeader(text: string, fail: Fail): Header {
  const body = /^\s*\{([^{}]*)\}\s*$/.exec(text)?.[1] ?? fail("the header is not a dictionary");
  const fields = new Map<string, string>();
  const item = new RegExp(`${entry}(,|$)`, "y");
  while (body.slice(item.lastIndex).trim() !== "") {
    const found = item.exec(body) ?? fail("the header is not a dictionary of descr, fortran_order and shape");
    if (fields.has(found[2])) fail(`the header gives ${found[2]} twice`);
    fields.set(found[2], found[3]);
  }
  const field = (name: string): string => fields.get(name) ?? fail(`the header lacks ${name}`);
  const order = field("fortran_order");
  if (order !== "True" && order !== "False") fail(`fortran_order is ${order}`);
  return { ...parseType(field("descr"), fail), fortran: order === "True", shape: parseShape(field("shape"), fail) };
}

function parseType(descr: string, fail: Fail): Pick<Header, "element" | "littleEndian"> {
  const [, order, code] = /^['"]([<>=|]?)(\w+)['"]$/.exec(descr) ?? fail(`the type ${descr} is not supported`);
  if (code[0] === "O") fail("an array of Python objects is refused, because reading it would run code");
  const element =
    elementOfCode.get(code) ?? fail(`the type ${descr} is not supported; save floats, integers or booleans`);
  return { element, littleEndian: order !== ">" };
}

function parseShape(text: string, fail: Fail): number[] {
  const parts = text.slice(1, -1).split(",");
  // The last size may have a comma after it, and a single one must: (3) is a number in Python, not a tuple.
  const open = parts.length > 1 || parts[0].trim() === "";
  if (parts[parts.length - 1].trim() === "") parts.pop();
  const sizes = parts.map((part) => /^\d+(?=L?$)/.exec(part.trim())?.[0]);
  if (!open || !text.startsWith("(") || sizes.includes(undefined)) fail(`the shape ${text} is not a tuple of sizes`);
  const shape = sizes.map(Number);
  if (shape.length > highestRank) fail(`the array has ${shape.length} axes, more than ${highestRank}`);
  return shape;
}

/** Reorders elements whose first axis varies fastest. */
function toRowMajor(data: TypedArray, shape: readonly number[]): TypedArray {
  const out = new (data.constructor as { new (length: number): TypedArray })(data.length);
  const strides = shape.map((_, axis) => sizeOf(shape.slice(0, axis)));
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < data.length; to++) {
    out[to] = data[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return out;
}
