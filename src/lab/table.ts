import { canonicalJson } from "./json.js";
import { interval } from "./stats.js";
import type { Row } from "./study.js";

/** A measure of one arm under one setting: the mean over seeds and its 95 % interval. */
export interface Cell {
  readonly mean: number;
  /** Limits of Student's interval; absent with a single seed, which bounds nothing. */
  readonly low?: number;
  readonly high?: number;
  readonly n: number;
  readonly seeds: readonly number[];
  /** One value per seed, in the order of `seeds`. */
  readonly values: readonly number[];
}

export interface TableLine {
  readonly arm: string;
  readonly setting: Readonly<Record<string, number | string>>;
  readonly measures: Readonly<Record<string, Cell>>;
}

/**
 * Rows as a table: one line per arm and setting, one cell per measure. Lines and measures keep the order in which they
 * first occur; the values of a cell are in order of seed.
 */
export function summarise(rows: readonly Row[]): TableLine[] {
  const lines = new Map<string, Row[]>();
  for (const row of rows) {
    const key = canonicalJson([row.arm, row.setting ?? {}]);
    const line = lines.get(key);
    if (line) line.push(row);
    else lines.set(key, [row]);
  }
  return [...lines.values()].map((group) => {
    const sorted = group.toSorted((a, b) => a.seed - b.seed);
    const names = new Set(group.flatMap((row) => Object.keys(row.measures)));
    const measures = [...names].map((name) => [
      name,
      cell(
        sorted.filter((row) => name in row.measures),
        name,
      ),
    ]);
    return { arm: group[0].arm, setting: group[0].setting ?? {}, measures: Object.fromEntries(measures) };
  });
}

function cell(rows: readonly Row[], measure: string): Cell {
  const values = rows.map((row) => row.measures[measure]);
  const { mean, low, high, n } = interval(values);
  return { mean, ...(n > 1 ? { low, high } : {}), n, seeds: rows.map((row) => row.seed), values };
}

/** The rows that a table was made of: one per arm, setting and seed. */
export function tableRows(table: readonly TableLine[]): Row[] {
  return table.flatMap(({ arm, setting, measures }) => {
    const bySeed = new Map<number, Record<string, number>>();
    for (const [name, { seeds, values }] of Object.entries(measures)) {
      seeds.forEach((seed, i) => {
        bySeed.set(seed, { ...bySeed.get(seed), [name]: values[i] });
      });
    }
    return [...bySeed].map(([seed, values]) => ({ arm, seed, setting, measures: values }));
  });
}
