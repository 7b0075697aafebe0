import type { MetricPoint } from "../../src/lab/study.js";
import type { Catalogue, CodeFile, PaperContent } from "./contract.js";

// What was generated when the pages were built; each file is fetched once.

const loaded = new Map<string, Promise<unknown>>();

function load<T>(path: string, missing: string): Promise<T> {
  let pending = loaded.get(path) as Promise<T> | undefined;
  if (!pending) {
    pending = fetchJson<T>(path, missing);
    loaded.set(path, pending);
    // The next try may fare better.
    pending.catch(() => loaded.delete(path));
  }
  return pending;
}

async function fetchJson<T>(path: string, missing: string): Promise<T> {
  let response: Response;
  try {
    response = await fetch(new URL(path, document.baseURI));
  } catch {
    throw new Error("The lab's own files cannot be reached: check the connection, or start the server again.");
  }
  if (response.status === 404) throw new Error(missing);
  if (!response.ok) throw new Error(`The lab's file ${path} could not be read (status ${response.status}).`);
  try {
    return (await response.json()) as T;
  } catch {
    throw new Error(`The lab's file ${path} is damaged: build the pages again.`);
  }
}

export const loadCatalogue = (): Promise<Catalogue> =>
  load("content/catalogue.json", "The catalogue is missing: build the pages again with npm run build:site.");

export const loadPaper = (slug: string): Promise<PaperContent> =>
  load(
    `content/papers/${encodeURIComponent(slug)}.json`,
    `There is no paper "${slug}" in the catalogue; the front page lists them all.`,
  );

/** The text of a paper's files, highlighted. */
export const loadCode = (slug: string): Promise<readonly CodeFile[]> =>
  load(
    `content/papers/${encodeURIComponent(slug)}-code.json`,
    `The code of "${slug}" is missing: build the pages again.`,
  );

/** The curves of the run in the ledger; asked for only where they were kept. */
export const loadCurves = (slug: string): Promise<readonly MetricPoint[]> =>
  load(
    `content/papers/${encodeURIComponent(slug)}-curves.json`,
    `The curves of "${slug}" are missing: build the pages again.`,
  );
