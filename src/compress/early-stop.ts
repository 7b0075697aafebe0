import { HebbError } from "../engine/index.js";

/** One evaluation during training. */
export interface ValidationPoint {
  /** Optimiser steps done. */
  readonly step: number;
  /** Mean validation loss; never the training loss, and never anything of the test set. */
  readonly valLoss: number;
}

/**
 * The early-stopping iteration: the step with the least validation loss, the first of them if several share it. It is a
 * measure of how fast a network learns; accuracy is read at that step, not at the best step of the test set.
 *
 * Source: Frankle and Carbin (2019), section 2. Throws `HebbError` on an empty log or a loss that is NaN.
 */
export function earlyStopIteration(log: readonly ValidationPoint[]): number {
  if (log.length === 0) throw new HebbError("earlyStopIteration: the log holds no evaluation.");
  let best = log[0];
  for (const point of log) {
    if (Number.isNaN(point.valLoss)) {
      throw new HebbError(`earlyStopIteration: the validation loss at step ${point.step} is NaN.`);
    }
    if (point.valLoss < best.valLoss || (point.valLoss === best.valLoss && point.step < best.step)) best = point;
  }
  return best.step;
}
