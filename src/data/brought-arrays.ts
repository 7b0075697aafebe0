import { dtypes, type NDArray } from "../engine/dtype.js";
import { HebbError } from "../engine/errors.js";
import { oneLine, quote } from "../engine/quote.js";
import { broughtLimits } from "./brought-names.js";
import { listed } from "./brought-words.js";
import { type Dataset, fromArrays } from "./dataset.js";
import { scaledPixels } from "./pixels.js";

/** Arrays by the name of their file or in their archive. */
export type NamedArrays = ReadonlyMap<string, NDArray>;

interface Pair {
  readonly x: string;
  readonly y: string;
}

/** Names under which inputs and labels are found, in this order. */
const pairs: readonly Pair[] = [
  { x: "x", y: "y" },
  { x: "x_train", y: "y_train" },
  { x: "train_x", y: "train_y" },
  { x: "train_images", y: "train_labels" },
  { x: "images", y: "labels" },
  { x: "features", y: "labels" },
  { x: "data", y: "labels" },
  { x: "data", y: "target" },
  { x: "inputs", y: "targets" },
];

const testPairs: readonly Pair[] = [
  { x: "x_test", y: "y_test" },
  { x: "test_x", y: "test_y" },
  { x: "test_images", y: "test_labels" },
];

/** Rows with labels, as the files hold them, and where there is one their own test part. */
export interface LabelledArrays {
  readonly train: Dataset;
  readonly test?: Dataset;
  /** The inputs' type in the files. */
  readonly dtype: string;
}

/**
 * The data set that these arrays hold: inputs and labels of the usual names, or the two that fit. Bytes become numbers from
 * 0 to 1; labels that are not 0, 1, 2 … are numbered anew, and `classNames` tells them.
 *
 * Throws `HebbError` where no two arrays fit or more than one choice does, beyond the limits, and for values that are not
 * finite (with their row) or labels that are no whole numbers.
 */
export function labelledArrays(arrays: NamedArrays, name: string): LabelledArrays {
  const { train, test } = choose(arrays, name);
  const parts = [train, ...(test ? [test] : [])].map((pair) => readPair(arrays, pair, name));
  const [first, second] = parts;
  if (second && String(second.x.shape.slice(1)) !== String(first.x.shape.slice(1))) {
    throw new HebbError(
      `${name}: rows to train on have the shape [${first.x.shape.slice(1)}], those to test [${second.x.shape.slice(1)}].`,
    );
  }
  const [trainSet, testSet] = numbered(parts, name);
  return { train: trainSet, test: testSet, dtype: arrays.get(train.x)!.dtype };
}

function choose(arrays: NamedArrays, name: string): { readonly train: Pair; readonly test?: Pair } {
  const names = [...arrays.keys()];
  const called = (wanted: string) => names.find((other) => other.toLowerCase() === wanted);
  const known = (candidates: readonly Pair[]): Pair | undefined => {
    for (const { x, y } of candidates) {
      const pair = { x: called(x), y: called(y) };
      if (pair.x !== undefined && pair.y !== undefined) return pair as Pair;
    }
    return undefined;
  };
  const train = known(pairs);
  if (train) return { train, test: known(testPairs) };

  const labels = names.filter((other) => isLabels(arrays.get(other)!));
  const inputs = names.filter((other) => !isLabels(arrays.get(other)!) && arrays.get(other)!.shape.length > 1);
  const rows = (other: string) => arrays.get(other)!.shape[0];
  const fitting = inputs.flatMap((x) => labels.filter((y) => rows(y) === rows(x)).map((y): Pair => ({ x, y })));
  const once = (key: keyof Pair) => new Set(fitting.map((pair) => pair[key])).size === fitting.length;
  if (fitting.length === 0 || fitting.length > 2 || !once("x") || !once("y") || rowsAlike()) {
    const all = names.map((other) => `${quote(other)} ${arrays.get(other)!.dtype}[${arrays.get(other)!.shape}]`);
    throw new HebbError(
      oneLine(
        `${name}: expected inputs [n, ...] and whole numbers [n] as labels, ${fitting.length === 0 ? "no two of which fit" : "more than one choice of which fits"} in ${listed(all, 6) || "no arrays"}; call them x and y.`,
      ),
    );
  }
  const [one, two] = fitting.sort((a, b) => rows(b.x) - rows(a.x));
  return { train: one, test: two };

  function rowsAlike(): boolean {
    return fitting.length === 2 && rows(fitting[0].x) === rows(fitting[1].x);
  }
}

/** One axis (or a second of length 1) of whole numbers. */
const isLabels = ({ shape, dtype }: NDArray): boolean =>
  (shape.length === 1 || (shape.length === 2 && shape[1] === 1)) && dtypes[dtype].kind !== "float";

function readPair(arrays: NamedArrays, pair: Pair, name: string): { x: NDArray; labels: Float64Array } {
  const x = arrays.get(pair.x)!;
  const y = arrays.get(pair.y)!;
  const [xName, yName] = [`${name}: ${quote(pair.x)}`, `${name}: ${quote(pair.y)}`];
  const [rows, ...rest] = x.shape;
  if (x.shape.length < 2) throw new HebbError(`${xName} needs the shape [n, ...], got [${x.shape}].`);
  const column = y.shape.length === 1 || (y.shape.length === 2 && y.shape[1] === 1);
  if (!column || y.shape[0] !== rows) {
    throw new HebbError(
      `${yName} needs one label for each of the ${rows} rows of ${quote(pair.x)}, got the shape [${y.shape}].`,
    );
  }
  if (rows === 0) throw new HebbError(`${xName} has no rows.`);
  if (rows > broughtLimits.rows)
    throw new HebbError(`${xName} has ${rows} rows; at most ${broughtLimits.rows} are allowed.`);
  const width = rest.reduce((product, length) => product * length, 1);
  if (width === 0) throw new HebbError(`${xName} has rows without values.`);
  if (width > broughtLimits.columns) {
    throw new HebbError(`${xName} has rows of ${width} values; at most ${broughtLimits.columns} are allowed.`);
  }
  if (rows * width > broughtLimits.values) {
    throw new HebbError(`${xName} has ${rows * width} values; at most ${broughtLimits.values} are allowed.`);
  }
  return { x: asFloat32(x, width, xName), labels: asLabels(y, yName) };
}

function asFloat32(x: NDArray, width: number, name: string): NDArray {
  if (x.dtype === "uint8") return scaledPixels(x, 255);
  if (x.dtype === "float16") throw new HebbError(`${name} is float16, which is not read; save it as float32.`);
  const data = x.dtype === "float32" ? (x.data as Float32Array) : new Float32Array(x.data.length);
  for (let i = 0; i < data.length; i++) {
    data[i] = Number(x.data[i]);
    if (!Number.isFinite(data[i])) {
      throw new HebbError(
        `${name} holds ${x.data[i]} in row ${Math.floor(i / width)} (counted from 0); inputs must be finite numbers.`,
      );
    }
  }
  return { data, shape: x.shape, dtype: "float32" };
}

function asLabels(y: NDArray, name: string): Float64Array {
  if (y.dtype === "float16") throw new HebbError(`${name} is float16, which is not read; save it as int32.`);
  const labels = Float64Array.from(y.data as Int32Array, Number);
  const row = labels.findIndex((label) => !Number.isSafeInteger(label));
  if (row >= 0)
    throw new HebbError(`${name} holds ${y.data[row]} in row ${row} (counted from 0); labels must be whole numbers.`);
  return labels;
}

/** The parts with labels from 0, numbered alike. */
function numbered(parts: readonly { readonly x: NDArray; readonly labels: Float64Array }[], name: string): Dataset[] {
  const seen = new Set<number>();
  for (const { labels } of parts) {
    for (const label of labels) {
      if (!seen.has(label) && seen.add(label).size > broughtLimits.classes) {
        throw new HebbError(
          `${name}: there are more than ${broughtLimits.classes} different labels, too many for classes.`,
        );
      }
    }
  }
  const order = [...seen].sort((a, b) => a - b);
  if (order.length < 2) {
    throw new HebbError(`${name}: all rows have the label ${order[0]}; there must be two classes at least.`);
  }
  const numbers = new Map(order.map((label, i) => [label, i]));
  const plain = order.every((label, i) => label === i);
  return parts.map(({ x, labels }) => {
    const data = Int32Array.from(labels, (label) => numbers.get(label)!);
    const y: NDArray = { data, shape: [data.length], dtype: "int32" };
    return fromArrays(x, y, { name, classes: order.length, ...(plain ? {} : { classNames: order.map(String) }) });
  });
}

/** Class numbers without gaps: a class that no row has would only be in the way. */
export function withoutGaps(data: Dataset): Dataset {
  if (data.classNames) return data;
  const labels = Float64Array.from(data.y.data as Int32Array);
  return numbered([{ x: data.x, labels }], data.name)[0];
}
