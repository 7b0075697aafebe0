import { Ledger, type LedgerEntry } from "../lab/ledger.js";
import { duration } from "../lab/numbers.js";
import type { MeasureInfo, Study } from "../lab/study.js";
import { wrap } from "./format.js";
import { type Io, styled } from "./io.js";
import { type Lab, ledgerFolder, paperOf, studyOf } from "./lab.js";

export interface ShowOptions {
  readonly json?: boolean;
}

/** `hebb show`: what a paper claims, how that is tested, and what came out. */
export async function show(io: Io, lab: Lab, slug: string, { json }: ShowOptions): Promise<void> {
  const paper = paperOf(lab, slug);
  const study = Object.hasOwn(lab.studies, slug) ? await studyOf(lab, slug) : undefined;
  const entry = study && (await new Ledger(ledgerFolder(io.cwd)).read(slug));
  if (json) {
    const { scales, arms, measures, offers, criterion, notes = [] } = study ?? {};
    const about = { claim: study?.claim ?? paper.claim, criterion, arms, measures, scales, offers, notes };
    const ledger = entry && { ...entry.judgement, seeds: entry.seeds, seconds: entry.seconds, date: entry.date };
    const { title, year, family } = paper;
    const status = study ? "available" : "planned";
    io.stdout.write(`${JSON.stringify({ slug, family, title, year, status, ...about, ledger })}\n`);
    return;
  }
  const heading = (text: string) => styled(io, io.stdout, "bold", text);
  const year = paper.year === undefined ? "" : ` (${paper.year})`;
  const parts = [
    `${heading(paper.title)}${year}\n${slug}, family ${paper.family}, ${study ? "available" : "planned: no study yet"}`,
    section(heading("Claim"), [study?.claim ?? paper.claim]),
    ...(study ? describe(study, heading) : []),
    ...(study ? [section(heading("Verdict in the ledger"), verdict(entry))] : []),
  ];
  io.stdout.write(`${parts.filter(Boolean).join("\n\n")}\n`);
}

function describe(study: Study, heading: (text: string) => string): string[] {
  const scales = Object.entries(study.scales).map(
    ([scale, { about, seeds }]) => `${scale}: ${about} (${seeds.length} ${seeds.length === 1 ? "seed" : "seeds"})`,
  );
  return [
    section(heading("Criterion, fixed beforehand"), study.criterion.split("\n")),
    section(heading("Arms"), named(study.arms)),
    section(
      heading("Measures"),
      Object.entries(study.measures).map(([name, info]) => `${name}: ${measure(info)}`),
    ),
    section(heading("Scales"), scales),
    section(heading("As a library"), study.offers),
    section(heading("Notes"), study.notes ?? []),
  ];
}

const named = (items: Readonly<Record<string, string>>) =>
  Object.entries(items).map(([name, about]) => `${name}: ${about}`);

const measure = ({ label, unit, better }: MeasureInfo): string =>
  label + (unit ? ` (${unit})` : "") + (better ? `, ${better} is better` : "");

function verdict(entry: LedgerEntry | undefined): string[] {
  if (!entry) return ["none yet"];
  const { judgement, seeds, seconds, date } = entry;
  return [
    `${judgement.verdict}: ${judgement.reason}`,
    `${seeds.length} seeds, ${duration(seconds)}, ${date.slice(0, 10)}`,
  ];
}

/** A heading with indented lines under it; nothing where there are no lines. */
const section = (heading: string, lines: readonly string[]): string =>
  lines.length === 0 ? "" : [heading, ...lines.map((line) => wrap(line, 96, "  "))].join("\n");
