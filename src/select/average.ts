import { HebbError } from "../engine/index.js";

/**
 * The mean of each example's scores over several runs: a score of one network is noisy, that of about ten is not.
 *
 * `runs` are score lists [n] of networks trained from different seeds; result [n]. Throws `HebbError` when there is no
 * run, lengths differ, or a score is not a finite number (an infinite one would hide all other runs).
 *
 * Source: Paul, Ganguli, Dziugaite, "Deep Learning on a Data Diet", 2021, section 2 (10 runs).
 */
export function averageScores(runs: readonly ArrayLike<number>[]): Float64Array {
  if (runs.length === 0) throw new HebbError("averageScores: there are no runs.");
  const n = runs[0].length;
  const mean = new Float64Array(n);
  runs.forEach((scores, run) => {
    if (scores.length !== n)
      throw new HebbError(`averageScores: run ${run} has ${scores.length} scores, run 0 has ${n}.`);
    for (let i = 0; i < n; i++) {
      if (!Number.isFinite(scores[i]))
        throw new HebbError(`averageScores: the score of example ${i} in run ${run} is ${scores[i]}.`);
      mean[i] += scores[i] / runs.length;
    }
  });
  return mean;
}
