import { HebbError, type NDArray } from "../../engine/index.js";
import type { Labelled } from "../problem.js";

/** A question and its answer, in tokens. The answer includes the token that ends it. */
export interface TokenPair {
  readonly question: readonly number[];
  readonly answer: readonly number[];
}

/** The label where no loss counts. */
export const noLabel = -1;

export interface TokenRowOptions {
  /** Positions in a row. Default: as many as the longest pair needs. */
  readonly width?: number;
  /** The token after the end of a row. Default 0. */
  readonly pad?: number;
  readonly name?: string;
}

/**
 * Pairs as rows of a data set for a causal language model: x int32 `[n, width]` holds question and answer without the last
 * token, padded on the right; y int32 `[n, width]` the next token at each position of the answer, and -1 elsewhere.
 *
 * Throws `HebbError` when a question or an answer is empty, or a pair does not fit the width.
 */
export function tokenRows(pairs: readonly TokenPair[], options: TokenRowOptions = {}): Labelled {
  const needed = Math.max(0, ...pairs.map(({ question, answer }) => question.length + answer.length - 1));
  const { width = needed, pad = 0, name = "token rows" } = options;
  const x = new Int32Array(pairs.length * width).fill(pad);
  const y = new Int32Array(pairs.length * width).fill(noLabel);
  pairs.forEach(({ question, answer }, row) => {
    if (question.length === 0 || answer.length === 0)
      throw new HebbError(`tokenRows: pair ${row} has an empty ${question.length === 0 ? "question" : "answer"}.`);
    const length = question.length + answer.length - 1;
    if (length > width) throw new HebbError(`tokenRows: pair ${row} needs ${length} positions, a row has ${width}.`);
    x.set([...question, ...answer.slice(0, -1)], row * width);
    y.set(answer, row * width + question.length - 1);
  });
  const shape = [pairs.length, width];
  return { name, x: { data: x, shape, dtype: "int32" }, y: { data: y, shape, dtype: "int32" } };
}

/**
 * The questions and answers of rows such as `tokenRows` makes: the question ends where the first label stands. Throws
 * `HebbError` for rows that are no tokens, or that carry no label.
 */
export function tokenPairs({ name, x, y }: Pick<Labelled, "name" | "x" | "y">): TokenPair[] {
  if (x.shape.length !== 2 || String(y.shape) !== String(x.shape))
    throw new HebbError(`${name}: token rows are x and y of one shape [n, T], got x [${x.shape}] and y [${y.shape}].`);
  const [n, width] = x.shape;
  const row = ({ data }: NDArray, i: number) => Array.from((data as Int32Array).subarray(i * width, (i + 1) * width));
  return Array.from({ length: n }, (_, i) => {
    const [tokens, labels] = [row(x, i), row(y, i)];
    const first = labels.findIndex((label) => label >= 0);
    if (first < 0) throw new HebbError(`${name}: row ${i} has no label, so there is no answer in it.`);
    return { question: tokens.slice(0, first + 1), answer: labels.filter((label) => label >= 0) };
  });
}
