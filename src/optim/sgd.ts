import { scaleByLearningRate } from "./learning-rate.js";
import { momentum } from "./momentum.js";
import { chain, type Optimizer } from "./optimizer.js";
import type { Rate } from "./schedules.js";
import { addDecayedWeights } from "./weight-decay.js";

export interface SgdOptions {
  readonly learningRate: Rate;
  /** Decay of the velocity; 0, the default, is plain gradient descent. */
  readonly momentum?: number;
  readonly nesterov?: boolean;
  /** L2 regularisation, added to the gradient before momentum. */
  readonly weightDecay?: number;
}

/**
 * Stochastic gradient descent in PyTorch's form: g <- g + weightDecay p; v <- momentum v + g; p <- p - learningRate v
 * (with `nesterov`, p <- p - learningRate (g + momentum v)).
 */
export function sgd(options: SgdOptions): Optimizer {
  const links: Optimizer[] = [];
  if (options.weightDecay) links.push(addDecayedWeights(options.weightDecay));
  if (options.momentum) links.push(momentum(options.momentum, { nesterov: options.nesterov }));
  return chain(...links, scaleByLearningRate(options.learningRate));
}
