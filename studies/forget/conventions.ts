import { type Interval, pairedBootstrap, quantile, type Row, signCount } from "../../src/lab/index.js";

/** The interval that the studies of this family judge by: percentile bootstrap over seeds, 10,000 resamples, 95 %. */
export const pairedInterval = (differences: readonly number[]): Interval =>
  pairedBootstrap(differences, { resamples: 10_000 });

/**
 * Whether paired differences are clearly above 0: the interval lies above it and the sign agrees on 4 of 5 seeds (with
 * fewer than five, on all).
 */
export const clearlyAbove = (differences: readonly number[]): boolean =>
  pairedInterval(differences).low > 0 &&
  signCount(differences, 1) >= (differences.length < 5 ? differences.length : Math.ceil(0.8 * differences.length));

/** The same below 0. */
export const clearlyBelow = (differences: readonly number[]): boolean => clearlyAbove(differences.map((d) => -d));

/** The central 95 % of how far gold models are from one another in AvgGap, over seeds. */
export function floorInterval(rows: readonly Row[]): readonly [number, number] | undefined {
  const gaps = rows.filter(({ arm }) => arm === "floor").map(({ measures }) => measures.AvgGap);
  return gaps.length > 0 ? [quantile(gaps, 0.025), quantile(gaps, 0.975)] : undefined;
}
