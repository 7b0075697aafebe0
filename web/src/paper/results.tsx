import { useMemo } from "preact/hooks";
import type { LedgerEntry } from "../../../src/lab/ledger.js";
import { tableRows } from "../../../src/lab/table.js";
import { loadCurves } from "../content.js";
import type { PaperContent } from "../contract.js";
import { StudyFigures } from "../figures/study-figures.js";
import { Loading, Notice, useAsync } from "../ui/index.js";

/** The figures of the run in the ledger. */
export function ResultFigures({ paper, entry }: { readonly paper: PaperContent; readonly entry: LedgerEntry }) {
  const rows = useMemo(() => tableRows(entry.table), [entry]);
  const { value: metrics, error } = useAsync(
    () => (paper.curves ? loadCurves(paper.slug) : Promise.resolve([])),
    [paper],
  );
  if (error) return <Notice kind="warn">{error}</Notice>;
  if (!metrics) return <Loading what="the curves" />;
  return <StudyFigures slug={paper.slug} rows={rows} metrics={metrics} />;
}
