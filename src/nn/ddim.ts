import { clip as clamp } from "../engine/composites/elementary.js";
import { scan } from "../engine/control/scan.js";
import { HebbError } from "../engine/errors.js";
import { vector } from "../engine/literals.js";
import { add, div, mul, sqrt, sub } from "../engine/primitives/elementwise.js";
import { broadcastTo } from "../engine/primitives/structure.js";
import type { Tensor } from "../engine/tensor.js";
import type { Denoiser, NoiseSchedule } from "./diffusion.js";

/** The noise in samples z [B, ...] at times t, int32 [B]: what a sampler asks of a model. */
export type NoisePredictor = (z: Tensor, t: Tensor) => Tensor;

/**
 * Noise under classifier-free guidance (Ho and Salimans, 2022): eps(z, t, null) + guidance (eps(z, t, c) - eps(z, t, null)).
 * A guidance of 1 is the conditional prediction alone, 0 (or no condition) the unconditional one.
 */
export function guidedNoise<P>(denoiser: Denoiser<P>, params: P, c: Tensor | null, guidance: number): NoisePredictor {
  return (z, t) => {
    if (c === null || guidance === 0) return denoiser(params, z, t, null);
    const towards = denoiser(params, z, t, c);
    return guidance === 1 ? towards : extrapolate(denoiser(params, z, t, null), towards, guidance);
  };
}

/** from + by (towards - from). */
export const extrapolate = (from: Tensor, towards: Tensor, by: number): Tensor =>
  add(from, mul(sub(towards, from), by));

export interface DdimOptions {
  readonly schedule: NoiseSchedule;
  /** Times at which the model is asked, spread evenly from T down. Default 20, or T if that is less. */
  readonly steps?: number;
  /** Bounds the estimates of the clean sample to [-clip, clip]; for samples whose range is known, such as pixels. */
  readonly clip?: number;
}

/** The way of samples from noise to the end. */
export interface DdimPath {
  /** The clean samples, [B, ...]. */
  readonly sample: Tensor;
  /** The noisy samples at which the model was asked, from the noise on: [steps, B, ...]. */
  readonly states: Tensor;
  /** The times at which it was, falling from T: int32 [steps]. */
  readonly times: Tensor;
}

/**
 * Deterministic sampling (Song et al., 2021), from standard normal noise z [B, ...], in one loop inside the graph: with
 * eps = noise(z, t),
 *
 *     z_0 = (z - sqrt(1 - alphaBar[t]) eps) / sqrt(alphaBar[t]);  z <- sqrt(alphaBar[s]) z_0 + sqrt(1 - alphaBar[s]) eps
 *
 * from each time t to the next lower one s. Where `clip` bounds z_0, eps is what that leaves. The same noise gives the
 * same sample. `ddim(guidedNoise(denoiser, params, c, 2), z, { schedule })`.
 */
export function ddim(
  noise: NoisePredictor,
  z: Tensor,
  { schedule, steps = Math.min(20, schedule.steps), clip }: DdimOptions,
): DdimPath {
  if (!(Number.isInteger(steps) && steps >= 1 && steps <= schedule.steps))
    throw new HebbError(`ddim: the number of steps must be from 1 to the schedule's ${schedule.steps}, got ${steps}.`);
  const at = Array.from({ length: steps + 1 }, (_, i) => Math.round((schedule.steps * (steps - i)) / steps));
  const left = at.map((t) => schedule.alphaBar[t]);
  const times = vector(at.slice(0, -1), "int32");
  const lefts = { now: vector(left.slice(0, -1), z.dtype), next: vector(left.slice(1), z.dtype) };
  const [sample, states] = scan(
    (state: Tensor, { t, now, next }: { t: Tensor; now: Tensor; next: Tensor }) => {
      const found = noise(state, broadcastTo(t, [z.shape[0]]));
      const [signal, spread] = [sqrt(now), sqrt(sub(1, now))];
      const free = div(sub(state, mul(spread, found)), signal);
      const clean = clip === undefined ? free : clamp(free, -clip, clip);
      const rest = clip === undefined ? found : div(sub(state, mul(signal, clean)), spread);
      return [add(mul(sqrt(next), clean), mul(sqrt(sub(1, next)), rest)), state];
    },
    z,
    { t: times, ...lefts },
  );
  return { sample, states, times };
}
