import type { DescentOptions } from "./descent.js";
import { scaleByLearningRate } from "./learning-rate.js";
import type { Mask } from "./mask.js";
import { momentum as withMomentum } from "./momentum.js";
import { chain, type Optimizer } from "./optimizer.js";
import { scaleByTrustRatio } from "./trust-ratio.js";
import { addDecayedWeights } from "./weight-decay.js";

export interface LarsOptions extends DescentOptions {
  /** Default 0.9. */
  readonly momentum?: number;
  readonly nesterov?: boolean;
  /** The share of its size by which a parameter moves at learning rate 1. Default 0.001. */
  readonly coefficient?: number;
  /** Which parameters are scaled to their size, all by default. */
  readonly trust?: Mask;
}

/**
 * Momentum for very large batches (You et al., 2017): with u = g + weightDecay p,
 * v <- momentum v + learningRate coefficient (|p| / |u|) u; p <- p - v, tensor by tensor.
 *
 * `trainStep(loss, lars({ learningRate: 1, weightDecay: 1e-4, trust: (_, p) => p.rank > 1 }))`
 */
export const lars = (options: LarsOptions): Optimizer =>
  chain(
    addDecayedWeights(options.weightDecay ?? 0, options.mask),
    scaleByTrustRatio({ coefficient: options.coefficient ?? 1e-3, mask: options.trust }),
    scaleByLearningRate(options.learningRate),
    withMomentum(options.momentum ?? 0.9, options),
  );
