import { type Interval, pairedBootstrap, pairedT } from "../../src/lab/index.js";

/**
 * The interval that the studies of this family judge by: 95 % of the mean paired difference, Student t with fewer than 10
 * units, percentile bootstrap (10,000 resamples) with 10 or more.
 */
export const pairedInterval = (differences: readonly number[]): Interval =>
  differences.length < 10 ? pairedT(differences) : pairedBootstrap(differences, { resamples: 10_000 });
