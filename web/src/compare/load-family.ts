import { loadCatalogue, loadPaper } from "../content.js";
import { sentence } from "../runs/load.js";
import { type FamilyStudy, familyStudies } from "./family.js";
import { type Measured, readMeasured } from "./measured.js";

export interface LoadedFamily {
  readonly studies: readonly FamilyStudy[];
  readonly tracks: readonly Measured[];
  /** What could not be loaded: a sentence each. */
  readonly problems: readonly string[];
}

/** The ledger's entries of a family, and the comparisons of its methods. */
export async function loadFamily(family: string): Promise<LoadedFamily> {
  const { papers } = await loadCatalogue();
  const own = papers.filter((paper) => paper.family === family);
  if (own.length === 0) throw new Error(`There is no family "${family}" in the catalogue.`);
  const [contents, tracks] = await Promise.all([
    Promise.allSettled(own.filter(({ verdict }) => verdict).map(({ slug }) => loadPaper(slug))),
    loadTracks(family),
  ]);
  return {
    studies: familyStudies(
      own,
      contents.flatMap((result) => (result.status === "fulfilled" ? [result.value] : [])),
    ),
    tracks,
    problems: contents.flatMap((result) => (result.status === "rejected" ? [sentence(result.reason)] : [])),
  };
}

/** Pages may have been built without them. */
async function loadTracks(family: string): Promise<Measured[]> {
  try {
    const response = await fetch(new URL("content/comparisons.json", document.baseURI));
    return response.ok ? readMeasured((await response.json())[family]) : [];
  } catch {
    return [];
  }
}
