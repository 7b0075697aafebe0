import { HebbError } from "../engine/index.js";
import type { Labelled, UnlearnProblem } from "./problem.js";

/**
 * Models trained from scratch without the forget set: what unlearning is compared with. The first shares its initial
 * parameters and its shuffling with the original, whose seed the problem's is; the others are independent. Throws
 * `HebbError` when the problem lacks the retain set, its labels or `trainFromScratch`.
 */
export async function goldModels<P>(problem: UnlearnProblem<P>, count = 3): Promise<P[]> {
  const { retain, trainFromScratch, seed } = problem;
  if (retain?.y === undefined)
    throw new HebbError("goldModels: the problem needs the rows to keep (retain), with labels.");
  if (!trainFromScratch) throw new HebbError("goldModels: the problem lacks a way to train again (trainFromScratch).");
  const golds: P[] = [];
  for (let k = 0; k < count; k++) golds.push(await trainFromScratch(retain as Labelled, goldSeed(seed, k)));
  return golds;
}

/** The seed of gold model `k`: the original's own for the first, seeds that no original has for the others. */
export const goldSeed = (seed: number, k: number): number => (k === 0 ? seed : 1_000_000 * k + seed);
