import { type DType, dtypes, type NDArray } from "../engine/dtype.js";
import { HebbError } from "../engine/errors.js";
import { oneLine, quote } from "../engine/quote.js";
import { byteLength, type Element, elements, readElements } from "./elements.js";
import { parseJson } from "./json.js";
import { checkName } from "./names.js";

/**
 * Reader and writer of the safetensors format: eight bytes of header length (little endian), a JSON header that gives
 * dtype, shape and byte range of each tensor, then the bytes, without holes. BF16 is read as float32, and I8, I16 and U16
 * as int32.
 */
export interface SafeTensors {
  /** By name; a `Map`, so that no name can reach an object's prototype. */
  readonly tensors: ReadonlyMap<string, NDArray>;
  readonly metadata: Readonly<Record<string, string>>;
}

const codes: Readonly<Record<DType, string>> = {
  float64: "F64",
  float32: "F32",
  float16: "F16",
  int64: "I64",
  int32: "I32",
  uint64: "U64",
  uint32: "U32",
  uint8: "U8",
  bool: "BOOL",
};
const elementOfCode = new Map<unknown, Element>([
  ...Object.entries(codes).map(([dtype, code]) => [code, elements[dtype as DType]] as const),
  ["BF16", elements.bfloat16],
  ["I16", elements.int16],
  ["I8", elements.int8],
  ["U16", elements.uint16],
]);

/** Tensors that a file holds in any case; more only in files that are longer than so many empty ones. */
const mostTensors = (length: number): number => 2 ** 14 + length / 256;

/** A header beyond this is refused before it is parsed. */
const maximumHeader = 100 * 2 ** 20;
const highestRank = 64;

/** The bytes of a safetensors file. */
export function encodeSafetensors(
  tensors: Iterable<readonly [string, NDArray]>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const width = (array: NDArray) => dtypes[array.dtype].array.BYTES_PER_ELEMENT;
  // Wide elements first: then each tensor starts at a multiple of its element size.
  const sorted = [...tensors].sort(([a, x], [b, y]) => width(y) - width(x) || (a < b ? -1 : 1));
  const header: [string, unknown][] = [["__metadata__", metadata]];
  const names = new Set<string>();
  let offset = 0;
  for (const [name, array] of sorted) {
    checkTensorName(name, "safetensors");
    if (names.has(name)) throw new HebbError(`safetensors: the name ${quote(name)} occurs twice.`);
    names.add(name);
    const count = array.shape.reduce((product, extent) => product * extent, 1);
    if (count !== array.data.length) {
      throw new HebbError(`safetensors: ${quote(name)} has shape [${array.shape}] but ${array.data.length} elements.`);
    }
    const end = offset + array.data.byteLength;
    header.push([name, { dtype: codes[array.dtype], shape: array.shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  let text = JSON.stringify(Object.fromEntries(header));
  const utf8 = new TextEncoder();
  text += " ".repeat((8 - (utf8.encode(text).length % 8)) % 8);
  const head = utf8.encode(text);
  const size = 8 + head.length + offset;
  if (sorted.length > mostTensors(size))
    throw new HebbError(`safetensors: ${sorted.length} tensors are too many for a file of ${size} bytes.`);
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(head.length), true);
  bytes.set(head, 8);
  let position = 8 + head.length;
  for (const [, { data }] of sorted) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return bytes;
}

/**
 * Reads a safetensors file. The whole header is checked before anything is allocated: lengths, dtypes, shapes, byte
 * ranges that overlap, leave holes or run past the end, and names that could reach a prototype. `what` names the file in
 * errors.
 */
export function decodeSafetensors(bytes: Uint8Array, what = "safetensors"): SafeTensors {
  const fail = (problem: string): never => {
    throw new HebbError(`${what}: ${oneLine(problem)}.`);
  };
  if (bytes.length < 8) fail(`${bytes.length} bytes is too short for a safetensors file`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > bytes.length - 8) fail(`the header claims ${length} bytes, but only ${bytes.length - 8} follow`);
  if (length > maximumHeader) fail(`the header of ${length} bytes is larger than ${maximumHeader}`);
  const header = parseHeader(bytes.subarray(8, 8 + length), what, fail);
  const body = bytes.subarray(8 + length);

  const metadata: Record<string, string> = {};
  const entries: { name: string; element: Element; shape: number[]; begin: number; end: number }[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") {
      for (const [key, value] of Object.entries(asObject(entry) ?? fail("__metadata__ is not an object"))) {
        checkName(key, what);
        metadata[key] = typeof value === "string" ? value : fail(`the metadata ${quote(key)} is not a string`);
      }
      continue;
    }
    checkTensorName(name, what);
    entries.push({ name, ...parseEntry(name, entry, fail) });
  }
  if (entries.length > mostTensors(bytes.length))
    fail(`${entries.length} tensors are more than a file of ${bytes.length} bytes should hold`);
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of entries) {
    if (begin < covered) fail(`the bytes of ${quote(name)} overlap another tensor's`);
    if (begin > covered) fail(`there is a hole before the bytes of ${quote(name)}`);
    covered = end;
  }
  if (covered !== body.length) fail(`the tensors take ${covered} bytes, but the file holds ${body.length}`);

  const tensors = new Map<string, NDArray>();
  for (const { name, element, shape, begin, end } of entries) {
    tensors.set(name, { data: readElements(body.subarray(begin, end), element), shape, dtype: element.dtype });
  }
  return { tensors, metadata };
}

type Fail = (problem: string) => never;

function parseHeader(bytes: Uint8Array, what: string, fail: Fail): Record<string, unknown> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return fail("the header is not UTF-8");
  }
  return asObject(parseJson(text, `${what}: the header`)) ?? fail("the header is not an object");
}

const asObject = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function parseEntry(name: string, entry: unknown, fail: Fail) {
  const {
    dtype: code,
    shape,
    data_offsets: range,
  } = asObject(entry) ?? fail(`the entry of ${quote(name)} is not an object`);
  const element = elementOfCode.get(code) ?? fail(`${quote(name)} has the unknown dtype ${JSON.stringify(code)}`);
  if (!Array.isArray(shape) || shape.length > highestRank || !shape.every(isCount))
    return fail(`${quote(name)} has a shape that is no list of sizes`);
  if (!Array.isArray(range) || range.length !== 2 || !range.every(isCount) || range[0] > range[1]) {
    return fail(`${quote(name)} has no valid byte range`);
  }
  const size =
    byteLength(shape, element.bytes) ?? fail(`${quote(name)} has the shape [${shape}], which no file can hold`);
  const [begin, end] = range;
  if (size !== end - begin)
    fail(`${quote(name)} (${code} [${shape}]) needs ${size} bytes, its range has ${end - begin}`);
  return { element, shape: shape as number[], begin, end };
}

function checkTensorName(name: string, what: string): void {
  if (name === "__metadata__") throw new HebbError(`${what}: the name "__metadata__" is not allowed for a tensor.`);
  checkName(name, what);
}
