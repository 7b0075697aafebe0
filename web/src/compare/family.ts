import { count, duration, withInterval } from "../../../src/lab/numbers.js";
import type { Figure, MeasureInfo, Verdict } from "../../../src/lab/study.js";
import { tableRows } from "../../../src/lab/table.js";
import type { PaperContent, PaperLine } from "../contract.js";
import type { CsvRecord } from "../export/csv.js";
import type { Source } from "./subjects.js";

/** A study of a family with what its run in the ledger says. */
export interface FamilyStudy {
  readonly slug: string;
  readonly title: string;
  readonly ledger: NonNullable<PaperContent["ledger"]>;
  readonly measures: Readonly<Record<string, MeasureInfo>>;
}

/** Those of a family's papers that the ledger has an entry of, newest verdict first. */
export function familyStudies(lines: readonly PaperLine[], contents: readonly PaperContent[]): FamilyStudy[] {
  const titles = new Map(lines.map(({ slug, title }) => [slug, title]));
  return contents
    .flatMap(({ slug, ledger, study }) =>
      ledger ? [{ slug, title: titles.get(slug) ?? slug, ledger, measures: study?.measures ?? {} }] : [],
    )
    .sort((a, b) => (a.ledger.date < b.ledger.date ? 1 : -1));
}

/** What one study concluded and cost, for a line of a table. */
export interface FamilyLine {
  readonly slug: string;
  readonly title: string;
  readonly verdict: Verdict;
  readonly reason: string;
  /** The first condition of its criterion that is a number with an interval, else the first that is a number. */
  readonly finding?: { readonly name: string; readonly text: string; readonly interval?: string };
  readonly seeds: number;
  readonly cost: readonly string[];
  readonly date: string;
}

export const familyLines = (studies: readonly FamilyStudy[]): FamilyLine[] =>
  studies.map(({ slug, title, ledger: { judgement, seeds, seconds, cost, date } }) => {
    const numbers = judgement.conditions.filter(({ estimate }) => estimate !== undefined);
    const found = numbers.find(({ interval }) => interval) ?? numbers[0];
    const value = found && withInterval(found.estimate!, ...(found.interval ?? []));
    return {
      ...{ slug, title, verdict: judgement.verdict, reason: judgement.reason, seeds: seeds.length, date },
      ...(found && value ? { finding: { name: found.name, text: value.mean, interval: value.interval } } : {}),
      cost: [duration(seconds), ...[cost.forwardExamples, cost.backwardExamples, cost.macs].map(counted)],
    };
  });

const counted = (value: number): string => (value > 0 ? count(value) : "not counted");

/** Every condition of every study, for a CSV file. */
export const familyRecords = (studies: readonly FamilyStudy[]): CsvRecord[] =>
  studies.flatMap(({ slug, title, ledger: { judgement, seeds, seconds, cost, date, run } }) =>
    judgement.conditions.map(({ name, holds, detail, estimate, interval }) => ({
      ...{ study: slug, title, verdict: judgement.verdict, condition: name, holds, detail, estimate },
      ...{ low: interval?.[0], high: interval?.[1], seeds: seeds.length, date, run, seconds },
      "examples forward": cost.forwardExamples,
      "examples backward": cost.backwardExamples,
      "multiply-accumulates": cost.macs,
    })),
  );

/** The results of the ledger as sources of a comparison; only those that have the measure, where one is asked for. */
export const familySources = (studies: readonly FamilyStudy[]): Source[] =>
  studies.map(({ slug, ledger }) => ({ letter: slug, rows: tableRows(ledger.table) }));

/** How the measures of all studies are called; of several with one name, the first that says so. */
export const familyMeasures = (studies: readonly FamilyStudy[]): Readonly<Record<string, MeasureInfo>> =>
  Object.assign({}, ...studies.map(({ measures }) => measures).reverse());

const tones: Readonly<Record<Verdict, string>> = {
  replicated: "#009E73",
  partly: "#E69F00",
  "not at this scale": "#56B4E9",
  contradicted: "#D55E00",
  invalid: "#8A8A8A",
};

/** All studies in one figure: what each took, and what came of it. */
export function familyFigure(family: string, studies: readonly FamilyStudy[]): Figure {
  const points = studies.map(({ slug, ledger: { judgement, cost, seconds } }) => ({
    ...{ slug, verdict: judgement.verdict, seconds },
    passes: cost.forwardExamples + cost.backwardExamples,
  }));
  const domain = (Object.keys(tones) as Verdict[]).filter((verdict) =>
    points.some((point) => point.verdict === verdict),
  );
  const [least, most] = [
    Math.min(...points.map(({ seconds }) => seconds)),
    Math.max(...points.map(({ seconds }) => seconds)),
  ];
  return {
    name: `${family}-studies`,
    title: `Studies of the family “${family}”: time and verdict`,
    caption: "The time of each study's run in the ledger, at standard scale on its machine; the axis is logarithmic.",
    plot: (Plot) => ({
      height: 70 + points.length * 30,
      marginLeft: 24 + Math.max(...points.map(({ slug }) => slug.length)) * 6.6,
      x: { type: "log", domain: [least / 1.5, most * 1.5], label: "time (s)", labelArrow: "none", grid: true },
      y: { label: null, domain: points.map(({ slug }) => slug) },
      color: { type: "categorical", domain, range: domain.map((verdict) => tones[verdict]), legend: true },
      marks: [
        Plot.dot(points, {
          ...{ x: "seconds", y: "slug", fill: "verdict", stroke: "currentColor", r: 6 },
          channels: { "examples passed": "passes" },
        }),
      ],
    }),
  };
}
