import { HebbError } from "../engine/errors.js";
import { canonicalJson } from "./json.js";
import type { RunRecord } from "./record.js";
import { interval } from "./stats.js";
import type { Row } from "./study.js";
import { type Cell, summarise } from "./table.js";

/** The mean difference between a run and the first one, paired by the seeds that both have. */
export interface Difference {
  readonly mean: number;
  /** Limits of Student's 95 % interval; absent with fewer than two seeds in common. */
  readonly low?: number;
  readonly high?: number;
  /** How many seeds both runs have. */
  readonly n: number;
}

/** One measure of one arm under one setting, in each of the runs. */
export interface Comparison {
  readonly arm: string;
  readonly setting: Readonly<Record<string, number | string>>;
  readonly measure: string;
  /** One per run, in their order; null where a run has no such result. */
  readonly cells: readonly (Cell | null)[];
  /** One per run after the first: that run minus the first; null where they have no seed in common. */
  readonly differences: readonly (Difference | null)[];
}

/** As `Comparison`, of any sets of rows; the differences have a place for each set, null for the baseline's own. */
export interface SideBySide extends Omit<Comparison, "differences"> {
  readonly differences: readonly (Difference | null)[];
}

/**
 * The results of several runs of one study side by side: one line per arm, setting and measure, in the order in which they
 * first occur. Throws unless there are two runs or more, all of the same study.
 */
export function compareRuns(records: readonly RunRecord[]): Comparison[] {
  const [first, ...others] = records;
  if (others.length === 0) throw new HebbError("Comparing takes at least two runs.");
  const stranger = others.find(({ slug }) => slug !== first.slug);
  if (stranger) {
    throw new HebbError(
      `Runs of one study can be compared: ${first.id} is of "${first.slug}", ${stranger.id} of "${stranger.slug}".`,
    );
  }
  return sideBySide(records.map(({ rows }) => rows)).map((line) => ({
    ...line,
    differences: line.differences.slice(1),
  }));
}

/**
 * Sets of rows side by side, for example those of several runs or of several arms under one name: one line per arm,
 * setting and measure. Differences are to the set with the number `baseline`, paired by the seeds that both have.
 */
export function sideBySide(sets: readonly (readonly Row[])[], baseline = 0): SideBySide[] {
  const lines = new Map<string, Omit<SideBySide, "differences"> & { readonly cells: (Cell | null)[] }>();
  sets.forEach((rows, set) => {
    for (const { arm, setting, measures } of summarise(rows)) {
      for (const [measure, cell] of Object.entries(measures)) {
        const key = canonicalJson([arm, setting, measure]);
        const line = lines.get(key) ?? { arm, setting, measure, cells: sets.map(() => null) };
        lines.set(key, line);
        line.cells[set] = cell;
      }
    }
  });
  return [...lines.values()].map((line) => ({
    ...line,
    differences: line.cells.map((cell, set) => (set === baseline ? null : difference(line.cells[baseline], cell))),
  }));
}

/** Per seed that both cells have, `other` minus `base`. */
export function pairedDifferences(base: Cell, other: Cell): { readonly seed: number; readonly value: number }[] {
  const baseline = new Map(base.seeds.map((seed, i) => [seed, base.values[i]]));
  return other.seeds.flatMap((seed, i) =>
    baseline.has(seed) ? [{ seed, value: other.values[i] - baseline.get(seed)! }] : [],
  );
}

function difference(base: Cell | null, other: Cell | null): Difference | null {
  if (!base || !other) return null;
  const pairs = pairedDifferences(base, other).map(({ value }) => value);
  if (pairs.length === 0) return null;
  const { mean, low, high, n } = interval(pairs);
  return { mean, n, ...(n > 1 ? { low, high } : {}) };
}
