import { ranks } from "../data/correlation.js";
import { HebbError } from "../engine/errors.js";
import { hostRandom } from "../engine/random/host.js";
import { studentQuantile } from "./student-t.js";
import type { Row } from "./study.js";

export { pearson, ranks, spearman } from "../data/correlation.js";

/** An estimate of a mean with the limits of its confidence interval. */
export interface Interval {
  readonly mean: number;
  /** With fewer than two values nothing bounds the mean: the limits are then -Infinity and Infinity. */
  readonly low: number;
  readonly high: number;
  /** How many values (as a rule: seeds) it rests on. */
  readonly n: number;
  readonly method: "t" | "bootstrap";
}

/** The arithmetic mean. Throws on no values. */
export function mean(values: readonly number[]): number {
  if (values.length === 0) throw new HebbError("mean: there are no values.");
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The sample standard deviation (divisor n - 1); NaN with fewer than two values. */
export function std(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1 || Number.NaN));
}

/** The p-quantile, interpolated linearly between order statistics (the default of NumPy and R, "type 7"). */
export function quantile(values: ArrayLike<number>, p: number): number {
  if (values.length === 0) throw new HebbError("quantile: there are no values.");
  if (!(p >= 0 && p <= 1)) throw new HebbError(`quantile: p must lie in [0, 1], got ${p}.`);
  return sortedQuantile(Float64Array.from(values).sort(), p);
}

function sortedQuantile(sorted: Float64Array, p: number): number {
  const position = p * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}

/** Student's t interval of the mean of `values`: mean ± t(df = n - 1) · s / √n. */
export function interval(values: readonly number[], level = 0.95): Interval {
  const n = values.length;
  const centre = mean(values);
  const half =
    n < 2 ? Number.POSITIVE_INFINITY : (studentQuantile((1 + level) / 2, n - 1) * std(values)) / Math.sqrt(n);
  return { mean: centre, low: centre - half, high: centre + half, n, method: "t" };
}

/** Student's t interval of the mean paired difference; `diffs` holds one difference per seed (see `pairBySeed`). */
export const pairedT = (diffs: readonly number[], level = 0.95): Interval => interval(diffs, level);

export interface BootstrapOptions {
  readonly resamples?: number;
  readonly seed?: number;
  readonly level?: number;
}

/**
 * Percentile bootstrap interval of the mean paired difference: the differences are drawn with replacement `resamples`
 * times (default 10,000) and the interval holds the central `level` of the resampled means. Deterministic in `seed`.
 */
export function pairedBootstrap(
  diffs: readonly number[],
  { resamples = 10_000, seed = 0, level = 0.95 }: BootstrapOptions = {},
): Interval {
  const n = diffs.length;
  const centre = mean(diffs);
  if (n < 2)
    return { mean: centre, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, n, method: "bootstrap" };
  const random = hostRandom(seed);
  const means = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += diffs[random.integer(n)];
    means[r] = sum / n;
  }
  means.sort();
  const tail = (1 - level) / 2;
  return {
    mean: centre,
    low: sortedQuantile(means, tail),
    high: sortedQuantile(means, 1 - tail),
    n,
    method: "bootstrap",
  };
}

/** The wider of the paired t and the paired bootstrap interval: with few seeds the bootstrap alone is too narrow. */
export function widerInterval(diffs: readonly number[], options: BootstrapOptions = {}): Interval {
  const t = pairedT(diffs, options.level);
  const bootstrap = pairedBootstrap(diffs, options);
  return bootstrap.high - bootstrap.low > t.high - t.low ? bootstrap : t;
}

/** Paired Cohen's d: the mean difference in units of the differences' standard deviation. NaN with one difference. */
export function effectSize(diffs: readonly number[]): number {
  const centre = mean(diffs);
  return centre === 0 && std(diffs) === 0 ? 0 : centre / std(diffs);
}

/** How many differences have the claimed sign: the check that goes with an interval over three to five seeds. */
export const signCount = (diffs: readonly number[], sign: 1 | -1): number => diffs.filter((d) => d * sign > 0).length;

/**
 * Whether an interval shows equality up to a margin: it lies wholly inside (-margin, margin), or inside the pair of
 * limits. A difference test that failed shows no equality; this does.
 */
export function equivalence(of: Pick<Interval, "low" | "high">, margin: number | readonly [number, number]): boolean {
  const [low, high] = typeof margin === "number" ? [-margin, margin] : margin;
  return of.low > low && of.high < high;
}

/** Which rows: those of an arm whose setting contains `setting` (`{ round: 7 }` also matches `{ round: 7, density: 0.2 }`). */
export interface Selector {
  readonly arm: string;
  readonly setting?: Readonly<Record<string, number | string>>;
}

/** The value of `measure` per seed among the selected rows. Throws if none match or if a seed has several. */
export function bySeed(rows: readonly Row[], selector: Selector, measure: string): Map<number, number> {
  const values = new Map<number, number>();
  for (const row of rows) {
    if (row.arm !== selector.arm || !(measure in row.measures)) continue;
    if (Object.entries(selector.setting ?? {}).some(([key, value]) => row.setting?.[key] !== value)) continue;
    if (values.has(row.seed)) {
      throw new HebbError(
        `${describe(selector)} has several values of "${measure}" for seed ${row.seed}: name its setting.`,
      );
    }
    values.set(row.seed, row.measures[measure]);
  }
  if (values.size === 0) throw new HebbError(`No row of ${describe(selector)} has the measure "${measure}".`);
  return values;
}

/** Values of two arms for the same seeds, and their differences a - b. */
export interface Pairs {
  readonly seeds: readonly number[];
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly differences: readonly number[];
}

export interface PairOptions {
  readonly a: string | Selector;
  readonly b: string | Selector;
  readonly measure: string;
  /** The measure of `b`, where it is another one. */
  readonly measureB?: string;
}

/**
 * Pairs two arms by seed. A paired statistic is meaningless when an arm lacks a seed, so this throws then and says which
 * seeds each side has.
 */
export function pairBySeed(rows: readonly Row[], { a, b, measure, measureB = measure }: PairOptions): Pairs {
  const [first, second] = [a, b].map((side) => (typeof side === "string" ? { arm: side } : side));
  const left = bySeed(rows, first, measure);
  const right = bySeed(rows, second, measureB);
  const seeds = [...left.keys()].sort((x, y) => x - y);
  if (left.size !== right.size || seeds.some((seed) => !right.has(seed))) {
    const others = [...right.keys()].sort((x, y) => x - y);
    throw new HebbError(
      `Seeds do not match: ${describe(first)} has ${seeds.join(", ")}; ${describe(second)} has ${others.join(", ")}.`,
    );
  }
  const valuesA = seeds.map((seed) => left.get(seed)!);
  const valuesB = seeds.map((seed) => right.get(seed)!);
  return { seeds, a: valuesA, b: valuesB, differences: valuesA.map((value, i) => value - valuesB[i]) };
}

function describe({ arm, setting = {} }: Selector): string {
  const parts = Object.entries(setting).map(([key, value]) => `${key} ${value}`);
  return parts.length > 0 ? `arm "${arm}" (${parts.join(", ")})` : `arm "${arm}"`;
}

/**
 * Area under the ROC curve: the probability that a random positive scores above a random negative, ties counting half.
 * `labels` are booleans or 0/1. Throws unless both classes occur.
 */
export function auroc(scores: ArrayLike<number>, labels: ArrayLike<number | boolean>): number {
  if (scores.length !== labels.length)
    throw new HebbError(`auroc: the lengths differ, ${scores.length} and ${labels.length}.`);
  const rank = ranks(scores);
  let positives = 0;
  let sum = 0;
  for (let i = 0; i < labels.length; i++) {
    if (!labels[i]) continue;
    positives++;
    sum += rank[i];
  }
  const negatives = labels.length - positives;
  if (positives === 0 || negatives === 0) throw new HebbError("auroc: both classes must occur among the labels.");
  return (sum - (positives * (positives + 1)) / 2) / (positives * negatives);
}
