import { mean } from "../engine/composites/statistics.js";
import type { DType } from "../engine/dtype.js";
import { HebbError, ShapeError } from "../engine/errors.js";
import { vector } from "../engine/literals.js";
import { add, mul, sqrt, square, sub } from "../engine/primitives/elementwise.js";
import { gather } from "../engine/primitives/indexing.js";
import { reshape } from "../engine/primitives/structure.js";
import { integers } from "../engine/random/discrete.js";
import { type Key, splitList } from "../engine/random/keys.js";
import { normal } from "../engine/random/normal.js";
import { sameShape, show } from "../engine/shape.js";
import type { Tensor } from "../engine/tensor.js";

/**
 * A network that finds the noise in noisy samples: z [B, ...] at the times t, int32 [B], under the conditions c [B, ...],
 * or under none (null), to a tensor like z.
 */
export type Denoiser<P = any> = (params: P, z: Tensor, t: Tensor, c: Tensor | null) => Tensor;

/** How much of a sample is left at each time: z_t = sqrt(alphaBar[t]) z_0 + sqrt(1 - alphaBar[t]) noise. */
export interface NoiseSchedule {
  /** The last time, T; times are 0 (no noise) to T. */
  readonly steps: number;
  /** Falling from 1 at time 0; T + 1 numbers. */
  readonly alphaBar: readonly number[];
}

/**
 * The schedule with these variances of each step, beta_1 to beta_T: alphaBar[t] = (1 - beta_1) ... (1 - beta_t) (Ho et
 * al., 2020). Throws `HebbError` unless there is one and all lie in (0, 1).
 */
export function noiseSchedule(betas: ArrayLike<number>): NoiseSchedule {
  const alphaBar = [1];
  for (let i = 0; i < betas.length; i++) {
    if (!(betas[i] > 0 && betas[i] < 1))
      throw new HebbError(`noiseSchedule: the variances must lie in (0, 1), but that of step ${i + 1} is ${betas[i]}.`);
    alphaBar.push(alphaBar[i] * (1 - betas[i]));
  }
  if (betas.length === 0) throw new HebbError("noiseSchedule: there are no steps.");
  return { steps: betas.length, alphaBar };
}

/**
 * The cosine schedule (Nichol and Dhariwal, 2021): alphaBar[t] = f(t) / f(0), f(t) = cos^2(pi / 2 (t / T + s) / (1 + s)),
 * with no step's variance above `maxBeta`.
 */
export function cosineSchedule(
  steps: number,
  { s = 0.008, maxBeta = 0.999 }: { s?: number; maxBeta?: number } = {},
): NoiseSchedule {
  const f = (t: number) => Math.cos(((Math.PI / 2) * (t / steps + s)) / (1 + s)) ** 2;
  return noiseSchedule(Array.from({ length: steps }, (_, i) => Math.min(1 - f(i + 1) / f(i), maxBeta)));
}

/** alphaBar at the times `t`, int32 [B], as [B, 1, ...] to go with samples of `rank`. */
function signalAt({ alphaBar }: NoiseSchedule, t: Tensor, rank: number, dtype: DType): Tensor {
  const rows = gather(vector(alphaBar, dtype), t);
  return reshape(rows, [...t.shape, ...new Array(rank - 1).fill(1)]);
}

/** z_t = sqrt(alphaBar[t]) z_0 + sqrt(1 - alphaBar[t]) noise, for samples [B, ...] at times int32 [B]. */
export function addNoise(schedule: NoiseSchedule, z0: Tensor, t: Tensor, noise: Tensor): Tensor {
  if (!sameShape(z0.shape, noise.shape))
    throw new ShapeError("addNoise", `samples ${show(z0.shape)} and noise ${show(noise.shape)} differ in shape`);
  const left = signalAt(schedule, t, z0.rank, z0.dtype);
  return add(mul(sqrt(left), z0), mul(sqrt(sub(1, left)), noise));
}

/**
 * How well a denoiser finds the noise in noised samples, for each of them [B]: the mean over a sample's elements of
 * (eps(z_t, t, c) - noise)^2, at a time drawn uniformly from 1 to T (the simple loss of Ho et al., 2020). To train for
 * classifier-free guidance, take the condition of some samples away: the denoiser's own stand-in for none in place of c.
 */
export function noisePredictionLoss<P>(
  denoiser: Denoiser<P>,
  schedule: NoiseSchedule,
  params: P,
  z0: Tensor,
  c: Tensor | null,
  key: Key,
): Tensor {
  const [forTimes, forNoise] = splitList(key, 2);
  const t = integers(forTimes, [z0.shape[0]], 1, schedule.steps + 1);
  const noise = normal(forNoise, z0.shape, { dtype: z0.dtype === "float64" ? "float64" : "float32" });
  return meanOfEach(square(sub(denoiser(params, addNoise(schedule, z0, t, noise), t, c), noise)));
}

/** The mean of each row: [B, ...] to [B]. */
const meanOfEach = (x: Tensor): Tensor =>
  mean(
    x,
    Array.from({ length: x.rank - 1 }, (_, i) => i + 1),
  );
