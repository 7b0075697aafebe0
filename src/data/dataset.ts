import type { NDArray, TypedArray } from "../engine/dtype.js";
import { dtypes } from "../engine/dtype.js";
import { HebbError } from "../engine/errors.js";
import { hostRandom } from "../engine/random/host.js";

/** Examples and their labels, in host memory; the first axis of both counts the examples. */
export interface Dataset {
  readonly name: string;
  /** Inputs, `[n, ...features]`. */
  readonly x: NDArray;
  /** Labels, int32 `[n]`; targets, float32 `[n]`, in a regression set. */
  readonly y: NDArray;
  /** The number of classes: labels are in `0..classes-1`. */
  readonly classes?: number;
  /** What each label stands for, where the classes have names. */
  readonly classNames?: readonly string[];
  readonly licence?: string;
  readonly source?: string;
}

/** A data set with the test split that its authors fixed. */
export interface TrainTest {
  readonly train: Dataset;
  readonly test: Dataset;
}

/** The number of examples. */
export const size = (dataset: Dataset): number => dataset.x.shape[0];

export interface FromArraysOptions {
  readonly name?: string;
  /** The number of classes; without it, the largest label plus one. */
  readonly classes?: number;
  readonly classNames?: readonly string[];
  readonly licence?: string;
  readonly source?: string;
}

/**
 * A data set of arrays in memory: rows of numbers become float32 `[n, d]`, labels int32 `[n]`; `NDArray`s are used as
 * they are, without a copy. A float32 `y` makes a regression set.
 *
 * Throws `HebbError` when lengths differ, a row is ragged, a value is not finite or a label is not a class.
 */
export function fromArrays(
  x: NDArray | readonly (readonly number[])[],
  y: NDArray | ArrayLike<number>,
  options: FromArraysOptions = {},
): Dataset {
  const { name = "arrays", ...rest } = options;
  const inputs = "shape" in x ? x : fromRows(x, name);
  const targets: NDArray = "shape" in y ? y : { data: fromLabels(y, name), shape: [y.length], dtype: "int32" };
  checkArray(inputs, `${name}: x`);
  checkArray(targets, `${name}: y`);
  if (inputs.shape.length < 2) {
    throw new HebbError(`${name}: x needs the shape [n, ...features], got [${inputs.shape}].`);
  }
  if (targets.shape.length !== 1 || targets.shape[0] !== inputs.shape[0]) {
    throw new HebbError(
      `${name}: x has ${inputs.shape[0]} rows, so y needs the shape [${inputs.shape[0]}], got [${targets.shape}].`,
    );
  }
  checkFinite(inputs, `${name}: x`);
  if (targets.dtype === "float32") {
    checkFinite(targets, `${name}: y`);
    return { name, x: inputs, y: targets, ...rest };
  }
  if (targets.dtype !== "int32") {
    throw new HebbError(`${name}: y must be int32 labels or float32 targets, got ${targets.dtype}.`);
  }
  const classes = options.classes ?? options.classNames?.length ?? largest(targets.data as Int32Array) + 1;
  (targets.data as Int32Array).forEach((label, row) => {
    if (label < 0 || label >= classes) {
      throw new HebbError(`${name}: the label of row ${row} is ${label}, expected 0 to ${classes - 1}.`);
    }
  });
  return { name, x: inputs, y: targets, ...rest, classes };
}

function fromRows(rows: readonly (readonly number[])[], name: string): NDArray {
  const width = rows[0]?.length ?? 0;
  const data = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    if (row.length !== width) {
      throw new HebbError(`${name}: row ${i} of x has ${row.length} values, row 0 has ${width}.`);
    }
    data.set(row, i * width);
  });
  return { data, shape: [rows.length, width], dtype: "float32" };
}

function fromLabels(labels: ArrayLike<number>, name: string): Int32Array {
  const data = Int32Array.from(labels);
  const row = data.findIndex((label, i) => label !== labels[i]);
  if (row >= 0) throw new HebbError(`${name}: the label of row ${row} is ${labels[row]}, expected a whole number.`);
  return data;
}

function largest(labels: Int32Array): number {
  return labels.reduce((most, label) => Math.max(most, label), -1);
}

function checkArray(array: NDArray, what: string): void {
  const count = array.shape.reduce((product, length) => product * length, 1);
  if (array.data.length !== count) {
    throw new HebbError(`${what} has ${array.data.length} values, its shape [${array.shape}] needs ${count}.`);
  }
}

function checkFinite(array: NDArray, what: string): void {
  // float16 is held as bit patterns, and integers are always finite.
  if (array.dtype !== "float32" && array.dtype !== "float64") return;
  const data = array.data as Float32Array;
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i])) throw new HebbError(`${what} holds ${data[i]} at value ${i}.`);
  }
}

/** Rows of an array in the order of `indices` (repeats allowed): `[k, ...rest]`. The indices are not checked. */
export function gatherRows(array: NDArray, indices: Int32Array): NDArray {
  const { shape, dtype } = array;
  const width = shape.slice(1).reduce((product, length) => product * length, 1);
  const out = new dtypes[dtype].array(indices.length * width);
  copyRows(out as Float32Array, array.data as Float32Array, indices, width);
  return { data: out, shape: [indices.length, ...shape.slice(1)], dtype };
}

function copyRows(out: Float32Array, from: Float32Array, indices: Int32Array, width: number): void {
  if (width === 1) {
    for (let i = 0; i < indices.length; i++) out[i] = from[indices[i]];
    return;
  }
  for (let i = 0; i < indices.length; i++) {
    const start = indices[i] * width;
    out.set(from.subarray(start, start + width), i * width);
  }
}

/** The examples at `indices`, in that order; repeats are allowed. Throws `HebbError` for an index out of range. */
export function take(dataset: Dataset, indices: ArrayLike<number>): Dataset {
  const n = size(dataset);
  const rows = Int32Array.from(indices);
  for (let i = 0; i < rows.length; i++) {
    if (rows[i] !== indices[i] || rows[i] < 0 || rows[i] >= n) {
      throw new HebbError(`take: ${dataset.name} has rows 0 to ${n - 1}, got index ${indices[i]}.`);
    }
  }
  return { ...dataset, x: gatherRows(dataset.x, rows), y: gatherRows(dataset.y, rows) };
}

/**
 * Disjoint parts of a data set, drawn in the order given: `split(data, { train: 0.9, val: 0.1 }, { seed: 0 })`.
 *
 * The parts are numbers of examples, or all of them fractions in (0, 1); what they leave over is in no part. With a
 * `seed` the examples are shuffled first by `hostRandom(seed)`, without one they keep their order. Throws `HebbError`
 * when the parts need more than there is, or one would be empty.
 */
export function split<K extends string>(
  dataset: Dataset,
  parts: Readonly<Record<K, number>>,
  options: { readonly seed?: number } = {},
): Record<K, Dataset> {
  const n = size(dataset);
  const names = Object.keys(parts) as K[];
  const fractions = names.every((name) => parts[name] > 0 && parts[name] < 1);
  const order =
    options.seed === undefined ? Int32Array.from({ length: n }, (_, i) => i) : hostRandom(options.seed).permutation(n);
  const result = {} as Record<K, Dataset>;
  let sum = 0;
  for (const name of names) {
    // Rounding the running sum, not each part, makes fractions that add up to 1 use every example.
    const boundary = (value: number) => (fractions ? Math.round(value * n) : value);
    const start = boundary(sum);
    sum += parts[name];
    const end = boundary(sum);
    if (!Number.isInteger(start) || !Number.isInteger(end)) {
      throw new HebbError(
        `split: part "${name}" is ${parts[name]}; give all parts as whole numbers or all as fractions.`,
      );
    }
    if (end <= start) throw new HebbError(`split: part "${name}" of ${dataset.name} would be empty.`);
    if (end > n) throw new HebbError(`split: part "${name}" ends at example ${end}, but ${dataset.name} has ${n}.`);
    result[name] = take(dataset, order.subarray(start, end));
  }
  return result;
}

/** The same examples with each one given `shape`, such as `[784]` or `[1, 28, 28]`; nothing is copied. */
export function reshapeRows(dataset: Dataset, shape: readonly number[]): Dataset {
  const count = (dims: readonly number[]) => dims.reduce((product, length) => product * length, 1);
  const rowShape = dataset.x.shape.slice(1);
  if (count(shape) !== count(rowShape)) {
    throw new HebbError(`reshapeRows: rows of ${dataset.name} have the shape [${rowShape}], which is not [${shape}].`);
  }
  return { ...dataset, x: { ...dataset.x, shape: [size(dataset), ...shape] } };
}

/** Labels int32 `[n]` as float32 `[n, classes]` with a 1 at each label. Throws `HebbError` for a label out of range. */
export function oneHotLabels(labels: NDArray, classes: number): NDArray {
  const data = new Float32Array(labels.data.length * classes);
  (labels.data as Int32Array).forEach((label, row) => {
    if (!(label >= 0 && label < classes)) {
      throw new HebbError(`oneHotLabels: the label of row ${row} is ${label}, expected 0 to ${classes - 1}.`);
    }
    data[row * classes + label] = 1;
  });
  return { data, shape: [labels.data.length, classes], dtype: "float32" };
}

/** The inputs as plain numbers, for code that computes on the host. */
export function hostValues(array: NDArray, what: string): Exclude<TypedArray, BigInt64Array | BigUint64Array> {
  if (dtypes[array.dtype].big || array.dtype === "float16") {
    throw new HebbError(`${what}: expected numbers, got ${array.dtype}.`);
  }
  return array.data as Float32Array;
}
