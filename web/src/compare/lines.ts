import { pairedDifferences, type SideBySide, sideBySide } from "../../../src/lab/compare.js";
import type { MeasureInfo, Row } from "../../../src/lab/study.js";
import type { Subject } from "./subjects.js";

/** What a comparison shows. */
export interface Shown {
  /** The place of the baseline among the subjects. */
  readonly base: number;
  readonly measure: string;
  /** Only these arms, where subjects are runs. */
  readonly arms?: readonly string[];
}

/** The measures of the subjects, in the order in which they first occur. */
export const measuresOf = (subjects: readonly Subject[]): string[] => [
  ...new Set(subjects.flatMap(({ rows }) => rows.flatMap(({ measures }) => Object.keys(measures)))),
];

/** The lines of one measure, in the order of their first occurrence. */
export function linesOf(subjects: readonly Subject[], { base, measure, arms }: Shown): SideBySide[] {
  const only = (row: Row) => measure in row.measures && (!arms || arms.length === 0 || arms.includes(row.arm));
  const sets = subjects.map(({ rows }) =>
    rows.filter(only).map((row) => ({ ...row, measures: { [measure]: row.measures[measure] } })),
  );
  return sideBySide(sets, base);
}

/** The settings that occur in lines, in the order of their first occurrence. */
export const settingsOf = (lines: readonly Pick<SideBySide, "setting">[]): string[] => [
  ...new Set(lines.flatMap(({ setting }) => Object.keys(setting))),
];

/**
 * The setting that curves can run along: the numeric one with the most values, three at least, that at least half of the
 * lines have. Of two that say the same, the first: a round of pruning and its density.
 */
export function curveSetting(lines: readonly Pick<SideBySide, "setting">[]): string | undefined {
  let best: string | undefined;
  let most = 2;
  for (const name of settingsOf(lines)) {
    const values = lines.flatMap(({ setting }) => (name in setting ? [setting[name]] : []));
    if (values.length < lines.length / 2 || values.some((value) => typeof value !== "number")) continue;
    const distinct = new Set(values).size;
    if (distinct > most) [best, most] = [name, distinct];
  }
  return best;
}

/** Lines that belong on one plot: of one arm, alike in all settings but the one along the axis and those that follow from it. */
export interface Group {
  /** What the lines have in common, in words; empty where there is only one group. */
  readonly label: string;
  readonly lines: readonly SideBySide[];
}

export function groups(lines: readonly SideBySide[], x: string | undefined): Group[] {
  const apart = settingsOf(lines).filter((name) => name !== x && !follows(lines, x, name));
  const found = new Map<string, SideBySide[]>();
  for (const line of lines) {
    if (x !== undefined && !(x in line.setting)) continue;
    const settings = apart.flatMap((name) => (name in line.setting ? [`${name} ${line.setting[name]}`] : []));
    const label = [line.arm, ...settings].filter(Boolean).join(", ");
    found.set(label, [...(found.get(label) ?? []), line]);
  }
  return [...found].map(([label, own]) => ({ label, lines: own }));
}

/** Whether the value of `name` is known once that of `x` is. */
function follows(lines: readonly SideBySide[], x: string | undefined, name: string): boolean {
  if (x === undefined) return false;
  const known = new Map<unknown, unknown>();
  return lines.every(({ setting }) => {
    if (!(x in setting)) return true;
    if (!known.has(setting[x])) known.set(setting[x], setting[name]);
    return known.get(setting[x]) === setting[name];
  });
}

/** The values of a line's cell: as they are, or per seed the difference to the baseline's. */
export function valuesOf(line: SideBySide, subject: number, base: number, difference: boolean): readonly number[] {
  const cell = line.cells[subject];
  if (!cell) return [];
  if (!difference) return cell.values;
  const baseline = line.cells[base];
  return subject === base || !baseline ? [] : pairedDifferences(baseline, cell).map(({ value }) => value);
}

/** A measure as a heading: `accuracy (%)`. */
export function measureLabel(measure: string, info: MeasureInfo | undefined): string {
  return `${info?.label ?? measure}${info?.unit ? ` (${info.unit})` : ""}`;
}
