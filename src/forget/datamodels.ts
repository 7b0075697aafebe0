import { gatherRows } from "../data/index.js";
import {
  type Feed,
  gather,
  HebbError,
  hostRandom,
  type NDArray,
  realise,
  sliceAxis,
  type Tensor,
  tensor,
} from "../engine/index.js";
import { type Procedure, procedure } from "../optim/index.js";
import { fitError, type LinearFit, linearFit, type Regulariser } from "./linear-fit.js";

/**
 * What a model's outputs owe to each training example, as a linear function of the training set: for a subset S,
 * h(S) = bias + sum_{i in S} w_i.
 */
export interface Datamodels {
  /** w: [examples, ...outputs]. */
  readonly weights: NDArray;
  /** [...outputs]. */
  readonly bias: NDArray;
  readonly regulariser: Regulariser;
  readonly lambda: number;
}

/** Subsets of a training set, and what the models trained on them gave. */
export interface SubsetOutputs {
  /** How many examples the whole training set has. */
  readonly examples: number;
  /** The rows of each subset. */
  readonly subsets: readonly Int32Array[];
  /** [subsets, ...outputs]. */
  readonly outputs: NDArray;
}

export interface FitDatamodelsOptions {
  /** Default "ridge". */
  readonly regulariser?: Regulariser;
  /**
   * The weight of the penalty beside the mean squared error (see `linearFit`); of several, the one that predicts the last
   * tenth of the subsets best from the others. Default: 0.03 to 3 in half decades.
   */
  readonly lambda?: number | readonly number[];
}

export interface EstimateDatamodelsOptions extends FitDatamodelsOptions {
  /** Examples of the training set. */
  readonly examples: number;
  /** Models to train. */
  readonly nSubsets: number;
  /** The share of the examples in each subset. Default 0.5. */
  readonly alpha?: number;
  /** Models trained in one go: what `train` is asked for at a time. Default 50. */
  readonly together?: number;
  /** Draws the subsets. Default 0. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
}

/** Trains one model on each of these rows, and returns their outputs [models, ...outputs]; `first` counts from the start. */
export type TrainOnSubsets = (subsets: readonly Int32Array[], first: number) => Promise<NDArray>;

export interface EstimatedDatamodels extends SubsetOutputs {
  readonly datamodels: Datamodels;
}

/**
 * Estimates datamodels: trains `nSubsets` models on random subsets of a training set, and regresses their outputs on which
 * examples each saw. Yields how many are trained; `run()` returns the fit with all that it rests on.
 *
 *     const { datamodels } = await estimateDatamodels(train, { examples: 1000, nSubsets: 2000 }).run();
 *
 * What the outputs are is up to `train`: each logit of each target, say, [models, targets, classes]. For `datamodelMatching`
 * the targets are the training examples themselves, in order. Each model must have a seed of its own (`first` tells them
 * apart), since what is estimated is the mean over seeds.
 *
 * Throws `HebbError` when an option is out of range, or `train` returns another number of models; rethrows the reason of
 * `signal`.
 *
 * Source: Ilyas, Park, Engstrom, Leclerc, Madry, "Datamodels: Predicting Predictions from Training Data", 2022.
 */
export const estimateDatamodels = (
  train: TrainOnSubsets,
  options: EstimateDatamodelsOptions,
): Procedure<{ readonly trained: number; readonly total: number }, EstimatedDatamodels> =>
  procedure(estimate(train, options));

async function* estimate(train: TrainOnSubsets, options: EstimateDatamodelsOptions) {
  const { nSubsets, together = 50, examples, signal } = options;
  for (const [name, value, least] of [
    ["nSubsets", nSubsets, 2],
    ["together", together, 1],
  ] as const) {
    if (!Number.isInteger(value) || value < least)
      throw new HebbError(`estimateDatamodels: ${name} must be a whole number of at least ${least}, got ${value}.`);
  }
  const subsets = drawSubsets({ ...options, count: nSubsets });
  const parts: NDArray[] = [];
  for (let first = 0; first < nSubsets; first += together) {
    signal?.throwIfAborted();
    const own = subsets.slice(first, first + together);
    const outputs = await train(own, first);
    if (outputs.shape[0] !== own.length)
      throw new HebbError(`estimateDatamodels: ${own.length} subsets gave outputs of ${outputs.shape[0]} models.`);
    parts.push(outputs);
    yield { trained: first + own.length, total: nSubsets };
  }
  const samples = { examples, subsets, outputs: joined(parts) };
  return { ...samples, datamodels: await fitDatamodels(samples, options) };
}

export interface SubsetOptions {
  readonly examples: number;
  readonly count: number;
  readonly alpha?: number;
  readonly seed?: number;
}

/**
 * Random subsets of round(alpha · examples) rows, in ascending order. Subset i depends on the seed and i alone, so that more
 * of them begin with the same ones. Throws `HebbError` when alpha leaves no example in or out.
 */
export function drawSubsets({ examples, count, alpha = 0.5, seed = 0 }: SubsetOptions): Int32Array[] {
  const size = Math.round(alpha * examples);
  if (!(size > 0 && size < examples))
    throw new HebbError(`drawSubsets: alpha ${alpha} of ${examples} examples must leave some in and some out.`);
  const random = hostRandom(seed).fork("subsets");
  return Array.from({ length: count }, (_, i) => random.fork(i).permutation(examples).slice(0, size).sort());
}

/** Fits datamodels to the outputs of models that were trained already. Errors as in `estimateDatamodels`. */
export async function fitDatamodels(
  { examples, subsets, outputs }: SubsetOutputs,
  { regulariser = "ridge", lambda = halfDecades }: FitDatamodelsOptions = {},
): Promise<Datamodels> {
  const m = subsets.length;
  if (outputs.shape[0] !== m)
    throw new HebbError(`fitDatamodels: ${m} subsets came with outputs of ${outputs.shape[0]} models.`);
  checkCoverage(examples, subsets);
  const size = outputs.data.length / m;
  const y: NDArray = { ...outputs, shape: [m, size] };
  const s = masks(examples, subsets);
  const chosen = typeof lambda === "number" ? lambda : await bestLambda(s, y, { regulariser, candidates: lambda });
  const fit = await linearFit(tensor(s), tensor(y), { regulariser, lambda: chosen });
  const shape = outputs.shape.slice(1);
  const [weights, bias] = await realise([fit.weights, fit.bias]);
  return {
    weights: { ...weights, shape: [examples, ...shape] },
    bias: { ...bias, shape },
    regulariser,
    lambda: chosen,
  };
}

const halfDecades = [0.03, 0.1, 0.3, 1, 3];

/** So many outputs are enough to choose a penalty by. */
const enoughOutputs = 500;

/** The penalty with which all but the last tenth of the subsets predict that tenth best. */
async function bestLambda(
  s: NDArray,
  y: NDArray,
  { regulariser, candidates }: { readonly regulariser: Regulariser; readonly candidates: readonly number[] },
): Promise<number> {
  const [m, width] = y.shape;
  const fitted = m - Math.max(1, Math.round(m / 10));
  const count = Math.min(width, enoughOutputs);
  const some = gather(
    tensor(y),
    tensor(Int32Array.from({ length: count }, (_, k) => Math.floor((k * width) / count))),
    1,
  );
  const part = (of: NDArray, from: number, to: number): Tensor =>
    tensor(
      gatherRows(
        of,
        Int32Array.from({ length: to - from }, (_, i) => from + i),
      ),
    );
  const [before, after] = [
    [0, fitted],
    [fitted, m],
  ].map(([from, to]) => ({ s: part(s, from, to), y: sliceAxis(some, 0, from, to) }));
  let best = { lambda: candidates[0], error: Number.POSITIVE_INFINITY };
  for (const lambda of candidates) {
    const fit = await linearFit(before.s, before.y, { regulariser, lambda });
    const error = await (await fitError(fit as Feed<LinearFit>, after.s, after.y)).item();
    if (error < best.error) best = { lambda, error };
  }
  return best.lambda;
}

/** 1 where a subset has an example: float64 [subsets, examples]. */
function masks(examples: number, subsets: readonly Int32Array[]): NDArray {
  const data = new Float64Array(subsets.length * examples);
  subsets.forEach((rows, i) => {
    for (const row of rows) data[i * examples + row] = 1;
  });
  return { data, shape: [subsets.length, examples], dtype: "float64" };
}

/** An example that all models saw, or none, has no effect that could be told from the bias. */
function checkCoverage(examples: number, subsets: readonly Int32Array[]): void {
  const counts = new Int32Array(examples);
  for (const rows of subsets) {
    for (const row of rows) {
      if (!(row >= 0 && row < examples))
        throw new HebbError(`fitDatamodels: a subset names row ${row}, but there are ${examples} examples.`);
      counts[row]++;
    }
  }
  const unseen = counts.findIndex((count) => count === 0 || count === subsets.length);
  if (unseen >= 0) {
    const who = counts[unseen] === 0 ? "none" : "all";
    throw new HebbError(`fitDatamodels: ${who} of the ${subsets.length} subsets hold example ${unseen}; draw more.`);
  }
}

function joined(parts: readonly NDArray[]): NDArray {
  const [{ data: first, shape, dtype }] = parts;
  const length = parts.reduce((sum, { data }) => sum + data.length, 0);
  const data = new (first.constructor as new (length: number) => Float32Array)(length);
  let at = 0;
  for (const part of parts) {
    data.set(part.data as Float32Array, at);
    at += part.data.length;
  }
  const models = parts.reduce((sum, part) => sum + part.shape[0], 0);
  return { data, shape: [models, ...shape.slice(1)], dtype };
}

/** What datamodels say that training on `rows` alone gives: bias + sum_{i in rows} w_i, [...outputs]. */
export function datamodelOutputs(datamodels: Datamodels, rows: ArrayLike<number>): NDArray {
  const effect = effectOf(datamodels, rows);
  const { bias } = datamodels;
  return { ...bias, data: (bias.data as Float32Array).map((value, k) => value + effect[k]) };
}

/**
 * What the model would give had it been trained without the rows F, [...outputs]: its own outputs with the effect of these
 * rows taken away, h(x; theta) - sum_{i in F} w_i. Not bias + sum over the others: what is the model's own, such as its
 * seed, stays.
 *
 * `original` are the model's outputs, or those of several models, [models, ...outputs]. Throws `HebbError` when shapes do
 * not fit or a row is no example.
 *
 * Source: Georgiev et al., "Attribute-to-Delete: Machine Unlearning via Datamodel Matching", 2024.
 */
export function predictRetrained(datamodels: Datamodels, original: NDArray, forgetRows: ArrayLike<number>): NDArray {
  const shape = datamodels.bias.shape;
  const own = original.shape.slice(original.shape.length - shape.length);
  if (own.join() !== shape.join())
    throw new HebbError(`predictRetrained: the datamodels are of outputs [${shape}], not of [${original.shape}].`);
  const effect = effectOf(datamodels, forgetRows);
  return { ...original, data: (original.data as Float32Array).map((value, i) => value - effect[i % effect.length]) };
}

/** sum_{i in rows} w_i, [...outputs]: what the outputs owe to these examples. Throws `HebbError` for a row that is none. */
export function effectOf({ weights }: Datamodels, rows: ArrayLike<number>): Float64Array {
  const examples = weights.shape[0];
  const width = weights.data.length / examples;
  const effect = new Float64Array(width);
  for (const row of Array.from(rows)) {
    if (!(Number.isInteger(row) && row >= 0 && row < examples))
      throw new HebbError(`datamodels: there is no example ${row} among ${examples}.`);
    for (let k = 0; k < width; k++) effect[k] += Number(weights.data[row * width + k]);
  }
  return effect;
}
