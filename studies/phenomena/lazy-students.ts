import {
  jit,
  jvp,
  mean,
  mul,
  type NDArray,
  random,
  slice,
  square,
  stack,
  sub,
  type Tensor,
  tensor,
  treeMap,
  valueAndGrad,
  vmap,
} from "../../src/engine/index.js";
import { logSpaced } from "../../src/lab/hooks.js";
import type { Checkpoint } from "../../src/lab/study.js";
import {
  exactPolyTestLoss,
  featureAlignment,
  kernelTaskAlignment,
  laziness,
  linearise,
  outputScaled,
  type PolyRegressionTask,
  polyRegressionTask,
  polyTestLossOfMoments,
  quadraticStudent,
  quadraticStudentKernel,
  type StudentParams,
  scaledLr,
  studentMoments,
} from "../../src/phenomena/index.js";
import type { MeasuredCurve } from "./lazy-summary.js";

/** One student, trained beside others on the same data from the same weights. */
export interface Lane {
  readonly eps: number;
  readonly alpha: number;
  readonly eta: number;
}

export const studentMeasures = [
  "train",
  "test",
  "linear",
  "misalignment",
  "variance",
  "featureAlignment",
  "ntkAlignment",
  "ntkAlignmentCentred",
  "relMove",
  "kernelMove",
] as const;
export type StudentMeasures = Record<(typeof studentMeasures)[number], number>;

type LaneOf<T> = { readonly [K in keyof Lane]: T };
type Data = { readonly x: Tensor; readonly y: Tensor; readonly beta: Tensor };

/** Steps unrolled in one compiled call. Large chunks save the cost of calls; steps of one reach any measured step. */
const chunkSizes = [2, 1];

/** The kernel's alignment is measured on so many training examples at most: at P = 2000 a kernel has 4 million entries. */
const kernelPoints = 250;

export interface StudentsOptions {
  /** The dimension of the inputs. */
  readonly D: number;
  /** The number of hidden units. */
  readonly N: number;
  /** Steps of gradient descent. */
  readonly steps: number;
  /** How many log-spaced steps are measured, besides the start. */
  readonly measured: number;
}

/** The compiled training and measuring of students; every lane of `w` and `lane` is a network of its own. */
export function studentProgram({ D, N, linearised = false }: { D: number; N: number; linearised?: boolean }) {
  const student = ({ eps, alpha }: LaneOf<Tensor>, w0: StudentParams) => {
    const network = quadraticStudent({ D, N, eps });
    return outputScaled(linearised ? linearise(network, w0) : network, alpha, { centre: w0 });
  };
  const meanSquare = (w: StudentParams, w0: StudentParams, lane: LaneOf<Tensor>, { x, y }: Data) =>
    mean(square(sub(student(lane, w0).apply(w, x), y)));

  const train = (steps: number) => (w: StudentParams, w0: StudentParams, lane: LaneOf<Tensor>, data: Data) => {
    const rate = scaledLr(mul(lane.eta, N), lane.alpha);
    const losses: Tensor[] = [];
    for (let i = 0; i < steps; i++) {
      const [loss, gradient] = valueAndGrad((v: StudentParams) => mul(meanSquare(v, w0, lane, data), 0.5))(w);
      w = treeMap((v: Tensor, g: Tensor) => sub(v, mul(g, rate)), w, gradient);
      losses.push(loss);
    }
    return { w, losses: stack(losses) };
  };

  const measure = (params: StudentParams, start: StudentParams, lane: LaneOf<Tensor>, data: Data) => {
    const { eps, alpha } = lane;
    const [w, w0] = [params.w, start.w];
    const { total, linear, misalignment, variance } = linearised
      ? polyTestLossOfMoments(jvp(studentMoments, [w0], [sub(w, w0)])[1], data.beta, alpha, eps)
      : exactPolyTestLoss(w, w0, data.beta, alpha, eps);
    const points = Math.min(kernelPoints, data.x.shape[0]);
    const x = slice(data.x, [0, 0], [points, D]);
    const y = slice(data.y, [0], [points]);
    // The tangent kernel of a first-order model is that of its origin, for ever.
    const kernelOf = (v: StudentParams) => quadraticStudentKernel(linearised ? w0 : v.w, x, x, eps);
    const kernel = kernelOf(params);
    return {
      train: meanSquare(params, start, lane, data),
      test: total,
      linear,
      misalignment,
      variance,
      featureAlignment: featureAlignment(studentMoments(w).second, data.beta),
      ntkAlignment: kernelTaskAlignment(kernel, y),
      ntkAlignmentCentred: kernelTaskAlignment(kernel, y, { centre: true }),
      ...laziness(params, start, kernelOf),
    } satisfies Record<keyof StudentMeasures, Tensor>;
  };

  const lanes = { inAxes: [0, null, 0, null] };
  return {
    train: new Map(chunkSizes.map((steps) => [steps, jit(vmap(train(steps), lanes), { donate: [0] })])),
    measure: jit(vmap(measure, lanes)),
  };
}
export type StudentProgram = ReturnType<typeof studentProgram>;

export interface TrainOptions extends StudentsOptions {
  readonly task: PolyRegressionTask;
  readonly lanes: readonly Lane[];
  /** Of the initial weights. */
  readonly seed: number;
  readonly signal: AbortSignal;
  /** Where to go on, bit for bit; default: the start. */
  readonly from?: StudentsUnderWay;
  /** Gets the measures of every lane. */
  onMeasure?(step: number, lanes: readonly StudentMeasures[]): void;
  /** Gets the halved train loss of every lane before each step. */
  onLoss?(lanes: readonly number[]): void;
  /** Gets the chance to keep where training stands, after every call. */
  save?(underWay: StudentsUnderWay): Promise<void>;
}

/** A training that is under way, as a checkpoint keeps it. */
export interface StudentsUnderWay {
  /** Steps done. */
  readonly step: number;
  readonly params: StudentParams;
  /** What has been measured of each lane. */
  readonly curves: readonly { readonly steps: number[]; readonly values: StudentMeasures[] }[];
}

/** Full-batch gradient descent on all lanes together, `w_i -= (eta N / alpha^2) grad`; the measured curve of each. */
export async function trainStudents(program: StudentProgram, options: TrainOptions): Promise<readonly MeasuredCurve[]> {
  const { D, N, task, lanes, seed, signal, from, onMeasure, onLoss, save } = options;
  // The initial weights do not depend on eps.
  const w0 = await quadraticStudent({ D, N, eps: 0 }).init(random.key(seed)).w.array();
  const start = { w: tensor(w0) };
  const data = { x: tensor(task.x), y: tensor(task.y), beta: tensor(task.beta) };
  const perLane = (pick: (lane: Lane) => number) => tensor(Float64Array.from(lanes, pick));
  const lane = { eps: perLane((l) => l.eps), alpha: perLane((l) => l.alpha), eta: perLane((l) => l.eta) };
  let params = from?.params ?? { w: repeated(w0, lanes.length) };

  const curves = from?.curves ?? lanes.map(() => ({ steps: [] as number[], values: [] as StudentMeasures[] }));
  let step = from?.step ?? 0;
  const targets = [0, ...logSpaced(options.steps, options.measured)];
  for (const target of targets.slice(curves[0].steps.length)) {
    while (step < target) {
      signal.throwIfAborted();
      const count = chunkSizes.find((size) => size <= target - step)!;
      const { w, losses } = await program.train.get(count)!(params, start, lane, data);
      params = w;
      step += count;
      if (onLoss) {
        const values = await losses.data();
        for (let i = 0; i < count; i++) onLoss(lanes.map((_, l) => Number(values[l * count + i])));
      }
      await save?.({ step, params, curves });
    }
    const measures = await readLanes(await program.measure(params, start, lane, data), lanes.length);
    onMeasure?.(step, measures);
    measures.forEach((values, i) => {
      curves[i].steps.push(step);
      curves[i].values.push(values);
    });
  }
  return curves;
}

export interface RatesOptions extends StudentsOptions {
  readonly cells: readonly { readonly eps: number; readonly alpha: number }[];
  readonly points: number;
  readonly smallEtas: readonly number[];
  readonly tuningSeeds: readonly number[];
  readonly tuningSteps: number;
  readonly signal: AbortSignal;
  readonly checkpoint?: Checkpoint;
}

/** What a checkpoint keeps of the search: which lanes have been stable, and the training on one of the tuning seeds. */
interface RatesUnderWay {
  readonly seed: number;
  readonly stable: boolean[];
  readonly start?: readonly number[];
  readonly before: readonly number[];
  readonly training: StudentsUnderWay;
}

/**
 * For each cell the largest of `smallEtas` with which gradient descent is stable: the train loss rises at no step, on no
 * tuning seed (by more than a millionth of its start, to leave room for rounding). The smallest where none is.
 */
export async function stableRates(program: StudentProgram, options: RatesOptions): Promise<number[]> {
  const { D, cells, points, smallEtas, tuningSeeds, tuningSteps, checkpoint } = options;
  const lanes = cells.flatMap((cell) => smallEtas.map((eta) => ({ ...cell, eta })));
  if (lanes.length === 0) return [];
  let saved = checkpoint?.restore<RatesUnderWay>();
  const stable = saved?.stable ?? lanes.map(() => true);
  for (const seed of tuningSeeds.slice(saved ? tuningSeeds.indexOf(saved.seed) : 0)) {
    let start = saved?.start;
    let before = saved?.before ?? [];
    await trainStudents(program, {
      ...options,
      steps: tuningSteps,
      measured: 2,
      task: polyRegressionTask({ D, P: points, seed }),
      lanes,
      seed,
      from: saved?.training,
      save: async (training) => checkpoint?.save(() => ({ seed, stable, start, before, training })),
      onLoss: (losses) => {
        start ??= losses;
        losses.forEach((loss, i) => {
          // Written so that a loss that is not a number counts as a rise.
          if (!(loss <= (before[i] ?? loss) + 1e-6 * start![i])) stable[i] = false;
        });
        before = losses;
      },
    });
    saved = undefined;
  }
  return cells.map((_, c) => {
    const held = smallEtas.filter((_, e) => stable[c * smallEtas.length + e]);
    return Math.max(...(held.length > 0 ? held : [Math.min(...smallEtas)]));
  });
}

function repeated({ data, shape, dtype }: NDArray, times: number): Tensor {
  const copies = new Float64Array(times * data.length);
  for (let i = 0; i < times; i++) copies.set(data as Float64Array, i * data.length);
  return tensor({ data: copies, shape: [times, ...shape], dtype });
}

async function readLanes(measures: Record<keyof StudentMeasures, Tensor>, count: number) {
  const columns = await Promise.all(studentMeasures.map((name) => measures[name].data()));
  return Array.from(
    { length: count },
    (_, lane) =>
      Object.fromEntries(studentMeasures.map((name, i) => [name, Number(columns[i][lane])])) as StudentMeasures,
  );
}
