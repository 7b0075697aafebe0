import { exists, gunzip, readFile } from "#platform";
import type { DType, NDArray, TypedArray } from "../engine/dtype.js";
import { dtypes } from "../engine/dtype.js";
import { HebbError } from "../engine/errors.js";
import { greatestExpansion, mostUnpacked } from "../interop/deflate.js";
import { type Dataset, type FromArraysOptions, fromArrays } from "./dataset.js";

interface Element {
  readonly name: string;
  readonly bytes: number;
  readonly dtype: DType;
  readonly get: (view: DataView, offset: number) => number;
}

/** The third byte of the magic number names the element type; types that Hebb lacks are widened to int32. */
const elements: Readonly<Record<number, Element>> = {
  8: { name: "unsigned byte", bytes: 1, dtype: "uint8", get: (view, at) => view.getUint8(at) },
  9: { name: "signed byte", bytes: 1, dtype: "int32", get: (view, at) => view.getInt8(at) },
  11: { name: "short", bytes: 2, dtype: "int32", get: (view, at) => view.getInt16(at) },
  12: { name: "int", bytes: 4, dtype: "int32", get: (view, at) => view.getInt32(at) },
  13: { name: "float", bytes: 4, dtype: "float32", get: (view, at) => view.getFloat32(at) },
  14: { name: "double", bytes: 8, dtype: "float64", get: (view, at) => view.getFloat64(at) },
};

const longestHeader = 4 + 4 * 255;

interface Header {
  readonly element: Element;
  readonly shape: readonly number[];
  readonly start: number;
  /** The length that the whole file must have. */
  readonly end: number;
}

/**
 * Reads an IDX file, the format of MNIST (big-endian; gzipped or plain), as an array: unsigned bytes as uint8, signed
 * bytes, shorts and ints as int32, floats as float32, doubles as float64.
 *
 * The header is checked against the file's length before anything is allocated. Throws `HebbError` when the file is
 * missing, is not IDX, is truncated or too long.
 *
 * Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", file formats.
 */
export async function readIdx(path: string): Promise<NDArray> {
  return parseIdx(await readFile(path), path);
}

/** As `readIdx`, for bytes already in memory; `file` is what errors call them. */
export async function parseIdx(bytes: Uint8Array, file = "IDX data"): Promise<NDArray> {
  const gzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  if (!gzipped) return decode(bytes, parseHeader(bytes, file), file);
  const unpack = (options: { prefixBytes?: number; maxBytes?: number }) =>
    gunzip(bytes, options).catch((cause) => {
      throw new HebbError(`${file}: ${(cause as Error).message}`, { cause });
    });
  // The header alone is unpacked first, so that a small file cannot make us allocate what it cannot hold.
  const header = parseHeader(await unpack({ prefixBytes: longestHeader }), file);
  if (header.end > bytes.length * greatestExpansion) {
    throw new HebbError(`${file}: ${describe(header)}, which a gzip file of ${bytes.length} bytes cannot hold.`);
  }
  if (header.end > mostUnpacked(bytes.length)) {
    throw new HebbError(
      `${file}: ${describe(header)}, too many for a file of ${bytes.length}; unpack it with gunzip first.`,
    );
  }
  return decode(await unpack({ maxBytes: header.end }), header, file);
}

/**
 * A labelled set of two IDX files, inputs `[n, ...]` and labels `[n]`. Throws `HebbError` as `readIdx` does, and when
 * the two counts differ.
 */
export async function readIdxPair(
  inputs: string,
  labels: string,
  options: FromArraysOptions & { readonly transform?: (x: NDArray) => NDArray } = {},
): Promise<Dataset> {
  const x = await readIdx(inputs);
  const y = await readIdx(labels);
  if (y.shape.length !== 1 || dtypes[y.dtype].kind === "float") {
    throw new HebbError(`${labels}: expected labels (one axis of integers), found ${y.dtype} of shape [${y.shape}].`);
  }
  if (x.shape[0] !== y.shape[0]) {
    throw new HebbError(`${inputs} holds ${x.shape[0]} examples, but ${labels} holds ${y.shape[0]} labels.`);
  }
  const { transform, ...rest } = options;
  const y32: NDArray = { data: Int32Array.from(y.data as Uint8Array), shape: y.shape, dtype: "int32" };
  return fromArrays(transform ? transform(x) : x, y32, { name: inputs, ...rest });
}

/** `directory/name` or `directory/name.gz`, whichever is there. */
export async function findIdx(directory: string, name: string): Promise<string | undefined> {
  for (const path of [`${directory}/${name}.gz`, `${directory}/${name}`]) if (await exists(path)) return path;
  return undefined;
}

function parseHeader(bytes: Uint8Array, file: string): Header {
  if (bytes.length < 4) throw new HebbError(`${file}: expected an IDX file, found only ${bytes.length} bytes.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const element = elements[bytes[2]];
  const rank = bytes[3];
  if (bytes[0] !== 0 || bytes[1] !== 0 || !element || rank === 0) {
    const magic = view.getUint32(0).toString(16).padStart(8, "0");
    throw new HebbError(
      `${file}: expected the magic number of an IDX file (0x0000TTDD: type TT 08, 09 or 0b to 0e, DD axes), found 0x${magic}.`,
    );
  }
  const start = 4 + 4 * rank;
  if (bytes.length < start) {
    throw new HebbError(`${file}: truncated; a header of ${rank} axes has ${start} bytes, found ${bytes.length}.`);
  }
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const end = shape.reduce((product, length) => product * length, element.bytes) + start;
  if (!Number.isSafeInteger(end)) throw new HebbError(`${file}: no file can hold ${product(shape)} values.`);
  return { element, shape, start, end };
}

/** As many axes as anybody has a use for; the format allows 255. */
const shownAxes = 16;
const product = (shape: readonly number[]): string =>
  [...shape.slice(0, shownAxes), ...(shape.length > shownAxes ? ["…"] : [])].join(" x ");

const describe = ({ element, shape, end }: Header): string =>
  `the header announces ${product(shape)} values of type ${element.name} (${end} bytes in all)`;

function decode(bytes: Uint8Array, header: Header, file: string): NDArray {
  const { element, shape, start, end } = header;
  if (bytes.length !== end) {
    const problem = bytes.length < end ? "truncated" : "too long";
    throw new HebbError(`${file}: ${problem}; ${describe(header)}, found ${bytes.length} bytes.`);
  }
  const { dtype, get } = element;
  if (dtype === "uint8") return { data: bytes.slice(start), shape, dtype };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const data = new dtypes[dtype].array((end - start) / element.bytes) as Exclude<
    TypedArray,
    BigInt64Array | BigUint64Array
  >;
  for (let i = 0; i < data.length; i++) data[i] = get(view, start + i * element.bytes);
  return { data, shape, dtype };
}
