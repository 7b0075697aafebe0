import type { Dataset } from "../data/index.js";
import { HebbError, hostRandom } from "../engine/index.js";

/** A data set in which some labels are wrong on purpose. */
export interface Noisy {
  readonly data: Dataset;
  /** 1 where the label was changed, [n]. */
  readonly flipped: Uint8Array;
}

/**
 * Gives round(fraction · n) examples, drawn without repetition, another label each, uniform over the other classes.
 *
 * The same seed draws the same flips; the data set that is passed in keeps its labels. Throws `HebbError` for a fraction
 * outside [0, 1] and for data without classes.
 */
export function flipLabels(data: Dataset, fraction: number, seed: number): Noisy {
  if (!(fraction >= 0 && fraction <= 1))
    throw new HebbError(`flipLabels: the fraction must lie in [0, 1], got ${fraction}.`);
  const { classes } = data;
  if (classes === undefined || classes < 2)
    throw new HebbError(`flipLabels: ${data.name} needs at least two classes to flip between.`);
  const random = hostRandom(seed).fork("flip labels");
  const labels = Int32Array.from(data.y.data as Int32Array);
  const flipped = new Uint8Array(labels.length);
  for (const row of random.permutation(labels.length).subarray(0, Math.round(fraction * labels.length))) {
    labels[row] = (labels[row] + 1 + random.integer(classes - 1)) % classes;
    flipped[row] = 1;
  }
  return { data: { ...data, y: { ...data.y, data: labels } }, flipped };
}

/**
 * How well a score finds wrong labels: the area under its ROC curve,
 *
 *     P(score of a flipped example > score of a clean one) + P(equal) / 2,
 *
 * so 0.5 is chance and 1 means that every flipped example outranks every clean one. `score` [n]; `flipped` [n], booleans
 * or 0/1. Throws `HebbError` when lengths differ, a score is not a number, or all or none are flipped.
 *
 * Source: Paul, Ganguli, Dziugaite, "Deep Learning on a Data Diet", 2021, section 4 (high scores are label noise).
 */
export function scoreNoiseAuc(score: ArrayLike<number>, flipped: ArrayLike<number | boolean>): number {
  const n = score.length;
  if (flipped.length !== n) throw new HebbError(`scoreNoiseAuc: ${n} scores came with ${flipped.length} flags.`);
  const order = Array.from({ length: n }, (_, i) => i).sort((a, b) => score[a] - score[b]);
  let positives = 0;
  let wins = 0;
  let cleanBelow = 0;
  for (let start = 0; start < n; ) {
    const value = score[order[start]];
    if (Number.isNaN(value))
      throw new HebbError(`scoreNoiseAuc: the score of example ${order[start]} is not a number.`);
    let tied = 0;
    let tiedFlipped = 0;
    while (start + tied < n && score[order[start + tied]] === value) {
      if (flipped[order[start + tied]]) tiedFlipped++;
      tied++;
    }
    const tiedClean = tied - tiedFlipped;
    wins += tiedFlipped * (cleanBelow + tiedClean / 2);
    positives += tiedFlipped;
    cleanBelow += tiedClean;
    start += tied;
  }
  if (positives === 0 || cleanBelow === 0)
    throw new HebbError("scoreNoiseAuc: there must be flipped and clean examples.");
  return wins / (positives * cleanBelow);
}
