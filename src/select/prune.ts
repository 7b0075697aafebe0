import { type Dataset, size, take } from "../data/index.js";
import { HebbError, hostRandom } from "../engine/index.js";

export interface PruneOptions {
  /** The share of the examples to keep, in (0, 1]. Default 0.5. */
  readonly keep?: number;
  /**
   * The share of the ranking to leave out before the kept part: the kept examples are the window [skipTop,
   * skipTop + keep]. With noisy labels the very highest scores are mostly wrong labels. Default 0.
   */
  readonly skipTop?: number;
  /** Keep the highest scores, the lowest, or examples drawn without regard to the score. Default "hard". */
  readonly which?: "hard" | "easy" | "random";
  /** Decides which of equal scores come first, and what "random" draws. Default 0. */
  readonly seed?: number;
}

/** What is left of a data set. */
export interface Pruned {
  readonly data: Dataset;
  /** The kept examples' positions in the whole set, ascending: the order says nothing of the scores. */
  readonly rows: Int32Array;
}

/**
 * Keeps a share of a data set by score: the round(keep · n) examples that stand from place round(skipTop · n) on in the
 * ranking, highest score first ("hard"), lowest first ("easy") or shuffled ("random").
 *
 * `score` [n]; Infinity is allowed, NaN is not. Equal scores are put in random order, since the order of the data may
 * carry the classes. Throws `HebbError` when the lengths differ, `keep` lies outside (0, 1], or the window leaves the
 * ranking. To compare with training on all data, train for the same number of steps, not of epochs.
 *
 * Source: Paul, Ganguli, Dziugaite, "Deep Learning on a Data Diet", 2021, sections 3 and 4 (windows).
 */
export function pruneByScore(data: Dataset, score: ArrayLike<number>, options: PruneOptions = {}): Pruned {
  if (score.length !== size(data)) {
    throw new HebbError(`pruneByScore: ${data.name} has ${size(data)} examples, but there are ${score.length} scores.`);
  }
  const rows = rowsByScore(score, options);
  return { data: take(data, rows), rows };
}

/** The rows that `pruneByScore` keeps, without the data. */
export function rowsByScore(
  score: ArrayLike<number>,
  { keep = 0.5, skipTop = 0, which = "hard", seed = 0 }: PruneOptions = {},
): Int32Array {
  const n = score.length;
  if (!(keep > 0 && keep <= 1)) throw new HebbError(`pruneByScore: keep must lie in (0, 1], got ${keep}.`);
  if (!(skipTop >= 0 && skipTop < 1)) throw new HebbError(`pruneByScore: skipTop must lie in [0, 1), got ${skipTop}.`);
  const count = Math.round(keep * n);
  const start = Math.round(skipTop * n);
  if (count === 0) throw new HebbError(`pruneByScore: ${keep} of ${n} examples is none.`);
  // A sum such as 0.7 + 0.3 may exceed 1 by a rounding error, and two halves may both round up; a row more is not that.
  if (start + count > n + 1 || skipTop + keep > 1 + 1e-9) {
    throw new HebbError(`pruneByScore: the window from ${skipTop} to ${skipTop + keep} leaves the ranking.`);
  }
  for (let i = 0; i < n; i++) {
    if (Number.isNaN(score[i])) throw new HebbError(`pruneByScore: the score of example ${i} is not a number.`);
  }
  const order = hostRandom(seed).fork("prune").permutation(n);
  if (which !== "random") {
    const sign = which === "hard" ? -1 : 1;
    // The sort is stable, so equal scores stay shuffled. (Comparing, not subtracting: Infinity - Infinity is NaN.)
    order.sort((a, b) => (score[a] === score[b] ? 0 : score[a] < score[b] ? -sign : sign));
  }
  const first = Math.min(start, n - count);
  return order.slice(first, first + count).sort();
}
