import { gatherRows } from "../data/index.js";
import { add, type Feed, HebbError, hostRandom, mul, type NDArray, sub, sum, type Tensor } from "../engine/index.js";
import { type Procedure, procedure, signSgd } from "../optim/index.js";
import { type BatchList, type RowBatch, rowBatches } from "./batches.js";
import { projectCappedSimplex } from "./capped-simplex.js";
import { type Labelled, rowCount, type UnlearnProblem } from "./problem.js";
import { rowScores } from "./row-scores.js";
import { randomLabels } from "./rows.js";
import { openSession, type UnlearnCost } from "./session.js";
import { gradientUpdate } from "./update.js";

/** A trained model and all the rows that it was trained on, of which some are to be chosen. */
export interface ForgetSetProblem<P> extends Required<Pick<UnlearnProblem<P>, "params" | "perExampleLoss" | "seed">> {
  readonly train: Labelled;
}

export interface WorstCaseOptions {
  /** How many rows, or classes, to choose. */
  readonly size: number;
  /** Rounds of unlearning and choosing. Default 20. */
  readonly outer?: number;
  /** Passes over the training set in a round. Default 10. */
  readonly inner?: number;
  /** Of the unlearning. Default 1e-3. */
  readonly innerLearningRate?: number;
  /** Of the choosing. Default 0.01. */
  readonly weightLearningRate?: number;
  /** The weight of |w|^2 beside the losses. Default 0. */
  readonly gamma?: number;
  /** What is chosen. Default `example`. */
  readonly unit?: "example" | "class";
  /**
   * How rows are unlearned while choosing: by training on the others (`FT`), by ascent on them besides (`GA`), or by training
   * on random labels of theirs besides (`RL`). Default `FT`.
   */
  readonly lower?: "FT" | "GA" | "RL";
  /** Choose the rows that are easiest to unlearn instead. Default false. */
  readonly easiest?: boolean;
  /** Rounds after which w becomes 0 and 1 again, the largest of them 1; by default it never does. */
  readonly binariseEvery?: number;
  /** Default 128. */
  readonly batchSize?: number;
  /** The `state` of a round of an earlier run with these same options, after which this one goes on, bit for bit. */
  readonly from?: WorstCaseState;
  readonly signal?: AbortSignal;
}

/** One round. */
export interface WorstCaseRound {
  /** From 1, of `total`. */
  readonly round: number;
  readonly total: number;
  /** sum_i w_i l_i(theta_u) + gamma |w|^2, before w changed. */
  readonly objective: number;
  /** How much of w moved: half of sum_i |change|. */
  readonly moved: number;
  readonly state: WorstCaseState;
}

/** Where the search stands: arrays and numbers, which a checkpoint can keep. */
export interface WorstCaseState {
  readonly round: number;
  /** float64, one for each row or class. */
  readonly w: NDArray;
  readonly history: readonly Omit<WorstCaseRound, "state">[];
  readonly cost: UnlearnCost;
}

export interface WorstCase {
  /** The chosen rows' positions in the training set, ascending. */
  readonly indices: Int32Array;
  /** How much each row (or class) was chosen, in [0, 1]. */
  readonly w: Float64Array;
  readonly history: readonly Omit<WorstCaseRound, "state">[];
  readonly cost: UnlearnCost;
}

const defaults = {
  outer: 20,
  inner: 10,
  innerLearningRate: 1e-3,
  weightLearningRate: 0.01,
  gamma: 0,
  unit: "example",
  lower: "FT",
  easiest: false,
  binariseEvery: Number.POSITIVE_INFINITY,
  batchSize: 128,
} as const;

type Settings = WorstCaseOptions & Required<Omit<WorstCaseOptions, "from" | "signal">>;

/**
 * Finds the rows of a training set that are hardest to forget: those that a model still fits after it was made to unlearn
 * them. It goes round by round: from the original parameters, `inner` epochs of sign descent
 *
 *     theta <- theta - innerLearningRate sign(grad sum_i [w_i forget_i(theta) + (1 - w_i) l_i(theta)])
 *
 * to theta_u (forget_i is 0, -l_i or the loss on a random label), and then
 *
 *     w <- project(w - weightLearningRate (l_i(theta_u) + 2 gamma w_i))    onto 0 <= w <= 1, sum w = size.
 *
 * By the sign, theta_u does not change with w almost everywhere, so that this is the whole gradient: nothing is
 * differentiated through the unlearning. w starts as `size` random ones; the `size` largest are the answer. For classes there
 * is one w each, and its gradient is the sum of its rows' losses.
 *
 * Throws `HebbError` when `size` is not a whole number between 0 and all there is, an option is out of range, labels are
 * needed (`RL`, classes) and are none, or a class to choose from has no rows; and at a loss that is not finite; rethrows the reason of `signal`.
 *
 * Source: Fan, Liu, Hero and Liu, "Challenging Forgets: Unveiling the Worst-Case Forget Sets in Machine Unlearning", 2024.
 */
export function worstCaseForgetSet<P>(
  problem: ForgetSetProblem<P>,
  options: WorstCaseOptions,
): Procedure<WorstCaseRound, WorstCase> {
  const settings = { ...defaults, ...options };
  for (const name of ["outer", "inner", "batchSize"] as const) {
    if (!(Number.isInteger(settings[name]) && settings[name] >= 1))
      throw new HebbError(`worstCaseForgetSet: ${name} must be a whole number of at least 1, got ${settings[name]}.`);
  }
  return procedure(search(problem, settings, unitsOf(problem.train, settings)));
}

async function* search<P>(
  { params, perExampleLoss, train, seed }: ForgetSetProblem<P>,
  options: Settings,
  units: Units,
): AsyncGenerator<WorstCaseRound, WorstCase, undefined> {
  const { size, outer, gamma, easiest, weightLearningRate, binariseEvery, signal, from } = options;
  const random = hostRandom(seed).fork("worst-case forget set");
  const unlearn = lowerLevel(params, perExampleLoss, train, options, seed);
  const lossOfRows = rowScores(perExampleLoss, { signal });
  const direction = easiest ? weightLearningRate : -weightLearningRate;
  let w = from ? Float64Array.from(from.w.data as Float64Array) : ones(random.permutation(units.count), size);
  const history = [...(from?.history ?? [])];
  let cost = from?.cost ?? { passes: 0, steps: 0, seconds: 0 };
  for (let round = (from?.round ?? 0) + 1; round <= outer; round++) {
    const unlearned = await unlearn(units.toRows(w), random.fork(round).integer(2 ** 31));
    const losses = units.sums(await lossOfRows(unlearned.params, train));
    cost = plus(cost, { ...unlearned.cost, passes: unlearned.cost.passes + rowCount(train) / 3 });
    const objective = losses.reduce((total, loss, i) => total + w[i] * loss + gamma * w[i] ** 2, 0);
    const moved = projectCappedSimplex(
      w.map((own, i) => own + direction * (losses[i] + 2 * gamma * own)),
      size,
    );
    const next = round % binariseEvery === 0 ? ones(largestFirst(moved), size) : moved;
    history.push({ round, total: outer, objective, moved: distance(w, next) });
    w = next;
    const kept: NDArray = { data: w, shape: [w.length], dtype: "float64" };
    yield { ...history[history.length - 1], state: { round, w: kept, history: [...history], cost } };
  }
  const chosen = units.toRows(ones(largestFirst(w), size));
  return { indices: Int32Array.from(chosen.keys()).filter((row) => chosen[row] === 1), w, history, cost };
}

/** What is chosen among: rows, or classes of rows. */
interface Units {
  readonly count: number;
  /** The w of each row. */
  toRows(w: Float64Array): Float64Array;
  /** The sum of the rows' losses in each unit. */
  sums(losses: Float32Array): Float64Array;
}

function unitsOf(train: Labelled, { unit, size, lower }: Settings): Units {
  const { dtype, shape } = train.y;
  if (unit === "class" && (dtype !== "int32" || shape.length !== 1))
    throw new HebbError(
      `worstCaseForgetSet: classes need an int32 label for each row, but the ${train.name} set has ${dtype}[${shape}].`,
    );
  if (lower === "RL" && dtype !== "int32")
    throw new HebbError(
      `worstCaseForgetSet: random labels need int32 labels, but the ${train.name} set has ${dtype} targets.`,
    );
  const labels = train.y.data as Int32Array;
  if (unit === "class") {
    // A class without rows would have no loss, and be the hardest of all.
    const present = new Set(labels);
    for (let label = 0; label < present.size; label++)
      if (!present.has(label))
        throw new HebbError(
          `worstCaseForgetSet: classes must be numbered from 0 without gaps, but no row of the ${train.name} set is of class ${label}.`,
        );
  }
  const units: Units =
    unit === "example"
      ? { count: rowCount(train), toRows: (w) => w, sums: (losses) => Float64Array.from(losses) }
      : {
          count: classCount(train),
          toRows: (w) => Float64Array.from(labels, (label) => w[label]),
          sums(losses) {
            const sums = new Float64Array(classCount(train));
            losses.forEach((loss, row) => {
              sums[labels[row]] += loss;
            });
            return sums;
          },
        };
  if (!(Number.isInteger(size) && size >= 1 && size < units.count))
    throw new HebbError(
      `worstCaseForgetSet: size must be a whole number from 1 to ${units.count - 1}, so that something is left of ${units.count}, got ${size}.`,
    );
  return units;
}

const classCount = ({ y }: Labelled): number => 1 + (y.data as Int32Array).reduce((a, b) => Math.max(a, b), 0);

interface WeightedRows {
  readonly rows: RowBatch;
  readonly w: Tensor;
  /** Random labels of the rows. */
  readonly wrong: Tensor;
}

/** Unlearning under weights of the rows, from the original parameters each time. */
function lowerLevel<P>(
  params: P,
  perExampleLoss: ForgetSetProblem<P>["perExampleLoss"],
  train: Labelled,
  { lower, inner, innerLearningRate, batchSize, signal }: Settings,
  seed: number,
) {
  const wrong =
    lower === "RL" ? randomLabels(train, classCount(train), hostRandom(seed).fork("random labels")).y : train.y;
  const loss = (now: P, { rows, w, wrong }: WeightedRows): Tensor => {
    const own = perExampleLoss(now, rows);
    const kept = sum(mul(sub(1, w), own));
    if (lower === "FT") return kept;
    if (lower === "GA") return sub(kept, sum(mul(w, own)));
    return add(kept, sum(mul(w, perExampleLoss(now, { x: rows.x, y: wrong }))));
  };
  const update = gradientUpdate(loss, signSgd({ learningRate: innerLearningRate }));
  return async (w: Float64Array, order: number): Promise<{ params: P; cost: UnlearnCost }> => {
    const session = openSession("worstCaseForgetSet", { signal });
    const batches = weighted(rowBatches(train, { batchSize, epochs: inner, seed: order }), w, wrong);
    const unlearned = await procedure(session.descend("unlearn", { params, update, batches })).run();
    return { params: unlearned, cost: session.state().cost };
  };
}

/** Each batch with its rows' weights and random labels. */
const weighted = (list: BatchList<RowBatch>, w: Float64Array, wrong: NDArray): BatchList<WeightedRows> => ({
  length: list.length,
  *[Symbol.iterator]() {
    for (const rows of list) {
      const at = rows.indices as unknown as Int32Array;
      yield { rows, w: Float32Array.from(at, (row) => w[row]), wrong: gatherRows(wrong, at) } as Feed<WeightedRows>;
    }
  },
});

/** 1 at the first `size` of these places, else 0. */
function ones(order: Int32Array, size: number): Float64Array {
  const w = new Float64Array(order.length);
  for (const place of order.subarray(0, size)) w[place] = 1;
  return w;
}

/** Places from the largest value to the smallest; of equal ones, the first comes first. */
const largestFirst = (values: Float64Array): Int32Array =>
  Int32Array.from(values.keys()).sort((a, b) => values[b] - values[a] || a - b);

/** How much of one point must be moved to come to the other: half the sum of the differences. */
const distance = (a: Float64Array, b: Float64Array): number =>
  a.reduce((total, value, i) => total + Math.abs(value - b[i]), 0) / 2;

const plus = (a: UnlearnCost, b: UnlearnCost): UnlearnCost => ({
  passes: a.passes + b.passes,
  steps: a.steps + b.steps,
  seconds: a.seconds + b.seconds,
});
