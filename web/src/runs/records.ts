import type { RunItem } from "../contract.js";
import type { CsvRecord } from "../export/csv.js";
import type { Titles } from "./filter.js";

/** The list of runs as records for a CSV file. */
export const runRecords = (runs: readonly RunItem[], titles: Titles): CsvRecord[] =>
  runs.map(({ id, slug, scale, status, verdict, seeds, started, seconds, bytes, place, tags }) => ({
    ...{ run: id, paper: slug, title: titles.get(slug), scale, status, verdict, seeds, started, seconds, bytes, place },
    tags: tags.join("; "),
  }));
