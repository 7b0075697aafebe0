import { batchIndices, type Dataset, digits8, split, standardise, take } from "../../src/data/index.js";
import {
  crossEntropy,
  type Feed,
  gather,
  hostRandom,
  jit,
  linalg,
  matmul,
  mean,
  type NDArray,
  random,
  stack,
  sub,
  type Tensor,
  tensor,
  vmap,
} from "../../src/engine/index.js";
import { ensembleProblem, joinRows, type Labelled, type UnlearnProblem } from "../../src/forget/index.js";
import { initMany, type MlpParams, mlp, trainMany } from "../../src/nn/index.js";
import { schedules, sgd } from "../../src/optim/index.js";

export interface BenchOptions {
  readonly trainRows: number;
  /** Rows that tuning measures on; those of the verdict are test rows. */
  readonly valRows: number;
  readonly hidden: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly momentum: number;
  /** Steps in one compiled call. */
  readonly stepsPerCall: number;
}

/** One model to train: on these rows, from this seed. */
export interface FleetJob {
  readonly rows: Int32Array;
  readonly seed: number;
}

/** Data, model and recipe, the same for originals, golds and the models behind datamodels. */
export interface MatchingBench {
  readonly options: BenchOptions;
  readonly train: Dataset;
  readonly val: Labelled;
  readonly test: Labelled;
  /** All training rows, then the rows to measure on. */
  withTrain(rows: Labelled): Labelled;
  /** Trains models side by side, which must have equally many rows; their parameters, stacked. */
  trainFleet(jobs: readonly FleetJob[], signal?: AbortSignal): Promise<MlpParams>;
  /** The logits of stacked models, [models, rows, 10]. */
  logits(models: MlpParams, rows: Labelled): Promise<NDArray>;
  /** Stacked originals and the training rows that they are to forget. */
  problem(originals: MlpParams, forget: Int32Array, seed: number): UnlearnProblem<MlpParams>;
  /** The training rows that stay. */
  kept(forget: Int32Array): Int32Array;
  /** Examples pushed through one model by training on so many rows. */
  passes(rows: number): number;
}

/** A perceptron on the 8x8 digits, scaled by the training rows. */
export async function matchingBench(options: BenchOptions): Promise<MatchingBench> {
  const { trainRows, valRows, hidden, epochs, batchSize, learningRate, momentum, stepsPerCall } = options;
  const digits = await digits8();
  const parts = split(digits.train, { train: trainRows, val: valRows }, { seed: 0 });
  const { train, val, test } = standardise({ ...parts, test: digits.test });
  const model = mlp({ sizes: [64, hidden, 10] });
  const data = { x: tensor(train.x), y: tensor(train.y) };
  const loss = (p: MlpParams, { x, y }: typeof data, rows: Tensor) =>
    mean(crossEntropy(model.apply(p, gather(x, rows)), gather(y, rows)));
  const init = jit((keys: Tensor) => initMany(model, keys), { name: "init" });
  const forward = jit((models: MlpParams, x: Tensor) => vmap((p: MlpParams) => model.apply(p, x))(models), {
    name: "logits",
  });
  const stepsOn = (rows: number) => epochs * Math.floor(rows / batchSize);
  const kept = (forget: Int32Array) => {
    const away = new Set(forget);
    return Int32Array.from({ length: trainRows }, (_, row) => row).filter((row) => !away.has(row));
  };
  return {
    options,
    train,
    val,
    test,
    kept,
    withTrain: (rows) => joinRows("training rows and others", train, rows),
    passes: (rows) => stepsOn(rows) * batchSize,
    async trainFleet(jobs, signal) {
      const steps = stepsOn(jobs[0].rows.length);
      const keys = stack(jobs.map(({ seed }) => random.key(seed)));
      const { params } = await trainMany({
        loss,
        params: (await init(keys as Feed<Tensor>)) as MlpParams,
        optimizer: sgd({ learningRate: schedules.cosine({ from: learningRate, steps }), momentum }),
        data: data as Feed<typeof data>,
        batches: fleetBatches(jobs, batchSize, steps),
        stepsPerCall,
        signal,
      }).run();
      return params;
    },
    logits: async (models, rows) => (await forward(models as Feed<MlpParams>, rows.x as Feed<Tensor>)).array(),
    problem: (originals, forget, seed) =>
      ensembleProblem({
        params: originals,
        apply: (p, x) => model.apply(p, x),
        perExampleLoss: (p, { x, y }) => crossEntropy(model.apply(p, x), y),
        forget: { ...take(train, forget), name: "forget" },
        retain: { ...take(train, kept(forget)), name: "retain" },
        seed,
      }),
  };
}

/** For each step the rows of each model, int32 [models, batchSize]: epochs over its own rows, in its own order. */
function* fleetBatches(jobs: readonly FleetJob[], batchSize: number, steps: number): Iterable<NDArray> {
  const orders = jobs.map(({ rows, seed }) => ({
    rows,
    order: batchIndices(rows.length, { batchSize, seed, dropLast: true, steps }),
  }));
  for (let step = 0; step < steps; step++) {
    const data = new Int32Array(jobs.length * batchSize);
    orders.forEach(({ rows, order }, model) => {
      const places = order.next().value!;
      for (let k = 0; k < batchSize; k++) data[model * batchSize + k] = rows[places[k]];
    });
    yield { data, shape: [jobs.length, batchSize], dtype: "int32" };
  }
}

/** Forget sets: rows drawn at random, or a group of like rows of one class. */
export const forgetSets = ["random", "aligned"] as const;
export type ForgetSet = (typeof forgetSets)[number];

/**
 * The positions of the rows to forget, ascending. "aligned": the rows of class seed mod 10 that lie farthest along its first
 * principal direction, which is given the sign of its farthest row.
 */
export async function forgetRows(train: Labelled, set: ForgetSet, size: number, seed: number): Promise<Int32Array> {
  const n = train.x.shape[0];
  if (set === "random") return hostRandom(seed).fork("forget").permutation(n).slice(0, size).sort();
  const own = Int32Array.from({ length: n }, (_, row) => row).filter((row) => train.y.data[row] === seed % 10);
  const rows = gather(tensor(train.x), tensor(own)).cast("float64");
  const centred = sub(rows, mean(rows, 0, { keepDims: true }));
  const { vectors } = linalg.eigh(matmul(centred, centred, { transposeA: true }));
  const [along, d] = [(await matmul(centred, vectors).data()) as Float64Array, train.x.shape[1]];
  const place = Array.from(own, (_, i) => along[i * d + d - 1]);
  const sign = Math.max(...place) >= -Math.min(...place) ? 1 : -1;
  const order = place.map((_, i) => i).sort((i, j) => sign * (place[j] - place[i]));
  return Int32Array.from(order.slice(0, size), (i) => own[i]).sort();
}
