import { nearest } from "../engine/errors.js";
import { HebbError } from "../engine/index.js";
import { maskDensity } from "./mask.js";

/** How much a round of pruning removes. */
export interface PruneRates {
  /** The share of the weights still alive that each round removes. Default: 0.2. */
  readonly rate?: number;
  /** The same for the output layer; 0 leaves it whole. Default: half of `rate`. */
  readonly outputRate?: number;
  /** The path of the output layer's weights. Default: the last prunable tensor in the order of the tree. */
  readonly output?: string;
}

/**
 * The share of its living weights that each tensor keeps in a round, for `magnitudeMask` and `oneShotMask`; the output
 * layer, which is small and connects to few classes, is pruned at its own rate. `mask` says which tensors are prunable.
 *
 * Source: Frankle and Carbin (2019), section 2: 20 % a round, the output layer at half the rate. Throws `HebbError` when a
 * rate is outside (0, 1) (`outputRate` may be 0) or `output` is no prunable tensor.
 */
export async function keepPerRound(mask: unknown, rates: PruneRates = {}): Promise<(path: string) => number> {
  const { rate, outputRate } = checkRates(rates);
  const prunable = Object.keys((await maskDensity(mask)).tensors);
  if (prunable.length === 0) throw new HebbError("pruning: no tensor of the parameters is prunable.");
  const output = rates.output ?? prunable[prunable.length - 1];
  if (!prunable.includes(output)) {
    const near = nearest(output, prunable) ?? prunable.join('", "');
    throw new HebbError(`pruning: output "${output}" is no prunable tensor; did you mean "${near}"?`);
  }
  return (path) => 1 - (path === output ? outputRate : rate);
}

/** The rates with their defaults, checked. */
export function checkRates({ rate = 0.2, outputRate = rate / 2 }: PruneRates): { rate: number; outputRate: number } {
  if (!(rate > 0 && rate < 1)) throw new HebbError(`pruning: rate must lie in (0, 1), got ${rate}.`);
  if (!(outputRate >= 0 && outputRate < 1)) {
    throw new HebbError(`pruning: outputRate must lie in [0, 1), got ${outputRate}.`);
  }
  return { rate, outputRate };
}
