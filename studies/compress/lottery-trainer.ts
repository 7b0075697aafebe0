import { applyMask, maskedStep, type WeightMask } from "../../src/compress/index.js";
import { batchIndices, type Dataset, size } from "../../src/data/index.js";
import {
  cast,
  crossEntropy,
  gather,
  HebbError,
  jit,
  less,
  type NDArray,
  reshape,
  slice,
  sum,
  type Tensor,
  tensor,
  treeMap,
  vmap,
  where,
} from "../../src/engine/index.js";
import { correct, type MlpParams } from "../../src/nn/index.js";
import type { Optimizer } from "../../src/optim/index.js";

export interface TrainerOptions<S> {
  readonly train: Dataset;
  readonly val: Dataset;
  readonly test: Dataset;
  readonly apply: (params: MlpParams, x: Tensor) => Tensor;
  readonly optimizer: Optimizer<S>;
  /** One model for each seed; the seed decides the order of its batches, which all arms share. */
  readonly seeds: readonly number[];
  readonly steps: number;
  readonly batchSize: number;
  /** Steps between evaluations on the validation set. */
  readonly evaluateEvery: number;
  /** Steps in one compiled call; divides `evaluateEvery`. */
  readonly stepsPerCall: number;
}

/** An evaluation: one value per seed. */
export interface Evaluation {
  readonly step: number;
  /** Mean over the steps since the evaluation before. */
  readonly trainLoss: Float32Array;
  readonly valLoss: Float32Array;
  readonly valAccuracy: Float32Array;
}

/** One training of all seeds; accuracies in percent, one per seed. */
export interface Training {
  /** Where training ended, stacked over seeds. */
  readonly params: MlpParams;
  readonly log: readonly Evaluation[];
  readonly testAtStop: readonly number[];
  readonly testFinal: readonly number[];
  readonly trainFinal: readonly number[];
}

/** The models of all seeds as they stood at their least validation loss so far. */
interface Best {
  readonly params: MlpParams;
  readonly loss: Tensor;
}

/** A training that is under way, as a checkpoint keeps it. */
export interface UnderWay {
  /** Steps done. */
  readonly done: number;
  readonly params: MlpParams;
  readonly state: unknown;
  readonly best: Best;
  /** Sums of the losses since the last evaluation. */
  readonly losses: Tensor;
  readonly log: readonly Evaluation[];
}

export interface TrainAllOptions {
  readonly signal?: AbortSignal;
  /** Where to go on, bit for bit; default: the start. */
  readonly from?: UnderWay;
  readonly onEvaluation?: (evaluation: Evaluation) => void;
  /** Gets the chance to keep where training stands, after every call. */
  readonly save?: (underWay: UnderWay) => Promise<void>;
}

const examplesPerCall = 5000;

/**
 * Trains the models of all seeds together, in one graph mapped over seeds, under their masks. Each training starts with a
 * fresh optimiser state. The parameters at the least validation loss are kept on the way, so that the test set is read
 * once, at the end, for the early-stopping iteration and for the last step.
 */
export function lotteryTrainer<S>(options: TrainerOptions<S>) {
  const { train, val, test, apply, optimizer, seeds, steps, batchSize, evaluateEvery, stepsPerCall } = options;
  if (steps % evaluateEvery !== 0 || evaluateEvery % stepsPerCall !== 0) {
    throw new HebbError(`${steps} steps, an evaluation every ${evaluateEvery} and ${stepsPerCall} a call do not fit.`);
  }
  const models = seeds.length;
  const loss = (logits: Tensor, y: Tensor) => crossEntropy(logits, y).mean();
  const hits = (logits: Tensor, y: Tensor) => sum(cast(correct(logits, y), "float32"));
  const images = tensor(train.x);
  const labels = tensor(train.y);
  const [valX, valY] = [tensor(val.x), tensor(val.y)];

  const start = jit(
    vmap((params: MlpParams, mask: WeightMask<MlpParams>) => {
      const masked = applyMask(params, mask);
      return { params: masked, state: optimizer.init(masked) };
    }),
    { name: "start" },
  );

  const step = vmap(maskedStep(apply, loss, optimizer));
  const advance = jit(
    (params: MlpParams, state: S, mask: WeightMask<MlpParams>, losses: Tensor, indices: Tensor) => {
      for (let k = 0; k < stepsPerCall; k++) {
        const rows = reshape(slice(indices, [k], [k + 1]), [models, batchSize]);
        const [p, s, value] = step(params, state, mask, gather(images, rows), gather(labels, rows));
        [params, state, losses] = [p, s, losses.add(value)];
      }
      return { params, state, losses };
    },
    { donate: [0, 1, 3], name: "train" },
  );

  const evaluate = jit(
    (params: MlpParams, best: Best) =>
      vmap((now: MlpParams, before: Best) => {
        const logits = apply(now, valX);
        const value = loss(logits, valY);
        const improved = less(value, before.loss);
        const pick = (a: Tensor, b: Tensor) => where(improved, a, b);
        const kept: Best = { params: treeMap(pick, now, before.params) as MlpParams, loss: pick(value, before.loss) };
        return { best: kept, loss: value, accuracy: hits(logits, valY).mul(100 / size(val)) };
      })(params, best),
    { donate: [1], name: "evaluate" },
  );

  const count = jit((params: MlpParams, x: Tensor, y: Tensor) => vmap((p: MlpParams) => hits(apply(p, x), y))(params), {
    name: "accuracy",
  });

  async function accuracy(params: MlpParams, data: Dataset): Promise<number[]> {
    const total = new Array<number>(models).fill(0);
    for (const { x, y } of parts(data)) {
      const found = await (await count(params, x, y)).data();
      total.forEach((n, m) => {
        total[m] = n + Number(found[m]);
      });
    }
    return total.map((n) => (100 * n) / size(data));
  }

  return async function trainAll(
    params: MlpParams,
    mask: WeightMask<MlpParams>,
    { signal, from, onEvaluation, save }: TrainAllOptions = {},
  ): Promise<Training> {
    const orders = seeds.map((seed) => batchIndices(size(train), { batchSize, seed, dropLast: true, steps }));
    const perSeed = (value: number) => tensor(new Float32Array(models).fill(value));
    let now: { params: MlpParams; state: unknown } = from ?? (await start(params, mask));
    let best: Best = from?.best ?? {
      params: treeMap(emptyLike, now.params) as MlpParams,
      loss: perSeed(Number.POSITIVE_INFINITY),
    };
    let losses = from?.losses ?? perSeed(0);
    const log = [...(from?.log ?? [])];
    let done = from?.done ?? 0;
    for (const order of orders) order.restore({ ...order.state(), step: done });
    while (done < steps) {
      signal?.throwIfAborted();
      const result = await advance(now.params, now.state as never, mask, losses, nextIndices(orders));
      ({ losses, ...now } = result);
      done += stepsPerCall;
      if (done % evaluateEvery === 0) {
        const seen = await evaluate(now.params, best);
        best = seen.best;
        const [trainLoss, valLoss, valAccuracy] = (await Promise.all(
          [losses, seen.loss, seen.accuracy].map(async (t) => (await t.data()).slice()),
        )) as Float32Array[];
        const evaluation = { step: done, trainLoss: trainLoss.map((l) => l / evaluateEvery), valLoss, valAccuracy };
        log.push(evaluation);
        onEvaluation?.(evaluation);
        losses = perSeed(0);
      }
      await save?.({ done, ...now, best, losses, log });
    }
    const [testAtStop, testFinal] = [await accuracy(best.params, test), await accuracy(now.params, test)];
    return { params: now.params, log, testAtStop, testFinal, trainFinal: await accuracy(now.params, train) };
  };

  /** Indices of the next batches, int32 [stepsPerCall, seeds, batchSize]. */
  function nextIndices(orders: readonly Iterator<Int32Array>[]): NDArray {
    const data = new Int32Array(stepsPerCall * models * batchSize);
    for (let at = 0; at < data.length; ) {
      for (const order of orders) {
        data.set(order.next().value, at);
        at += batchSize;
      }
    }
    return { data, shape: [stepsPerCall, models, batchSize], dtype: "int32" };
  }
}

const emptyLike = (t: Tensor): Tensor => tensor(new Float32Array(t.size), { shape: t.shape });

/** The examples in parts that fit into memory when all models see them at once; views, not copies. */
function* parts(data: Dataset): Generator<Pick<Dataset, "x" | "y">> {
  const n = size(data);
  const view = (array: NDArray, from: number, to: number): NDArray => {
    const width = array.data.length / n;
    const values = (array.data as Float32Array).subarray(from * width, to * width);
    return { data: values, shape: [to - from, ...array.shape.slice(1)], dtype: array.dtype };
  };
  for (let from = 0; from < n; from += examplesPerCall) {
    const to = Math.min(from + examplesPerCall, n);
    yield { x: view(data.x, from, to), y: view(data.y, from, to) };
  }
}
