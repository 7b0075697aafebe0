import { basename, resolve } from "node:path";
import { platform } from "#platform";
import { readCsv } from "../data/csv.js";
import { readIdxPair } from "../data/idx.js";
import { dtypes, type NDArray } from "../engine/dtype.js";
import { HebbError } from "../engine/errors.js";
import { log, maximum, type Tensor, tensor } from "../engine/index.js";
import type { AuditedModel, Labelled } from "../forget/index.js";
import { readNpz } from "../interop/npz.js";
import { fromOnnx } from "../interop/onnx/import.js";
import { UsageError } from "./usage.js";

export interface RowsOptions {
  /** The label's column in CSV files: its name or number. */
  readonly label: string;
  /** What is taken from every input, and what the rest is then divided by. */
  readonly shift: number;
  readonly scale: number;
}

/**
 * Rows with class numbers from a CSV file, an npz file with the arrays x and y, or a pair of IDX files
 * `images.idx,labels.idx`. The inputs become float32, (x - shift) / scale.
 */
export async function readRows(cwd: string, place: string, options: RowsOptions): Promise<Labelled> {
  const { x, y } = await readAny(cwd, place, options);
  if (dtypes[x.dtype].big || x.dtype === "float16")
    throw new HebbError(`${place}: inputs of dtype ${x.dtype} are not read; save them as float32.`);
  const { shift, scale } = options;
  const data = Float32Array.from(x.data as Float32Array, (value) => (Number(value) - shift) / scale);
  return { name: place, x: { data, shape: x.shape, dtype: "float32" }, y };
}

async function readAny(cwd: string, place: string, { label }: RowsOptions): Promise<{ x: NDArray; y: NDArray }> {
  if (place.includes(",")) {
    const [images, labels, ...more] = place.split(",").map((path) => resolve(cwd, path));
    if (more.length > 0) throw new UsageError(`'${place}' names ${more.length + 2} files; IDX data are two of them.`);
    return readIdxPair(images, labels);
  }
  const path = resolve(cwd, place);
  if (/\.npz$/i.test(place)) return fromNpz(await platform.readFile(path), place);
  if (!/\.(csv|txt)$/i.test(place))
    throw new UsageError(`'${place}' is neither .csv nor .npz, nor a pair of IDX files 'images.idx,labels.idx'.`);
  const rows = await readCsv(path, { label: /^-?\d+$/.test(label) ? Number(label) : label, name: place });
  // Files that are read one by one would number names differently.
  if (rows.classNames)
    throw new HebbError(`${place}: the labels must be class numbers from 0, in the order of the model's outputs.`);
  return rows;
}

function fromNpz(bytes: Uint8Array, place: string): { x: NDArray; y: NDArray } {
  const arrays = readNpz(bytes, place);
  const [x, y] = ["x", "y"].map((name) => arrays.get(name) ?? arrays.get(name.toUpperCase()));
  if (!x || !y)
    throw new HebbError(`${place}: expected the arrays x and y, found ${[...arrays.keys()].join(", ") || "none"}.`);
  if (x.shape.length < 2 || y.shape.length !== 1 || x.shape[0] !== y.shape[0])
    throw new HebbError(`${place}: x must be [n, ...] and y [n], got [${x.shape}] and [${y.shape}].`);
  const labels = Int32Array.from(y.data as Int32Array, Number);
  const wrong = labels.findIndex((value, row) => value !== Number(y.data[row]));
  if (wrong >= 0) throw new HebbError(`${place}: the label of row ${wrong} is ${y.data[wrong]}, no class number.`);
  return { x, y: { data: labels, shape: y.shape, dtype: "int32" } };
}

/** A classifier from a file. */
export interface ReadModel {
  readonly model: AuditedModel;
  /** It gives probabilities, of which the logarithm is taken. */
  readonly probabilities: boolean;
}

/**
 * A classifier in an ONNX file, or in the folder of a run that holds `model.onnx`. `rows` are some that it will be given.
 * Outputs that are probabilities (not negative, of sum 1) become their logarithms.
 */
export async function readClassifier(cwd: string, place: string, rows: Labelled): Promise<ReadModel> {
  const path = await onnxFile(resolve(cwd, place), place);
  const beside = `${path}.data`;
  const weights = (await platform.exists(beside)) ? { [basename(beside)]: await platform.readFile(beside) } : undefined;
  const onnx = fromOnnx<any, Tensor>(await platform.readFile(path), {
    name: place,
    ...(weights ? { externalData: weights } : {}),
  });
  const [input, ...others] = onnx.inputs;
  if (others.length > 0 || onnx.outputs.length !== 1)
    throw new HebbError(
      `${place}: an audit takes models of one input and one output, this one has ${onnx.inputs.length} and ${onnx.outputs.length}.`,
    );
  const width = rows.x.data.length / rows.x.shape[0];
  const tail = input.shape?.slice(1);
  const known = tail?.every((size): size is number => typeof size === "number") ? (tail as number[]) : undefined;
  if (known && known.reduce((product, size) => product * size, 1) !== width)
    throw new HebbError(
      `${place}: the model takes rows of [${known}], but those of ${rows.name} have ${width} values.`,
    );
  const logits = (params: any, x: Tensor) => onnx.apply(params, known ? x.reshape(x.shape[0], ...known) : x);
  const first = logits(onnx.params, tensor(firstOf(rows.x)));
  const probabilities = first.rank === 2 && areProbabilities(await first.array());
  const apply = probabilities ? (params: any, x: Tensor) => log(maximum(logits(params, x), 1e-12)) : logits;
  return { model: { params: onnx.params, apply }, probabilities };
}

async function onnxFile(path: string, place: string): Promise<string> {
  if (/\.onnx$/i.test(path)) return path;
  const inFolder = `${path}/model.onnx`;
  if (await platform.exists(inFolder)) return inFolder;
  throw new HebbError(
    `${place} is neither an .onnx file nor a folder with model.onnx in it; toOnnx (hebb/interop) writes one.`,
  );
}

const firstOf = ({ data, shape, dtype }: NDArray): NDArray => {
  const count = Math.min(16, shape[0]);
  return { data: data.slice(0, (count * data.length) / shape[0]), shape: [count, ...shape.slice(1)], dtype } as NDArray;
};

function areProbabilities({ data, shape: [rows, classes] }: NDArray): boolean {
  const values = Array.from(data as Float32Array);
  if (values.some((value) => !(value >= 0))) return false;
  return Array.from({ length: rows }, (_, row) => values.slice(row * classes, (row + 1) * classes)).every(
    (own) => Math.abs(own.reduce((sum, value) => sum + value, 0) - 1) < 1e-3,
  );
}
