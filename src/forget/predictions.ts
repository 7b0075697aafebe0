import { type Feed, HebbError, jit, type NDArray } from "../engine/index.js";
import type { Examples, Labelled, UnlearnProblem } from "./problem.js";
import { outputsOf, rowCount } from "./problem.js";

/** What a model says of each row of a set, in host memory. */
export interface Predictions {
  /** Numbers for each row: logits of the classes, or one prediction. */
  readonly width: number;
  readonly values: Float64Array;
}

/** Runs a model over data sets, block by block; compiled once for all parameters. */
export type Predictor<P> = (params: P, rows: Examples) => Promise<Predictions>;

export function predictor<P>({ apply }: Pick<UnlearnProblem<P>, "apply">, block = 1000): Predictor<P> {
  const forward = jit((params: P, x: Parameters<typeof apply>[1]) => outputsOf(apply(params, x)).out, {
    name: "predict",
  });
  return async (params, rows) => {
    const n = rowCount(rows);
    const parts: ArrayLike<number>[] = [];
    for (let start = 0; start < n; start += block) {
      const out = await forward(params as Feed<P>, slice(rows.x, start, Math.min(start + block, n)) as Feed<any>);
      parts.push((await out.data()) as Float32Array);
    }
    const values = Float64Array.from(parts.flatMap((part) => Array.from(part)));
    return { width: values.length / n, values };
  };
}

function slice({ data, shape, dtype }: NDArray, start: number, end: number): NDArray {
  const width = data.length / shape[0];
  return { data: data.subarray(start * width, end * width), shape: [end - start, ...shape.slice(1)], dtype };
}

/** log-softmax of each row of logits. */
export function logProbabilities({ width, values }: Predictions): Predictions {
  const out = new Float64Array(values.length);
  for (let at = 0; at < values.length; at += width) {
    const row = values.subarray(at, at + width);
    const most = row.reduce((a, b) => Math.max(a, b));
    const total = most + Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - most), 0));
    for (let c = 0; c < width; c++) out[at + c] = row[c] - total;
  }
  return { width, values: out };
}

/** The loss of each row: the cross-entropy of its label, in nats. */
export const labelLosses = (logits: Predictions, { y }: Labelled): Float64Array => {
  const { width, values } = logProbabilities(logits);
  return Float64Array.from(y.data as Int32Array, (label, row) => -values[row * width + label]);
};

/** |prediction - target| of each row. */
export const absoluteErrors = ({ values }: Predictions, { y }: Labelled): Float64Array =>
  Float64Array.from(y.data as Float32Array, (target, row) => Math.abs(values[row] - target));

/** The share of rows, in percent, whose label has the highest logit. */
export function accuracyOf({ width, values }: Predictions, { y, name }: Labelled): number {
  const labels = y.data as Int32Array;
  if (labels.length === 0) throw new HebbError(`accuracy: the ${name} set is empty.`);
  let right = 0;
  labels.forEach((label, row) => {
    const own = values.subarray(row * width, (row + 1) * width);
    // Of equal logits the first is the model's answer, as in argmax.
    if (own.indexOf(own.reduce((a, b) => Math.max(a, b))) === label) right++;
  });
  return (100 * right) / labels.length;
}

/** The mean over rows of KL(p || q), in nats, of two models' class probabilities. */
export function meanDivergence(p: Predictions, q: Predictions): number {
  const [a, b] = [logProbabilities(p), logProbabilities(q)];
  const terms = a.values.map((logP, i) => Math.exp(logP) * (logP - b.values[i]));
  return sum(terms) / (terms.length / a.width);
}

/** The mean over rows of the Euclidean distance between two models' class probabilities. */
export function meanDistance(p: Predictions, q: Predictions): number {
  const [a, b] = [logProbabilities(p), logProbabilities(q)];
  const squares = a.values.map((logP, i) => (Math.exp(logP) - Math.exp(b.values[i])) ** 2);
  const rows = squares.length / a.width;
  let total = 0;
  for (let row = 0; row < rows; row++) total += Math.sqrt(sum(squares.subarray(row * a.width, (row + 1) * a.width)));
  return total / rows;
}

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
