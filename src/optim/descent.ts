import { scaleByLearningRate } from "./learning-rate.js";
import type { Mask } from "./mask.js";
import { chain, type Optimizer } from "./optimizer.js";
import type { Rate } from "./schedules.js";
import { addDecayedWeights } from "./weight-decay.js";

export interface DescentOptions {
  readonly learningRate: Rate;
  /** Decoupled as in AdamW: p <- p - learningRate weightDecay p beside the step. Default 0. */
  readonly weightDecay?: number;
  /** Which parameters decay: all by default. */
  readonly mask?: Mask;
}

/** p <- p - learningRate (direction + weightDecay p). */
export const descent = (direction: Optimizer, { learningRate, weightDecay = 0, mask }: DescentOptions): Optimizer =>
  chain(direction, addDecayedWeights(weightDecay, mask), scaleByLearningRate(learningRate));
