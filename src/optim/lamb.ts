import { type ScaleByAdamOptions, scaleByAdam } from "./adam.js";
import type { DescentOptions } from "./descent.js";
import { scaleByLearningRate } from "./learning-rate.js";
import type { Mask } from "./mask.js";
import { chain, type Optimizer } from "./optimizer.js";
import { scaleByTrustRatio } from "./trust-ratio.js";
import { addDecayedWeights } from "./weight-decay.js";

export interface LambOptions extends ScaleByAdamOptions, DescentOptions {
  /** Which parameters are scaled to their size, all by default. */
  readonly trust?: Mask;
}

/**
 * Adam for very large batches (You et al., 2020): with Adam's direction r and u = r + weightDecay p,
 * p <- p - learningRate (|p| / |u|) u, tensor by tensor. `epsilon` is 1e-6 by default.
 *
 * `trainStep(loss, lamb({ learningRate: schedules.warmupCosine({ peak: 0.01, warmup: 100, steps: 1000 }) }))`
 */
export const lamb = ({ learningRate, weightDecay = 0, mask, trust, ...moments }: LambOptions): Optimizer =>
  chain(
    scaleByAdam({ epsilon: 1e-6, ...moments }),
    addDecayedWeights(weightDecay, mask),
    scaleByTrustRatio({ mask: trust }),
    scaleByLearningRate(learningRate),
  );
