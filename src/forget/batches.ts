import { type BatchOptions, batchIndices, gatherRows } from "../data/index.js";
import { type Feed, HebbError, type Tensor } from "../engine/index.js";
import { type Examples, rowCount } from "./problem.js";
import { hasLabels } from "./view.js";

/** Rows of a data set, as a loss sees them. */
export interface RowBatch {
  readonly x: Tensor;
  /** Left out where the method may not see labels. */
  readonly y: Tensor;
  /** The rows' positions in the data set, int32 `[b]`: for what was computed row by row beforehand. */
  readonly indices: Tensor;
}

/** A finite list of batches, made one by one as it is gone through. */
export interface BatchList<B> extends Iterable<Feed<B>> {
  readonly length: number;
}

/**
 * Shuffled batches of a data set, a function of its size and the options alone: see `BatchOptions` of `hebb/data`. Throws
 * `HebbError` when neither `epochs` nor `steps` ends them.
 */
export function rowBatches(data: Examples, options: BatchOptions): BatchList<RowBatch> {
  if (options.epochs === undefined && options.steps === undefined)
    throw new HebbError(`rowBatches: give epochs or steps, or the batches of ${data.name} would never end.`);
  const labels = hasLabels(data) ? data.y : undefined;
  const stream = () => batchIndices(rowCount(data), options);
  return {
    length: stream().length,
    *[Symbol.iterator]() {
      for (const indices of stream()) {
        const x = gatherRows(data.x, indices);
        yield { x, ...(labels ? { y: gatherRows(labels, indices) } : {}), indices } as Feed<RowBatch>;
      }
    },
  };
}

/** Batches of several lists side by side, `{ forget, retain }`, to the end of the shortest. */
export function zipBatches<T extends Readonly<Record<string, unknown>>>(
  lists: {
    readonly [K in keyof T]: BatchList<T[K]>;
  },
): BatchList<T> {
  const names = Object.keys(lists) as (keyof T)[];
  const length = Math.min(...names.map((name) => lists[name].length));
  return {
    length,
    *[Symbol.iterator]() {
      const streams = names.map((name) => lists[name][Symbol.iterator]());
      for (let i = 0; i < length; i++)
        yield Object.fromEntries(names.map((name, k) => [name, streams[k].next().value])) as Feed<T>;
    },
  };
}

/** How many rows a batch holds: those of its `indices`, and of the batches in it. */
export function rowsOf(batch: unknown): number {
  if (typeof batch !== "object" || batch === null || ArrayBuffer.isView(batch)) return 0;
  const { indices } = batch as { indices?: unknown };
  if (indices instanceof Int32Array) return indices.length;
  return Object.values(batch).reduce((sum: number, part) => sum + rowsOf(part), 0);
}
