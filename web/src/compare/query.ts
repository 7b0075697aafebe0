import type { Place } from "../contract.js";
import type { By } from "./subjects.js";

/** A run as the address names it. */
export interface RunRef {
  readonly place: Place["kind"];
  readonly id: string;
}

/** All that a comparison shows; all of it stands in the page's address, so that a link gives the same page. */
export interface CompareQuery {
  readonly runs: readonly RunRef[];
  readonly family?: string;
  /** Of a family: a comparison of its methods, or the studies in the ledger. */
  readonly track?: string;
  /** Of a family: only this study's results. */
  readonly study?: string;
  readonly by?: By;
  /** The key of the baseline among the subjects. */
  readonly base?: string;
  readonly measure?: string;
  /** Only these arms; all where there are none. */
  readonly arms: readonly string[];
  readonly difference: boolean;
  /** The setting along the x axis; `none` for rows of dots; where it is absent, the best of them. */
  readonly x?: string;
}

export function readCompare(query: URLSearchParams): CompareQuery {
  const by = query.get("by");
  const said = (key: string) => query.get(key) || undefined;
  return {
    runs: query.getAll("run").flatMap((text) => runRef(text) ?? []),
    family: said("family"),
    track: said("track"),
    study: said("study"),
    by: by === "runs" || by === "arms" ? by : undefined,
    base: said("base"),
    measure: said("measure"),
    arms: query.getAll("arm").filter(Boolean),
    difference: query.get("show") === "difference",
    x: said("x"),
  };
}

/** The shortest address that `readCompare` reads as `query`. */
export function writeCompare({ runs, arms, difference, ...query }: CompareQuery): URLSearchParams {
  const written = new URLSearchParams();
  const unique = new Set(runs.map(({ place, id }) => `${place}:${id}`));
  for (const run of unique) written.append("run", run);
  for (const key of ["family", "track", "study", "by", "base", "measure"] as const) {
    if (query[key]) written.set(key, query[key]);
  }
  for (const arm of arms) written.append("arm", arm);
  if (difference) written.set("show", "difference");
  if (query.x) written.set("x", query.x);
  return written;
}

function runRef(text: string): RunRef | undefined {
  const [, place, id] = /^(tab|server):(.+)$/s.exec(text) ?? [];
  return id === undefined ? undefined : { place: place as Place["kind"], id };
}
