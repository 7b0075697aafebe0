import { batches } from "../data/batches.js";
import type { NDArray } from "../engine/dtype.js";
import { HebbError } from "../engine/errors.js";
import type { Tensor } from "../engine/tensor.js";
import type { Optimizer } from "../optim/optimizer.js";
import { type Procedure, procedure } from "../optim/procedure.js";
import { trainStep } from "./train-step.js";

export interface FitOptions<P, S> {
  /** A scalar to be minimised: `(params, x, y) => mean(crossEntropy(model.apply(params, x), y))`. */
  readonly loss: (params: P, x: Tensor, y: Tensor) => Tensor;
  /** Where to start; these tensors stay usable. */
  readonly params: P;
  readonly optimizer: Optimizer<S>;
  /** The optimiser's state to continue from; by default a fresh one. */
  readonly state?: S;
  /**
   * A step of an earlier run with these same options, after which this one goes on, bit for bit as that would have: what
   * a checkpoint keeps. Takes the place of `params` and `state`; these tensors stay usable too.
   */
  readonly from?: Pick<FitStep<P, S>, "step" | "params" | "state">;
  /** A data set, from which shuffled batches are drawn, or the batches themselves, from the first one on. */
  readonly data: { readonly x: NDArray; readonly y: NDArray } | Iterable<{ readonly x: NDArray; readonly y: NDArray }>;
  /** Examples in a batch of a data set. Default 32. */
  readonly batchSize?: number;
  /** Stop after so many steps, counted from the start of training ... */
  readonly steps?: number;
  /** ... or so many passes over the data set. One of the two is needed unless batches are given. */
  readonly epochs?: number;
  /** Decides the order of the examples. Default 0. */
  readonly seed?: number;
  /** Ends the loop before the next step, with the signal's reason as the error. */
  readonly signal?: AbortSignal;
}

/** One step of `fit`. */
export interface FitStep<P, S> {
  /** Steps done, from 1; also where the batches stand. */
  readonly step: number;
  /** The loss on this step's batch, before the step. */
  readonly loss: number;
  /** The parameters now. The next step uses them up: compute what you need from them before you continue. */
  readonly params: P;
  /** The optimiser's state now, used up likewise. */
  readonly state: S;
}

/** What training ended with. */
export interface Fitted<P, S> {
  readonly params: P;
  readonly state: S;
}

/** A training run: iterate over its steps, or `run()` it to its end. */
export type Fit<P, S> = Procedure<FitStep<P, S>, Fitted<P, S>>;

/**
 * Trains by mini-batches, step by step:
 *
 * `const { params } = await fit({ loss, params: model.init(key), optimizer: adam({ learningRate: 1e-3 }), data,
 * batchSize: 64, epochs: 5 }).run()`
 *
 * or `for await (const { step, loss } of fit({ ... }))`. The same seed gives the same batches. With `from`, any step that
 * was kept (`saveSafetensors({ params, state })` and its number) is continued exactly, in this process or another.
 *
 * Throws `HebbError` when neither `steps` nor `epochs` bounds a data set, and when the loss is not finite (the message
 * names the step); rethrows the reason of `signal`.
 */
export const fit = <P, S>(options: FitOptions<P, S>): Fit<P, S> => procedure(loop(options));

async function* loop<P, S>(options: FitOptions<P, S>): AsyncGenerator<FitStep<P, S>, Fitted<P, S>, undefined> {
  const { loss, optimizer, signal, steps = Number.POSITIVE_INFINITY } = options;
  let { params, state = optimizer.init(params) } = options.from ?? options;
  // The caller's own tensors are not given away: only what a step returned is donated to the next.
  let step = trainStep(loss, optimizer, { donate: false });
  const start = options.from?.step ?? 0;
  let done = start;
  for (const { x, y } of batchesOf(options, start)) {
    if (done >= steps) break;
    signal?.throwIfAborted();
    const after = await step(params as any, state as any, x as any, y as any);
    const value = await after.loss.item();
    done++;
    if (!Number.isFinite(value)) throw new HebbError(`fit: the loss became ${value} at step ${done}.`);
    ({ params, state } = after);
    if (done === start + 1) step = trainStep(loss, optimizer);
    yield { step: done, loss: value, params, state };
  }
  return { params, state };
}

/** The batches after the first `done`. */
function batchesOf<P, S>(options: FitOptions<P, S>, done: number): Iterable<{ x: NDArray; y: NDArray }> {
  const { data, batchSize = 32, steps, epochs, seed } = options;
  if (Symbol.iterator in data) return done === 0 ? data : after(done, data);
  if (steps === undefined && epochs === undefined) {
    throw new HebbError("fit: give `steps` or `epochs`, or training would never end.");
  }
  const stream = batches({ name: "data", ...data }, { batchSize, steps, epochs, seed });
  stream.restore({ ...stream.state(), step: done });
  return stream;
}

function* after<T>(count: number, items: Iterable<T>): Iterable<T> {
  let seen = 0;
  for (const item of items) if (seen++ >= count) yield item;
}
