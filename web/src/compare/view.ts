import type { SideBySide } from "../../../src/lab/compare.js";
import { canonicalJson } from "../../../src/lab/json.js";
import type { Figure, MeasureInfo } from "../../../src/lab/study.js";
import { comparisonFigure } from "./figure.js";
import { curveSetting, linesOf, measureLabel, measuresOf, settingsOf } from "./lines.js";
import type { CompareQuery } from "./query.js";
import { armSubjects, armsOf, type By, type Source, type Subject, sourceSubjects } from "./subjects.js";
import { type ComparisonTable, comparisonTable } from "./table.js";

export interface ViewInput {
  readonly sources: readonly Source[];
  readonly measures: Readonly<Record<string, MeasureInfo>>;
  /** What a source is called: `run`, `study`. */
  readonly what: string;
  readonly title: string;
  readonly query: Pick<CompareQuery, "by" | "base" | "measure" | "arms" | "difference" | "x">;
}

/** Everything that the controls, the figure and the table of a comparison are made from. */
export interface ComparisonView {
  readonly by: By;
  /** What a subject is called. */
  readonly what: string;
  readonly subjects: readonly Subject[];
  readonly base: number;
  /** All that can be the baseline, also arms that are not shown. */
  readonly baselines: readonly Subject[];
  readonly measure: string;
  readonly measures: readonly { readonly name: string; readonly label: string; readonly better?: "higher" | "lower" }[];
  /** Arms that can be chosen, and which are. */
  readonly arms: readonly { readonly name: string; readonly shown: boolean }[];
  /** Settings that curves can run along, and the one that they do. */
  readonly axes: readonly string[];
  readonly x?: string;
  readonly difference: boolean;
  readonly lines: readonly SideBySide[];
  readonly table: ComparisonTable;
  /** Undefined where there is nothing to draw. */
  readonly figure?: Figure;
  /** The same of another measure, for a report of all of them. */
  tableOf(measure: string): ComparisonTable;
  linesOf(measure: string): readonly SideBySide[];
}

/** The comparison that the address asks for; what it asks for and is not there gives way to what is. */
export function comparisonView({ sources, measures, what, title, query }: ViewInput): ComparisonView | undefined {
  // One source alone can only be compared within.
  const by: By = sources.length > 1 ? (query.by ?? "runs") : "arms";
  const names = [...new Set(sources.flatMap(({ rows }) => armsOf(rows)))];
  const chosen = query.arms.filter((arm) => names.includes(arm));
  const isShown = (arm: string) => chosen.length === 0 || chosen.includes(arm);

  const all = by === "runs" ? sourceSubjects(sources) : armSubjects(sources);
  const asked = all.find(({ key }) => key === query.base);
  // The baseline stays when its arm is not among those chosen.
  const subjects = all.filter((subject) => by === "runs" || subject === asked || isShown(subject.arm!));
  if (subjects.length === 0) return undefined;
  const known = measuresOf(subjects);
  if (known.length === 0) return undefined;
  const measure = known.includes(query.measure ?? "")
    ? query.measure!
    : largest(known, (name) => subjects.filter(({ rows }) => rows.some(({ measures }) => name in measures)).length);
  const base = asked ? subjects.indexOf(asked) : bestBaseline(subjects, measure);
  const select = (name: string) => linesOf(subjects, { base, measure: name, arms: by === "runs" ? chosen : undefined });
  const lines = select(measure);

  const axes = axesOf(lines);
  const x = query.x === "none" ? undefined : query.x && axes.includes(query.x) ? query.x : curveSetting(lines);
  const difference = query.difference && subjects.length > 1;
  const called = by === "runs" ? what : "arm";
  return {
    by,
    what: called,
    subjects,
    base,
    baselines: all,
    measure,
    measures: known.map((name) => ({
      name,
      label: measureLabel(name, measures[name]),
      better: measures[name]?.better,
    })),
    arms: names.map((name) => ({ name, shown: isShown(name) })),
    axes,
    x,
    difference,
    lines,
    table: comparisonTable(subjects, lines, base, called),
    figure: comparisonFigure(subjects, lines, {
      title: `${title}: ${measureLabel(measure, measures[measure])}`,
      ...{ base, measure, info: measures[measure], difference, x },
    }),
    tableOf: (name) => comparisonTable(subjects, select(name), base, called),
    linesOf: select,
  };
}

/** The first of the subjects that can be compared with the most others in the most settings. */
function bestBaseline(subjects: readonly Subject[], measure: string): number {
  const places = subjects.map(({ rows }) => {
    const own = rows.filter(({ measures }) => measure in measures);
    return new Set(own.map(({ arm, setting }) => canonicalJson([arm, setting ?? {}])));
  });
  const shared = new Map<string, number>();
  for (const own of places) for (const place of own) shared.set(place, (shared.get(place) ?? 0) + 1);
  const score = (own: ReadonlySet<string>) => [...own].reduce((sum, place) => sum + shared.get(place)! - 1, 0);
  return places.indexOf(largest(places, score));
}

/** The first of the items of which `value` is largest. */
const largest = <Item>(items: readonly Item[], value: (item: Item) => number): Item =>
  items.reduce((best, item) => (value(item) > value(best) ? item : best));

/** The numeric settings with two values at least. */
function axesOf(lines: readonly SideBySide[]): string[] {
  return settingsOf(lines).filter((name) => {
    const values = lines.flatMap(({ setting }) => (name in setting ? [setting[name]] : []));
    return values.every((value) => typeof value === "number") && new Set(values).size > 1;
  });
}
