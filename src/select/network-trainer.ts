import { type Batches, batchIndices } from "../data/index.js";
import {
  cast,
  crossEntropy,
  type Feed,
  gather,
  HebbError,
  jit,
  mean,
  type NDArray,
  random,
  sliceAxis,
  squeeze,
  stack,
  type Tensor,
  tensor,
  valueAndGrad,
  vmap,
} from "../engine/index.js";
import { correct, type Model } from "../nn/index.js";
import { applyUpdates, type Optimizer } from "../optim/index.js";
import type { Observation } from "./forgetting.js";

/** One of the networks that train together. */
export interface Network {
  /** Decides the start and the order of the examples: equal seeds give equal starts, whatever the rows. */
  readonly seed: number;
  readonly learningRate: number;
  /** The examples it may see, by position in the data. Default: all. */
  readonly rows?: Int32Array;
}

export interface NetworkTrainerOptions<P> {
  readonly model: Model<P>;
  /** Inputs [n, ...] and integer labels [n]. */
  readonly data: { readonly x: NDArray; readonly y: NDArray };
  /** The optimiser for a network's learning rate (a scalar), schedule and all. */
  readonly optimizer: (learningRate: Tensor) => Optimizer;
  readonly batchSize: number;
  /** The loss of a batch, from logits [b, classes] and labels [b]; a mean is taken of it. Default `crossEntropy`. */
  readonly loss?: (logits: Tensor, y: Tensor) => Tensor;
  /** Steps in one compiled call. Default 8. */
  readonly unroll?: number;
}

/** Some steps of training. */
export interface TrainedSteps<P> {
  /** Steps done, from the start. */
  readonly step: number;
  /** The stacked parameters now. The next steps use them up: compute what you need from them before you go on. */
  readonly params: P;
  /** The stacked states of the optimiser now, used up likewise. */
  readonly state: unknown;
  /** For each network, the training loss before each of these steps; not checked for being finite. */
  readonly losses: readonly Float32Array[];
  /** For each network, the examples of these steps' batches in order, and whether each was right before its update. */
  readonly observations: readonly Observation[];
}

export interface NetworkTrainer<P> {
  /** The networks' parameters before training, stacked on a new first axis. */
  init(networks: readonly Network[]): Promise<P>;
  /**
   * Trains for `steps` steps, counted from the start also when they go on from an earlier training of these networks.
   * Throws `HebbError` when a network has fewer rows than a batch; rethrows the reason of `signal`.
   */
  train(
    networks: readonly Network[],
    options: TrainNetworksOptions<P>,
  ): AsyncGenerator<TrainedSteps<P>, void, undefined>;
}

export interface TrainNetworksOptions<P> {
  readonly steps: number;
  /** Steps of an earlier training to the same end, after which this one goes on bit for bit. They are used up. */
  readonly from?: Pick<TrainedSteps<P>, "step" | "params" | "state">;
  readonly signal?: AbortSignal;
}

/**
 * Trains several networks of one model at once, by `vmap` over their stacked parameters: each from its own seed, with
 * its own learning rate, on its own rows of the same data. So one call retrains all seeds of a pruned set, or makes all
 * the runs that scores are averaged over.
 *
 * Batches are drawn without replacement, epoch after epoch, and all of one size (what an epoch leaves over is dropped).
 * The number of steps does not depend on the rows, so networks on fewer rows make more epochs: equal budgets.
 */
export function networkTrainer<P>(options: NetworkTrainerOptions<P>): NetworkTrainer<P> {
  const { model, data, optimizer, batchSize, loss = crossEntropy, unroll = 8 } = options;
  if (!Number.isInteger(unroll) || unroll < 1)
    throw new HebbError(`networkTrainer: unroll must be a whole number of at least 1, got ${unroll}.`);
  const x = tensor(data.x);
  const y = tensor(data.y);

  const init = jit((keys: Tensor) => vmap((key: Tensor) => model.init(key))(keys), { name: "init" });
  const initState = jit((params: P, rates: Tensor) =>
    vmap((p: P, rate: Tensor) => optimizer(rate).init(p) as unknown)(params, rates),
  );

  const step = (params: P, state: unknown, indices: Tensor, rate: Tensor) => {
    const labels = gather(y, indices);
    const lossAndLogits = (p: P): readonly [Tensor, Tensor] => {
      const logits = model.apply(p, gather(x, indices));
      return [mean(loss(logits, labels)), logits];
    };
    const [[value, logits], grads] = valueAndGrad(lossAndLogits, { hasAux: true })(params);
    const [updates, next] = optimizer(rate).update(grads, state, params);
    return { params: applyUpdates(params, updates), state: next, value, right: cast(correct(logits, labels), "uint8") };
  };
  const steps = jit(
    (params: P, state: unknown, indices: Tensor, rates: Tensor) => {
      const values: Tensor[] = [];
      const right: Tensor[] = [];
      let now = { params, state };
      for (let k = 0; k < indices.shape[0]; k++) {
        const after = vmap(step)(now.params, now.state, squeeze(sliceAxis(indices, 0, k, k + 1), 0), rates);
        now = after;
        values.push(after.value);
        right.push(after.right);
      }
      return { params: now.params, state: now.state, values: stack(values), right: stack(right) };
    },
    { donate: [0, 1], name: "networkTrainer" },
  );

  const start = (networks: readonly Network[]): Promise<P> => {
    if (networks.length === 0) throw new HebbError("networkTrainer: there are no networks.");
    return init(stack(networks.map(({ seed }) => random.key(seed))) as Feed<Tensor>) as Promise<P>;
  };

  return {
    init: start,
    async *train(networks, { steps: total, from, signal }) {
      let done = from?.step ?? 0;
      const orders = networks.map((network) => new Order(network, data.x.shape[0], batchSize, total, done));
      const rates = Float32Array.from(networks, ({ learningRate }) => learningRate);
      let params = from?.params ?? ((await start(networks)) as P);
      let state = from ? from.state : await initState(params as Feed<P>, rates as Feed<Tensor>);
      while (done < total) {
        signal?.throwIfAborted();
        const count = Math.min(unroll, total - done);
        const drawn = orders.map((order) => order.draw(count));
        const indices = interleave(drawn, count, batchSize);
        const after = await steps(params as Feed<P>, state as Feed<unknown>, indices as Feed<Tensor>, rates as any);
        ({ params, state } = after as { params: P; state: unknown });
        done += count;
        const [values, right] = await Promise.all([after.values.data(), after.right.data()]);
        yield {
          step: done,
          params,
          state,
          losses: networks.map((_, s) => own(values as Float32Array, s, networks.length, 1)),
          observations: drawn.map((batch, s) => ({
            indices: batch,
            correct: own(right as Uint8Array, s, networks.length, batchSize),
          })),
        };
      }
    },
  };
}

/** The batches of one network, as positions in the data. */
class Order {
  readonly #rows: Int32Array | undefined;
  readonly #stream: Batches<Int32Array>;

  /** Starts after `done` batches. */
  constructor({ rows, seed }: Network, n: number, batchSize: number, steps: number, done: number) {
    const outside = rows?.find((row) => row < 0 || row >= n);
    if (outside !== undefined)
      throw new HebbError(`networkTrainer: the data has rows 0 to ${n - 1}, a network asks for row ${outside}.`);
    this.#rows = rows;
    this.#stream = batchIndices(rows?.length ?? n, { batchSize, seed, steps, dropLast: true });
    this.#stream.restore({ ...this.#stream.state(), step: done });
  }

  /** The next `count` batches in a row. */
  draw(count: number): Int32Array {
    const parts = Array.from({ length: count }, () => this.#stream.next().value as Int32Array);
    const positions = Int32Array.from(parts.flatMap((part) => Array.from(part)));
    return this.#rows ? positions.map((i) => this.#rows![i]) : positions;
  }
}

/** Batches by network, [count · b] each, as one array [count, networks, b]. */
function interleave(drawn: readonly Int32Array[], count: number, batchSize: number): NDArray {
  const data = new Int32Array(count * drawn.length * batchSize);
  drawn.forEach((batches, s) => {
    for (let k = 0; k < count; k++) {
      data.set(batches.subarray(k * batchSize, (k + 1) * batchSize), (k * drawn.length + s) * batchSize);
    }
  });
  return { data, shape: [count, drawn.length, batchSize], dtype: "int32" };
}

/** The entries of network `s` in an array [count, networks, width]. */
function own<T extends Float32Array | Uint8Array>(data: T, s: number, networks: number, width: number): T {
  const count = data.length / (networks * width);
  const out = new (data.constructor as new (length: number) => T)(count * width);
  for (let k = 0; k < count; k++) {
    const from = (k * networks + s) * width;
    out.set(data.subarray(from, from + width), k * width);
  }
  return out;
}
