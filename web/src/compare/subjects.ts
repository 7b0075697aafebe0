import { canonicalJson } from "../../../src/lab/json.js";
import type { RunRecord } from "../../../src/lab/record.js";
import type { Row } from "../../../src/lab/study.js";
import type { Place } from "../contract.js";

/** Where rows come from: a run, or an entry of the ledger. */
export interface Source {
  readonly letter: string;
  readonly rows: readonly Row[];
}

/** A run that is compared, with the place that it came from; its letter is its number in the address, `A`, `B` …. */
export interface ComparedRun extends Source {
  readonly place: Place["kind"];
  readonly record: RunRecord;
}

/** What stands in one column of the comparison: a run, or an arm of a run. */
export interface Subject {
  /** What the address calls it. */
  readonly key: string;
  readonly label: string;
  readonly rows: readonly Row[];
  /** Where it is an arm: its name. */
  readonly arm?: string;
}

export type By = "runs" | "arms";

/** The sources as columns: `A`, `B` …. */
export const sourceSubjects = (sources: readonly Source[]): Subject[] =>
  sources.map(({ letter, rows }) => ({ key: letter, label: letter, rows }));

/**
 * Each arm of each source as a column: `ticket`, or `ticket, A` where there are several sources. The arm's name goes from the rows
 * to the column, so that rows of different arms meet.
 */
export function armSubjects(sources: readonly Source[]): Subject[] {
  const several = sources.length > 1;
  return sources.flatMap(({ letter, rows }) =>
    armsOf(rows).map((arm) => ({
      key: several ? `${arm}@${letter}` : arm,
      label: several ? `${arm}, ${letter}` : arm,
      arm,
      rows: rows.filter((row) => row.arm === arm).map((row) => ({ ...row, arm: "" })),
    })),
  );
}

export const armsOf = (rows: readonly Row[]): string[] => [...new Set(rows.map(({ arm }) => arm))];

export const letterOf = (i: number): string => (i < 26 ? String.fromCharCode(65 + i) : `R${i + 1}`);

/** What makes the runs unlike each other besides their results: a sentence each. */
export function unlike(runs: readonly ComparedRun[]): string[] {
  if (runs.length < 2) return [];
  const each = (what: (run: ComparedRun) => string) => {
    const values = new Map<string, string[]>();
    for (const run of runs) values.set(what(run), [...(values.get(what(run)) ?? []), run.letter]);
    return values;
  };
  const listed = (values: Map<string, string[]>) =>
    [...values].map(([value, letters]) => `${letters.join(", ")}: ${value}`).join("; ");
  const told: string[] = [];

  const scales = each(({ record }) => record.scale);
  if (scales.size > 1) told.push(`The scales differ (${listed(scales)}): the numbers are not of the same experiment.`);

  const seeds = each(({ record }) => record.seeds.join(", ") || "none");
  if (seeds.size > 1) {
    const common = runs[0].record.seeds.filter((seed) => runs.every(({ record }) => record.seeds.includes(seed)));
    const rest =
      common.length === 0
        ? "none is in all of them, so that nothing can be paired"
        : `differences rest on the seeds that two runs both have`;
    told.push(`The seeds differ (${listed(seeds)}): ${rest}.`);
  }

  for (const [name, values] of optionsApart(runs)) {
    told.push(`The option “${name}” differs (${listed(values)}).`);
  }

  for (const { letter, record } of runs) {
    if (record.status !== "done") {
      const state =
        record.status === "running" ? "has not ended" : record.status === "failed" ? "failed" : "was stopped";
      told.push(`Run ${letter} ${state}: its results are only a part.`);
    }
  }

  const versions = each(({ record: { environment } }) =>
    [environment.hebb, environment.commit?.slice(0, 12), environment.dirty ? "with changes" : undefined]
      .filter(Boolean)
      .join(" "),
  );
  if (versions.size > 1) told.push(`The versions of Hebb differ (${listed(versions)}).`);

  const machines = each(({ record }) => `${record.device}, ${record.environment.processor}`);
  if (machines.size > 1) told.push(`The machines differ (${listed(machines)}): times cannot be compared.`);
  return told;
}

/** Options that are not the same in all runs, with who has which value; a scale's other options are not told twice. */
function optionsApart(runs: readonly ComparedRun[]): [string, Map<string, string[]>][] {
  const names = new Set(runs.flatMap(({ record }) => Object.keys(entries(record.options))));
  return [...names].flatMap((name) => {
    const values = new Map<string, string[]>();
    for (const { letter, record } of runs) {
      const value = shown(entries(record.options)[name]);
      values.set(value, [...(values.get(value) ?? []), letter]);
    }
    return values.size > 1 ? [[name, values] as [string, Map<string, string[]>]] : [];
  });
}

const entries = (options: unknown): Record<string, unknown> =>
  typeof options === "object" && options !== null ? (options as Record<string, unknown>) : {};

function shown(value: unknown): string {
  if (value === undefined) return "not set";
  const text = typeof value === "string" ? value : canonicalJson(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
