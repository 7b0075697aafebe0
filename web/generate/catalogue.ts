import { catalogue } from "../../src/lab/catalogue/index.js";
import type { Paper } from "../../src/lab/catalogue/paper.js";
import type { LedgerEntry } from "../../src/lab/ledger.js";
import type { Study } from "../../src/lab/study.js";
import { version } from "../../src/lab/version.js";
import type { Catalogue, PaperLine } from "../src/contract.js";

/** What was known of a paper when the pages were built. */
export interface Known {
  readonly paper: Paper;
  readonly study?: Study;
  readonly entry?: LedgerEntry;
}

export const catalogueContent = (known: readonly Known[]): Catalogue => ({ version, papers: known.map(line) });

function line({ paper, study, entry }: Known): PaperLine {
  const { slug, family, title, year, claim, kinds } = paper;
  return {
    slug,
    family,
    title,
    ...(year === undefined ? {} : { year }),
    claim,
    kinds,
    // `magnitudeMask, oneShotMask (hebb/compress)`
    offers: study ? study.offers.flatMap((offer) => offer.replace(/ \(.*$/, "").split(", ")) : [],
    status: study ? "study" : "planned",
    ...(entry ? { verdict: entry.judgement.verdict, date: entry.date, reason: entry.judgement.reason } : {}),
    ...(study?.dataOption ? { dataOption: study.dataOption } : {}),
  };
}

export { catalogue };
