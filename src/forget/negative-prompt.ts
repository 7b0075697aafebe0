import type { Tensor } from "../engine/index.js";
import { type DdimOptions, type Denoiser, ddim, guidedNoise } from "../nn/index.js";

export interface NegativePromptOptions extends DdimOptions {
  /** What to draw, [B, ...]. */
  readonly c: Tensor;
  /** What not to draw, [B, ...]. */
  readonly negative: Tensor;
  /** Default 2. */
  readonly guidance?: number;
}

/**
 * Samples away from a concept without changing the model: the negative condition stands where guidance has none,
 *
 *     eps = eps(z, t, negative) + guidance (eps(z, t, c) - eps(z, t, negative))
 *
 * and `ddim` does the rest, from standard normal noise z [B, ...] to samples [B, ...]. It only steers: whoever has the
 * parameters samples without it, and asked for the negative concept itself it gives that, unguided.
 */
export function negativePromptSampling<P>(
  denoiser: Denoiser<P>,
  params: P,
  z: Tensor,
  { c, negative, guidance = 2, ...options }: NegativePromptOptions,
): Tensor {
  const away: Denoiser<P> = (p, now, t, condition) => denoiser(p, now, t, condition ?? negative);
  return ddim(guidedNoise(away, params, c, guidance), z, options).sample;
}
