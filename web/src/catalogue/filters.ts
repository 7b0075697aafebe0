import type { Family } from "../../../src/lab/catalogue/paper.js";
import type { PaperLine } from "../contract.js";

/** What the catalogue shows, as it stands in the address. */
export interface Filters {
  readonly q: string;
  readonly family: string;
  readonly kind: string;
  /** A verdict, `none` (a study without one) or `planned`. */
  readonly verdict: string;
  readonly year: string;
}

export const noFilters: Filters = { q: "", family: "", kind: "", verdict: "", year: "" };

export function readFilters(query: URLSearchParams): Filters {
  const read = (name: keyof Filters) => query.get(name) ?? "";
  return { q: read("q"), family: read("family"), kind: read("kind"), verdict: read("verdict"), year: read("year") };
}

export const toQuery = (filters: Filters): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(filters).map(([name, value]) => [name, value || undefined]));

/** Whether a paper passes all filters but the text. */
export const passes = (paper: PaperLine, { family, kind, verdict, year }: Filters): boolean =>
  (family === "" || paper.family === family) &&
  (kind === "" || paper.kinds.includes(kind)) &&
  (year === "" || String(paper.year) === year) &&
  (verdict === "" || verdictOf(paper) === verdict);

export const verdictOf = (paper: PaperLine): string =>
  paper.verdict ?? (paper.status === "planned" ? "planned" : "none");

/** Papers family by family, in the order in which the families first occur. */
export function byFamily(papers: readonly PaperLine[]): readonly (readonly [Family, readonly PaperLine[]])[] {
  const groups = new Map<Family, PaperLine[]>();
  for (const paper of papers) groups.set(paper.family, [...(groups.get(paper.family) ?? []), paper]);
  return [...groups];
}

/** The papers with a verdict, the newest first. */
export const newest = (papers: readonly PaperLine[]): readonly PaperLine[] =>
  papers.filter(({ verdict }) => verdict).sort((a, b) => (b.date ?? "").localeCompare(a.date ?? ""));
