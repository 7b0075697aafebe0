import type { RunItem } from "../contract.js";

/** Which runs a reader wants to see, and in which order; all of it stands in the page's address. */
export interface RunQuery {
  /** The slug of a paper. */
  readonly paper?: string;
  readonly status?: string;
  readonly verdict?: string;
  readonly place?: string;
  readonly tag?: string;
  readonly text?: string;
  readonly sort: SortKey;
  readonly ascending: boolean;
}

export const sortKeys = ["started", "paper", "status", "verdict", "seconds", "bytes"] as const;
export type SortKey = (typeof sortKeys)[number];

const filters = ["paper", "status", "verdict", "place", "tag", "text"] as const;
export type FilterKey = (typeof filters)[number];

/** Newest first, largest first, A before Z. */
const ascendsAtFirst = (key: SortKey): boolean => key === "paper" || key === "status" || key === "verdict";

export function readQuery(query: URLSearchParams): RunQuery {
  const asked = query.get("sort") ?? "started";
  const sort = sortKeys.find((key) => key === asked) ?? "started";
  const order = query.get("order");
  const ascending = order === "up" ? true : order === "down" ? false : ascendsAtFirst(sort);
  const wanted = filters.flatMap((key) => (query.get(key) ? [[key, query.get(key)]] : []));
  return { ...Object.fromEntries(wanted), sort, ascending };
}

/** The shortest address that `readQuery` reads as `query`. */
export function writeQuery(query: RunQuery): URLSearchParams {
  const written = new URLSearchParams();
  for (const key of filters) if (query[key]) written.set(key, query[key]);
  if (query.sort !== "started") written.set("sort", query.sort);
  if (query.ascending !== ascendsAtFirst(query.sort)) written.set("order", query.ascending ? "up" : "down");
  return written;
}

/** The order turns when a reader sorts again by what is sorted already. */
export const sortedBy = (query: RunQuery, sort: SortKey): RunQuery => ({
  ...query,
  sort,
  ascending: query.sort === sort ? !query.ascending : ascendsAtFirst(sort),
});

export const isFiltered = (query: RunQuery): boolean => filters.some((key) => query[key]);

/** Titles of papers by slug; a slug stands for itself where there is none. */
export type Titles = ReadonlyMap<string, string>;

/** The runs that the query asks for, in its order. Every word of its text must occur in what the list says of a run. */
export function findRuns(runs: readonly RunItem[], query: RunQuery, titles: Titles): RunItem[] {
  const words = fold(query.text ?? "")
    .split(/\s+/)
    .filter(Boolean);
  const found = runs.filter(
    (run) =>
      (!query.paper || run.slug === query.paper) &&
      (!query.status || run.status === query.status) &&
      (!query.verdict || (run.verdict ?? "none") === query.verdict) &&
      (!query.place || run.place === query.place) &&
      (!query.tag || run.tags.includes(query.tag)) &&
      (words.length === 0 || matches(run, words, titles)),
  );
  return sortRuns(found, query, titles);
}

function matches(run: RunItem, words: readonly string[], titles: Titles): boolean {
  const { id, slug, scale, status, verdict = "", tags, started } = run;
  const text = fold([id, slug, titles.get(slug) ?? "", scale, status, verdict, started, ...tags].join(" "));
  return words.every((word) => text.includes(word));
}

/** Without case and accents. */
const fold = (text: string): string =>
  text
    .normalize("NFKD")
    .replaceAll(/\p{Diacritic}/gu, "")
    .toLowerCase();

function sortRuns(runs: RunItem[], { sort, ascending }: RunQuery, titles: Titles): RunItem[] {
  const value = (run: RunItem): string | number => {
    if (sort === "paper") return fold(titles.get(run.slug) ?? run.slug);
    if (sort === "verdict") return run.verdict ?? "~";
    return run[sort];
  };
  const sign = ascending ? 1 : -1;
  const newer = (a: RunItem, b: RunItem) => order(b.started, a.started) || order(a.id, b.id);
  return runs
    .map((run) => ({ run, key: value(run) }))
    .sort((a, b) => sign * order(a.key, b.key) || newer(a.run, b.run))
    .map(({ run }) => run);
}

const order = <Value extends string | number>(a: Value, b: Value): number => (a < b ? -1 : a > b ? 1 : 0);

/** What the filters can be set to, with the number of runs of each: only what occurs. */
export function choices(
  runs: readonly RunItem[],
  titles: Titles,
): Readonly<Record<Exclude<FilterKey, "text">, readonly Choice[]>> {
  const counted = (valuesOf: (run: RunItem) => readonly string[], label = (value: string) => value): Choice[] => {
    const counts = new Map<string, number>();
    for (const run of runs) for (const value of valuesOf(run)) counts.set(value, (counts.get(value) ?? 0) + 1);
    const all = [...counts].map(([value, count]) => ({ value, label: label(value), count }));
    return all.sort((a, b) => order(fold(a.label), fold(b.label)));
  };
  return {
    paper: counted(
      ({ slug }) => [slug],
      (slug) => titles.get(slug) ?? slug,
    ),
    status: counted(({ status }) => [status]),
    verdict: counted(
      ({ verdict }) => [verdict ?? "none"],
      (verdict) => (verdict === "none" ? "no verdict" : verdict),
    ),
    place: counted(
      ({ place }) => [place],
      (place) => (place === "tab" ? "this browser" : "the server"),
    ),
    tag: counted(({ tags }) => tags),
  };
}

export interface Choice {
  readonly value: string;
  readonly label: string;
  readonly count: number;
}
