import { valueAndGrad } from "../engine/autodiff.js";
import { scan } from "../engine/control/scan.js";
import type { NDArray } from "../engine/dtype.js";
import { HebbError } from "../engine/errors.js";
import { asData, isData } from "../engine/feed.js";
import { type Feed, type Jitted, jit } from "../engine/jit.js";
import { reshape, sliceAxis, stack } from "../engine/primitives/structure.js";
import type { Key } from "../engine/random/keys.js";
import { sameShape } from "../engine/shape.js";
import { isNDArray, type Tensor, tensor } from "../engine/tensor.js";
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

/** The outcome of steps of many models; the losses [n] are those before the step. */
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
  return jit(stepOfMany(loss, optimizer), { donate: donate ? [0, 1] : [], name: "trainManyStep" });
}

/**
 * Several steps of many models in one compiled call, as `trainManyStep`, by `scan`: the leaves of `batches` are
 * [steps, models, ...], and so the losses are [steps, models].
 */
export function trainManySteps<P, S, D, B>(
  loss: (params: P, data: D, batch: B) => Tensor,
  optimizer: Optimizer<S>,
  { donate = true }: { donate?: boolean } = {},
): Jitted<[params: P, state: S, data: D, batches: B], SteppedMany<P, S>> {
  const step = stepOfMany(loss, optimizer);
  return jit(
    (params: P, state: S, data: D, batches: B): SteppedMany<P, S> => {
      const [after, losses] = scan(
        (now: Pick<SteppedMany<P, S>, "params" | "state">, batch: B) => {
          const { losses, ...next } = step(now.params, now.state, data, batch);
          return [next, losses] as const;
        },
        { params, state },
        batches,
      );
      return { ...after, losses };
    },
    { donate: donate ? [0, 1] : [], name: "trainManySteps" },
  );
}

const stepOfMany = <P, S, D, B>(loss: (params: P, data: D, batch: B) => Tensor, optimizer: Optimizer<S>) =>
  vmap(
    (params: P, state: S, data: D, batch: B): SteppedMany<P, S> => {
      const [losses, grads] = valueAndGrad((p: P) => loss(p, data, batch))(params);
      const [updates, next] = optimizer.update(grads, state, params);
      return { params: applyUpdates(params, updates), state: next, losses };
    },
    { inAxes: [0, 0, null, 0] },
  );

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
  /**
   * Steps in one compiled call, after each of which the procedure yields: with small models, calls cost more than steps.
   * Default 1.
   */
  readonly stepsPerCall?: number;
  /** Ends the loop before the next step, with the signal's reason as the error. */
  readonly signal?: AbortSignal;
}

/** One step of `trainMany`, or the last of those in one call. */
export interface TrainManyStep<P, S> {
  /** Steps done, from 1. */
  readonly step: number;
  /** Each model's loss before this step. A model whose loss is not finite does not end the others' training. */
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
 * `injectHyperparams`. Throws `ShapeError` when stacked trees differ in the number of models, `HebbError` when
 * `stepsPerCall` is no count or batches of one call differ in shape; rethrows the reason of `signal`.
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
  stepsPerCall = 1,
  signal,
  ...options
}: TrainManyOptions<P, S, D, B>): AsyncGenerator<TrainManyStep<P, S>, TrainedMany<P, S>, undefined> {
  if (!Number.isInteger(stepsPerCall) || stepsPerCall < 1)
    throw new HebbError(`trainMany: stepsPerCall must be a whole number of at least 1, got ${stepsPerCall}.`);
  let { params, state = vmap(optimizer.init)(params) as S } = options;
  // The caller's own tensors are not given away: only what a step returned is donated to the next.
  const compiled = (donate: boolean) => ({
    one: trainManyStep(loss, optimizer, { donate }),
    several: trainManySteps(loss, optimizer, { donate }),
  });
  let train = compiled(false);
  const all: (Float32Array | Float64Array)[] = [];
  for (const group of groupsOf(batches, stepsPerCall)) {
    signal?.throwIfAborted();
    const now = [params as Feed<P>, state as Feed<S>, data] as const;
    const after = await (group.length === 1
      ? train.one(...now, group[0])
      : train.several(...now, stackBatches(group) as Feed<B>));
    const losses = (await after.losses.data()) as Float32Array | Float64Array;
    ({ params, state } = after);
    if (all.length === 0) train = compiled(true);
    const models = losses.length / group.length;
    for (let k = 0; k < group.length; k++) all.push(losses.slice(k * models, (k + 1) * models));
    yield { step: all.length, losses: all[all.length - 1], params, state };
  }
  return { params, state, losses: all };
}

/** Items in groups of `size`; the last may be smaller. */
function* groupsOf<T>(items: Iterable<T>, size: number): Iterable<T[]> {
  let group: T[] = [];
  for (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

/** Batches as one, with an axis of steps in front: host arrays on the host, so that a call has a single input. */
const stackBatches = (batches: readonly unknown[]): unknown =>
  treeMap(
    (...leaves: unknown[]) => {
      const parts = leaves.map(asData);
      if (!parts.every(isData)) return leaves[0];
      if (!parts.every(isNDArray)) return stack(parts.map((part) => (isNDArray(part) ? tensor(part) : part)));
      const [{ data: first, shape, dtype }] = parts;
      const other = parts.find((part) => part.dtype !== dtype || !sameShape(part.shape, shape));
      if (other)
        throw new HebbError(
          `trainMany: the batches of one call must be of one shape, got ${dtype}[${shape}] and ${other.dtype}[${other.shape}].`,
        );
      const data = new (first.constructor as new (length: number) => Float32Array)(parts.length * first.length);
      parts.forEach((part, k) => {
        data.set(part.data as Float32Array, k * first.length);
      });
      return { data, shape: [parts.length, ...shape], dtype } satisfies NDArray;
    },
    batches[0],
    ...batches.slice(1),
  );
