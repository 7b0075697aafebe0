import {
  add,
  eye,
  hostRandom,
  linalg,
  matmul,
  max,
  mul,
  sub,
  swapAxes,
  type Tensor,
  tensor,
} from "../../src/engine/index.js";
import { quadraticDescent, ridge, ridgeLeaveOut } from "../../src/forget/index.js";
import { drawConfigurations, tuningSeed } from "./tuning.js";

export interface RidgeOptions {
  readonly n: number;
  readonly d: number;
  readonly forget: number;
  readonly lambdas: readonly number[];
  readonly draws: number;
  readonly steps: number;
  /** Configurations tried for each method that has a weight. */
  readonly trials: number;
  /** The relative error to be reached. */
  readonly goal: number;
}

export const ridgeArms = {
  gd: "GD on retain rows",
  gaGd: "GD on retain rows, ascent on forget rows",
  scrubLike: "SCRUB-like: near the original on retain rows, away from it on forget rows",
  om: "Oracle matching on retain and forget rows",
  omHalf: "Oracle matching, half of the weight on forget rows",
} as const;
export type RidgeArm = keyof typeof ridgeArms;

/** A regression problem, float64: inputs of covariance diag(1/k), rows to forget at the end. */
export interface RidgeDraw {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly forget: Int32Array;
}

/** Weights and noise are standard normal. */
export function ridgeDraw({ n, d, forget }: Pick<RidgeOptions, "n" | "d" | "forget">, seed: number): RidgeDraw {
  const random = hostRandom(seed).fork("ridge");
  const weights = Float64Array.from({ length: d }, () => random.normal());
  const x = Float64Array.from({ length: n * d }, (_, i) => random.normal() / Math.sqrt((i % d) + 1));
  const y = Float64Array.from({ length: n }, (_, row) => {
    let value = random.normal();
    for (let k = 0; k < d; k++) value += x[row * d + k] * weights[k];
    return value;
  });
  return {
    x: tensor(x, { shape: [n, d] }),
    y: tensor(y),
    forget: Int32Array.from({ length: forget }, (_, i) => n - forget + i),
  };
}

/** Weights of the methods that have them. */
export type RidgeWeights = Readonly<Record<"gaGd" | "scrubLike", { readonly keep: number; readonly forget: number }>>;

/**
 * How far from the retrained parameters a method is after each step, relative to their length. All start at the fit on all
 * rows, and take full-batch steps of 1 / (the largest eigenvalue of what is descended).
 */
export async function ridgeDescents({ x, y, forget }: RidgeDraw, lambda: number, steps: number, weights: RidgeWeights) {
  const [n, d] = x.shape;
  const kept = n - forget.length;
  const start = await fixed(ridge(x, y, lambda));
  const target = await fixed(ridgeLeaveOut(x, y, lambda, forget).params);
  const [retainX, forgetX] = [x.slice([0, 0], [kept, d]), x.slice([kept, 0], [n, d])];
  const [retain, forgotten] = await Promise.all(
    [retainX, forgetX].map((rows) => fixed(matmul(rows, rows, { transposeA: true }))),
  );
  const times = (matrix: Tensor, v: Tensor) => matmul(matrix, v.reshape(v.size, 1)).reshape(matrix.shape[0]);
  const right = (rows: Tensor, values: Tensor) => times(swapAxes(rows, 0, 1), values);

  // ||X_R theta - y_R||^2 / 2 + lambda ||theta||^2 / 2.
  const hessian = add(retain, mul(eye(d, { dtype: "float64" }), lambda));
  const linear = right(retainX, y.slice([0], [kept]));
  const ascent = mul(forgotten, weights.gaGd.forget);
  // Near the original on retain rows and away from it on forget rows: no force at the start.
  const [near, away] = [mul(retain, weights.scrubLike.keep), mul(forgotten, weights.scrubLike.forget)];
  const teacher = sub(near, away);
  const all = add(retain, forgotten);
  const half = add(mul(retain, 1 / kept), mul(forgotten, 1 / forget.length));
  const objectives: Record<RidgeArm, { hessian: Tensor; linear: Tensor; descended?: Tensor }> = {
    gd: { hessian, linear },
    gaGd: {
      hessian: sub(hessian, ascent),
      linear: sub(linear, mul(right(forgetX, y.slice([kept], [n])), weights.gaGd.forget)),
      descended: hessian,
    },
    scrubLike: {
      hessian: add(hessian, teacher),
      linear: add(linear, times(teacher, start)),
      descended: add(hessian, near),
    },
    om: { hessian: all, linear: times(all, target) },
    omHalf: { hessian: half, linear: times(half, target) },
  };
  return async (arm: RidgeArm): Promise<Float64Array> => {
    const { descended, ...objective } = objectives[arm];
    const largest = descended && Number((await max(linalg.eigvalsh(descended)).data())[0]);
    return quadraticDescent({ ...objective, start, target, steps, stepSize: largest && 1 / largest });
  };
}

const fixed = async (t: Tensor): Promise<Tensor> => tensor(await t.array());

/** The first step at which the error is at most `goal`; undefined if there is none. */
export function stepsTo(errors: Float64Array, goal: number): number | undefined {
  const step = errors.findIndex((error) => error <= goal);
  return step < 0 ? undefined : step;
}

/** The weights that reach the goal soonest, or come nearest to it, on a draw of their own. */
export async function tuneRidge(options: RidgeOptions, lambda: number): Promise<RidgeWeights> {
  const draw = ridgeDraw(options, tuningSeed);
  const space = { keep: { log: [1e-3, 1] }, forget: { log: [1e-3, 1] } } as const;
  const best = async (arm: keyof RidgeWeights) => {
    const configurations = drawConfigurations(
      { name: arm, space },
      options.trials,
    ) as unknown as RidgeWeights["gaGd"][];
    let winner = { score: Number.POSITIVE_INFINITY, weights: configurations[0] };
    for (const weights of configurations) {
      const errors = await (await ridgeDescents(draw, lambda, options.steps, { gaGd: weights, scrubLike: weights }))(
        arm,
      );
      const least = errors.reduce((a, b) => (b < a ? b : a), Number.POSITIVE_INFINITY);
      const score = stepsTo(errors, options.goal) ?? options.steps * (1 + least);
      if (score < winner.score) winner = { score, weights };
    }
    return winner.weights;
  };
  return { gaGd: await best("gaGd"), scrubLike: await best("scrubLike") };
}
