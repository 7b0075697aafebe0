import { valueAndGrad } from "../engine/autodiff.js";
import { HebbError } from "../engine/errors.js";
import { type Feed, type Jitted, jit } from "../engine/jit.js";
import { reshape, sliceAxis } from "../engine/primitives/structure.js";
import type { Key } from "../engine/random/keys.js";
import type { Tensor } from "../engine/tensor.js";
import { treeMap } from "../engine/tree.js";
import { vmap } from "../engine/vmap.js";
import { applyUpdates, type Optimizer } from "../optim/optimizer.js";
import { type Procedure, procedure } from "../optim/procedure.js";
import type { Model } from "./model.js";

/** Parameters of many models, stacked: each leaf [...] of `model.init(key)` is [n, ...]. `keys` is uint32 [n, 2]. */
export const initMany = <P>(model: Pick<Model<P>, "init">, keys: Key): P => vmap((key: Key) => model.init(key))(keys);

/** Model `i` of a stacked tree. Throws `HebbError` when there is none. */
export function unstack<P>(stacked: P, i: number): P {
  return treeMap((t: Tensor) => {
    if (!(i >= 0 && i < t.shape[0])) throw new HebbError(`unstack: there is no model ${i} among ${t.shape[0] ?? 0}.`);
    return reshape(sliceAxis(t, 0, i, i + 1), t.shape.slice(1));
  }, stacked) as P;
}

/** The outcome of one step of many models; the losses [n] are those before the step. */
export interface SteppedMany<P, S> {
  readonly params: P;
  readonly state: S;
  readonly losses: Tensor;
}

/**
 * One step of training of many models at once, compiled: `(params, state, data, batch) => { params, state, losses }`.
 * Parameters, state and `batch` are stacked (see `initMany`); `data` is shared by all models.
 *
 * Parameters and state are donated: after a call only the returned ones may be used. `{ donate: false }` keeps both.
 */
export function trainManyStep<P, S, D, B>(
  loss: (params: P, data: D, batch: B) => Tensor,
  optimizer: Optimizer<S>,
  { donate = true }: { donate?: boolean } = {},
): Jitted<[params: P, state: S, data: D, batch: B], SteppedMany<P, S>> {
  const step = (params: P, state: S, data: D, batch: B): SteppedMany<P, S> => {
    const [losses, grads] = valueAndGrad((p: P) => loss(p, data, batch))(params);
    const [updates, next] = optimizer.update(grads, state, params);
    return { params: applyUpdates(params, updates), state: next, losses };
  };
  return jit(
    (params: P, state: S, data: D, batch: B) => vmap(step, { inAxes: [0, 0, null, 0] })(params, state, data, batch),
    {
      donate: donate ? [0, 1] : [],
      name: "trainManyStep",
    },
  );
}

export interface TrainManyOptions<P, S, D, B> {
  /** A scalar to be minimised, for one model: its parameters, the shared data, and its own part of a batch. */
  readonly loss: (params: P, data: D, batch: B) => Tensor;
  /** Stacked parameters to start from, as `initMany` makes them; these tensors stay usable. */
  readonly params: P;
  readonly optimizer: Optimizer<S>;
  /** The stacked state to continue from; by default a fresh one for each model. */
  readonly state?: S;
  /** What all models share, a tree of tensors or host arrays: the data set. */
  readonly data: Feed<D>;
  /** One tree for each step, with a leading axis of models: rows to look at, masks, keys. */
  readonly batches: Iterable<Feed<B>>;
  /** Ends the loop before the next step, with the signal's reason as the error. */
  readonly signal?: AbortSignal;
}

/** One step of `trainMany`. */
export interface TrainManyStep<P, S> {
  /** Steps done, from 1. */
  readonly step: number;
  /** Each model's loss before the step. A model whose loss is not finite does not end the others' training. */
  readonly losses: Float32Array | Float64Array;
  /** The stacked parameters now. The next step uses them up: compute what you need from them before you continue. */
  readonly params: P;
  readonly state: S;
}

/** What the training of many models ended with. */
export interface TrainedMany<P, S> {
  readonly params: P;
  readonly state: S;
  /** For each step, each model's loss before it. */
  readonly losses: readonly (Float32Array | Float64Array)[];
}

/**
 * Trains many small models of one kind at once, each as if alone: one compiled call makes a step of all of them, by
 * `vmap` over stacked trees. A thousand models on subsets of one data set, which stays in place:
 *
 *     const start = initMany(model, random.split(key, 1000));
 *     const loss = (p, { x, y }, rows) => mean(crossEntropy(model.apply(p, gather(x, rows)), gather(y, rows)));
 *     const { params } = await trainMany({ loss, params: start, optimizer, data: { x, y }, batches }).run();
 *     const first = unstack(params, 0);
 *
 * where each of `batches` is int32 [1000, batch], the rows of each model. For hyperparameters of their own, see
 * `injectHyperparams`. Throws `ShapeError` when stacked trees differ in the number of models; rethrows the reason of
 * `signal`.
 */
export function trainMany<P, S, D, B>(
  options: TrainManyOptions<P, S, D, B>,
): Procedure<TrainManyStep<P, S>, TrainedMany<P, S>> {
  return procedure(loop(options));
}

async function* loop<P, S, D, B>({
  loss,
  optimizer,
  data,
  batches,
  signal,
  ...options
}: TrainManyOptions<P, S, D, B>): AsyncGenerator<TrainManyStep<P, S>, TrainedMany<P, S>, undefined> {
  let { params, state = vmap(optimizer.init)(params) as S } = options;
  // The caller's own tensors are not given away: only what a step returned is donated to the next.
  let step = trainManyStep(loss, optimizer, { donate: false });
  const all: (Float32Array | Float64Array)[] = [];
  for (const batch of batches) {
    signal?.throwIfAborted();
    const after = await step(params as Feed<P>, state as Feed<S>, data, batch);
    const losses = (await after.losses.data()) as Float32Array | Float64Array;
    ({ params, state } = after);
    all.push(losses);
    if (all.length === 1) step = trainManyStep(loss, optimizer);
    yield { step: all.length, losses, params, state };
  }
  return { params, state, losses: all };
}
