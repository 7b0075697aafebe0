import { join } from "node:path";
import { platform } from "#platform";
import type { Paper } from "../lab/catalogue/paper.js";
import { renderPng } from "../lab/figures/png.js";
import { renderSvg } from "../lab/figures/svg.js";
import type { RunRecord } from "../lab/record.js";
import { type ReportFigure, renderReport } from "../lab/report.js";
import type { RunFolder } from "../lab/store.js";
import type { Study } from "../lab/study.js";

/**
 * Writes into a run's folder what people look at: `figures/*.svg` and `*.png`, and `report.html`, whose path comes back.
 * Figures are drawn from whole results only, so a run that did not end gets a report without them.
 */
export async function publish(folder: RunFolder, record: RunRecord, study: Study, paper?: Paper): Promise<string> {
  const figures: ReportFigure[] = [];
  if (record.status === "done") {
    const directory = join(folder.path, "figures");
    await platform.remove(directory);
    await platform.mkdirp(directory);
    for (const figure of study.figures(record.rows, await folder.readMetrics())) {
      const { name, title, caption } = figure;
      const svg = await renderSvg(figure);
      await platform.writeFileAtomic(join(directory, `${name}.svg`), `${svg}\n`);
      await platform.writeFileAtomic(join(directory, `${name}.png`), await renderPng(svg));
      figures.push({ name, title, caption, svg: await renderSvg(figure, { heading: false }) });
    }
  }
  const path = join(folder.path, "report.html");
  await platform.writeFileAtomic(path, renderReport({ record, study, paper, figures }));
  return path;
}
