import type { NDArray } from "../engine/dtype.js";
import { HebbError } from "../engine/errors.js";
import { hostRandom } from "../engine/random/host.js";
import { type Dataset, gatherRows, size } from "./dataset.js";

export interface BatchOptions {
  readonly batchSize: number;
  /** Decides the order of every epoch; 0 by default. */
  readonly seed?: number;
  /** A new order each epoch (the default), or the order of the data. */
  readonly shuffle?: boolean;
  /** Leave out the last, smaller batch of an epoch, so that all batches have one shape. */
  readonly dropLast?: boolean;
  /** Stop after so many passes over the data ... */
  readonly epochs?: number;
  /** ... or after so many batches, whichever comes first; with neither, never. */
  readonly steps?: number;
}

/** Where a stream of batches stands: plain data, to be stored in a checkpoint. */
export interface BatchState {
  /** Batches handed out so far. */
  readonly step: number;
  /** What the order depends on; a state only fits a stream that agrees. */
  readonly order: {
    readonly n: number;
    readonly batchSize: number;
    readonly seed: number;
    readonly shuffle: boolean;
    readonly dropLast: boolean;
  };
}

/** One batch: rows of a data set. */
export interface Batch {
  readonly x: NDArray;
  readonly y: NDArray;
  /** The rows' indices in the data set, int32 `[b]`. */
  readonly indices: Int32Array;
}

/**
 * A stream of batches that can stop anywhere and continue bit-identically: `state()` says where it stands, `restore()`
 * puts a stream made with the same options there. Leaving a `for ... of` loop early keeps the place.
 */
export interface Batches<T> extends IterableIterator<T> {
  readonly batchesPerEpoch: number;
  /** Batches in the whole stream; `Infinity` when it does not end. */
  readonly length: number;
  next(): IteratorResult<T, undefined>;
  state(): BatchState;
  /** Throws `HebbError` when the state comes from a stream with other data or options. */
  restore(state: BatchState): void;
}

/**
 * The order in which epoch number `epoch` visits `n` examples: a function of `(n, seed, epoch)` alone, so that no state
 * beyond the epoch's number is needed to continue.
 */
export function epochOrder(n: number, seed: number, epoch: number): Int32Array {
  return hostRandom(seed).fork("batches").fork(epoch).permutation(n);
}

/** Shuffled, seeded, resumable batches of a data set; each batch is a fresh copy. See `BatchOptions`. */
export function batches(dataset: Dataset, options: BatchOptions): Batches<Batch> {
  return stream(size(dataset), options, (indices) => ({
    x: gatherRows(dataset.x, indices),
    y: gatherRows(dataset.y, indices),
    indices,
  }));
}

/** As `batches`, for data kept elsewhere: each batch is the indices int32 `[b]` of its examples in `0..n-1`. */
export function batchIndices(n: number, options: BatchOptions): Batches<Int32Array> {
  return stream(n, options, (indices) => indices);
}

function stream<T>(n: number, options: BatchOptions, make: (indices: Int32Array) => T): Batches<T> {
  const { batchSize, seed = 0, shuffle = true, dropLast = false } = options;
  const { epochs = Number.POSITIVE_INFINITY, steps = Number.POSITIVE_INFINITY } = options;
  checkCount("the number of examples", n, 1);
  checkCount("batchSize", batchSize, 1);
  if (options.epochs !== undefined) checkCount("epochs", epochs, 0);
  if (options.steps !== undefined) checkCount("steps", steps, 0);
  const batchesPerEpoch = dropLast ? Math.floor(n / batchSize) : Math.ceil(n / batchSize);
  if (batchesPerEpoch === 0) {
    throw new HebbError(`batches: with dropLast, ${n} examples make no batch of ${batchSize}.`);
  }
  const length = Math.min(epochs * batchesPerEpoch, steps);
  const order: BatchState["order"] = { n, batchSize, seed, shuffle, dropLast };
  let step = 0;
  let epoch = -1;
  let visits: Int32Array = new Int32Array(0);

  return {
    batchesPerEpoch,
    length,
    next() {
      if (step >= length) return { done: true, value: undefined };
      const current = Math.floor(step / batchesPerEpoch);
      if (current !== epoch) {
        visits = shuffle ? epochOrder(n, seed, current) : Int32Array.from({ length: n }, (_, i) => i);
        epoch = current;
      }
      const start = (step - epoch * batchesPerEpoch) * batchSize;
      step++;
      return { done: false, value: make(visits.slice(start, start + batchSize)) };
    },
    state: () => ({ step, order }),
    restore(state) {
      for (const key of Object.keys(order) as (keyof typeof order)[]) {
        if (state.order?.[key] !== order[key]) {
          throw new HebbError(
            `batches: the state was saved with ${key} ${state.order?.[key]}, this stream has ${order[key]}.`,
          );
        }
      }
      checkCount("the state's step", state.step, 0);
      step = state.step;
    },
    [Symbol.iterator]() {
      return this;
    },
  };
}

function checkCount(what: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new HebbError(`batches: ${what} must be a whole number of at least ${least}, got ${value}.`);
  }
}
