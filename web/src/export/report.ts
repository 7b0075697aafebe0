import type { Paper } from "../../../src/lab/catalogue/paper.js";
import { renderSvg } from "../../../src/lab/figures/svg.js";
import type { RunRecord } from "../../../src/lab/record.js";
import { type ReportFigure, renderReport } from "../../../src/lab/report.js";
import type { Figure, MetricPoint, Study } from "../../../src/lab/study.js";
import { studies } from "../../../studies/index.js";

export interface RunReport {
  readonly record: RunRecord;
  readonly metrics: readonly MetricPoint[];
  readonly paper?: Pick<Paper, "title" | "year" | "family">;
  /** Default: the study of the record, loaded. */
  readonly study?: Pick<Study, "claim" | "criterion" | "notes" | "scales" | "figures">;
}

/** A run as one HTML file, as `hebb report` writes it. Figures are drawn from whole results only. */
export async function runReport({ record, metrics, paper, study }: RunReport): Promise<string> {
  const source = study ?? (await studies[record.slug]?.())?.default;
  const about = source ?? { claim: "", criterion: "", scales: {}, figures: () => [] };
  const figures = record.status === "done" ? about.figures(record.rows, metrics) : [];
  return renderReport({ record, study: about, paper, figures: await reportFigures(figures) });
}

/** Without Plot's names of its marks: in a page, a group that has no role may have no name. */
const plainGroups = (svg: string): string => svg.replaceAll(/(<g\b[^>]*?) aria-label="[^"]*"/g, "$1");

/** Figures drawn for a report, which prints their titles itself. */
export async function reportFigures(figures: readonly Figure[]): Promise<ReportFigure[]> {
  const drawn: ReportFigure[] = [];
  for (const figure of figures) {
    const { name, title, caption } = figure;
    drawn.push({ name, title, caption, svg: plainGroups(await renderSvg(figure, { heading: false })) });
  }
  return drawn;
}
