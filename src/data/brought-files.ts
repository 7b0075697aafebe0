import type { NDArray } from "../engine/dtype.js";
import { HebbError } from "../engine/errors.js";
import { printable, quote } from "../engine/quote.js";
import { readNpz } from "../interop/npz.js";
import { type LabelledArrays, labelledArrays, withoutGaps } from "./brought-arrays.js";
import { arraysLook, type Look, tableLook } from "./brought-look.js";
import { type BroughtFile, type BroughtOptions, broughtLimits } from "./brought-names.js";
import { surveyTable, type TableReading } from "./brought-table.js";
import { parseCsv } from "./csv.js";
import { csvRows } from "./csv-rows.js";
import { parseIdx } from "./idx.js";

/** Files by what they are. */
export type SortedFiles =
  | { readonly kind: "csv"; readonly files: readonly [BroughtFile] }
  | { readonly kind: "idx"; readonly files: readonly BroughtFile[] }
  | { readonly kind: "npz"; readonly files: readonly [BroughtFile] }
  /** The model first, then what lies beside it. */
  | { readonly kind: "onnx"; readonly files: readonly BroughtFile[] };

const expected = "a CSV table, a pair of IDX files, an .npz archive or an ONNX model";

/** Recognises what was brought by its first bytes, or where these do not tell by its name. Throws `HebbError` where it cannot. */
export function sortFiles(given: readonly BroughtFile[]): SortedFiles {
  const { bytes: mostBytes, files: mostFiles } = broughtLimits;
  if (given.length === 0) throw new HebbError(`Expected ${expected}, got no file.`);
  if (given.length > mostFiles) throw new HebbError(`Expected ${expected}, got ${given.length} files.`);
  const files = given.map(({ name, bytes }) => ({ name: shortName(name), bytes }));
  const bytes = files.reduce((sum, file) => sum + file.bytes.length, 0);
  const what = files.length === 1 ? files[0].name : `${files[0].name} and ${files.length - 1} more`;
  if (bytes > mostBytes) {
    throw new HebbError(
      `${what}: ${megabytes(bytes)} are more than the ${megabytes(mostBytes)} that a data set may have.`,
    );
  }
  const model = files.find(({ name }) => /\.onnx$/i.test(name));
  if (model) return { kind: "onnx", files: [model, ...files.filter((file) => file !== model)] };
  const kinds = files.map(kindOf);
  if (kinds.every((kind) => kind === "idx")) {
    if (files.length !== 2 && files.length !== 4) {
      throw new HebbError(
        `${what}: IDX files come in pairs, one with the inputs and one with the labels: bring both together.`,
      );
    }
    return { kind: "idx", files };
  }
  if (files.length > 1)
    throw new HebbError(`Expected ${expected}, got ${files.length} files that do not belong together (${what}).`);
  return { kind: kinds[0] as "csv" | "npz", files: [files[0]] };
}

const shortName = (name: string): string => printable(name.split(/[/\\]/).at(-1)!.slice(-100)) || "the file";

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(bytes % 2 ** 20 === 0 ? 0 : 1)} MiB`;

const starts = (bytes: Uint8Array, ...first: readonly number[]): boolean => first.every((byte, i) => bytes[i] === byte);

/** Files that people are likely to bring, and what to do about them. */
const others: readonly { readonly is: (file: BroughtFile) => boolean; readonly advice: string }[] = [
  { is: ({ name }) => /\.(xlsx?|ods)$/i.test(name), advice: "this is a spreadsheet; save it as CSV" },
  {
    is: ({ bytes }) => starts(bytes, 0x93, 0x4e, 0x55, 0x4d),
    advice: "this is a single array; save inputs and labels in one file by numpy.savez(file, x=…, y=…)",
  },
  {
    is: ({ bytes }) => starts(bytes, 0x89, 0x50, 0x4e, 0x47) || starts(bytes, 0xff, 0xd8, 0xff),
    advice: "this is a picture; save pictures and their labels as arrays by numpy.savez(file, x=…, y=…)",
  },
  { is: ({ bytes }) => starts(bytes, 0x50, 0x41, 0x52, 0x31), advice: "this is a Parquet file; save it as CSV" },
  {
    is: ({ bytes }) => starts(bytes, 0xff, 0xfe) || starts(bytes, 0xfe, 0xff),
    advice: "this is text in UTF-16; save it as UTF-8",
  },
  {
    is: ({ name, bytes }) => isGzip(bytes) && /\.(csv|tsv|txt|npz|tar|tgz)(\.gz)?$/i.test(name),
    advice: "this is packed; unpack it first",
  },
];

const isGzip = (bytes: Uint8Array): boolean => starts(bytes, 0x1f, 0x8b);

function kindOf(file: BroughtFile): "csv" | "idx" | "npz" {
  const { name, bytes } = file;
  if (bytes.length === 0) throw new HebbError(`${name}: the file is empty.`);
  const other = others.find(({ is }) => is(file));
  if (other) throw new HebbError(`${name}: ${other.advice}.`);
  if (starts(bytes, 0x50, 0x4b)) return "npz";
  if (isGzip(bytes) || (starts(bytes, 0, 0) && bytes[2] >= 8 && bytes[2] <= 14 && bytes[3] > 0)) return "idx";
  if (/\.npz$/i.test(name)) return "npz";
  if (/idx\d?-?u?byte|\.idx\d?$/i.test(name)) return "idx";
  if (bytes.subarray(0, 4096).includes(0))
    throw new HebbError(`${name}: expected ${expected}, and this is none of them.`);
  return "csv";
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const bytesOf = (files: readonly BroughtFile[]): number => files.reduce((sum, { bytes }) => sum + bytes.length, 0);

/**
 * What is in the files that a user brings: shape, types, classes and first rows, or the parts of a model. A table that
 * needs other choices of columns has a `problem`.
 *
 * Throws `HebbError`, one sentence that names the file, for everything that cannot be read.
 */
export async function lookAt(given: readonly BroughtFile[], options: BroughtOptions = {}): Promise<Look> {
  return lookAtSorted(sortFiles(given), options);
}

export async function lookAtSorted({ kind, files }: SortedFiles, options: BroughtOptions): Promise<Look> {
  const bytes = bytesOf(files);
  if (kind === "csv") return tableLook(await surveyTable(textOf(files[0].bytes), options, files[0].name), bytes);
  if (kind === "onnx") {
    const { modelLook } = await import("./brought-model.js");
    return modelLook(files[0], files.slice(1), bytes);
  }
  return arraysLook(kind, await readArrays(kind, files), bytes);
}

async function readArrays(kind: "idx" | "npz", files: readonly BroughtFile[]): Promise<LabelledArrays> {
  const [{ name, bytes }] = files;
  // Values take more room in memory than they may in files: 64-bit numbers, for one.
  if (kind === "npz") return labelledArrays(readNpz(bytes, name, { maxBytes: 8 * broughtLimits.values }), name);
  const arrays = new Map<string, NDArray>();
  for (const file of files) {
    if (arrays.has(file.name)) throw new HebbError(`Two of the files are called ${quote(file.name)}.`);
    arrays.set(file.name, await parseIdx(file.bytes, file.name));
  }
  return labelledArrays(arrays, name);
}

/** Rows with labels. */
export interface LabelledRows {
  readonly train: LabelledArrays["train"];
  readonly test?: LabelledArrays["test"];
}

/** Reads rows with labels; `reading` is what a look at a table found. `name` is what the data set is called. */
export async function readRows(
  kind: "csv" | "idx" | "npz",
  files: readonly BroughtFile[],
  reading: TableReading | undefined,
  name: string,
): Promise<LabelledRows> {
  if (kind === "csv") return { train: readTable(files[0], reading!, name) };
  const { train, test } = await readArrays(kind, files);
  return { train: { ...train, name }, ...(test ? { test: { ...test, name } } : {}) };
}

function readTable(file: BroughtFile, { delimiter, header, label, without }: TableReading, name: string) {
  const text = textOf(file.bytes);
  const left = new Set([...without, label]);
  const width = csvRows(text, delimiter, file.name).next().value?.cells.length ?? 0;
  const features = Array.from({ length: width }, (_, i) => i).filter((i) => !left.has(i));
  return withoutGaps(parseCsv(text, { label, header, delimiter, features, name }, file.name));
}
