import type { Figure, Row } from "../../../src/lab/study.js";
import { type CsvRecord, csvText, rowRecords } from "./csv.js";
import { fileName, saveFile } from "./save.js";

export type { CsvRecord } from "./csv.js";
export type { RunReport } from "./report.js";

// What draws is loaded when something is exported.

/** Saves an SVG of the page, as it looks, as a file that stands alone. */
export async function exportSvg(svg: SVGElement, name: string): Promise<void> {
  const { standAloneSvg } = await import("./stand-alone.js");
  saveSvg(standAloneSvg(svg), name);
}

/** Saves an SVG of the page, as it looks, as a PNG file with two pixels per unit. */
export async function exportPng(svg: SVGElement, name: string, zoom = 2): Promise<void> {
  const [{ standAloneSvg, ground }, { pngOf }] = await Promise.all([import("./stand-alone.js"), import("./png.js")]);
  saveFile(fileName(name, "png"), await pngOf(standAloneSvg(svg), zoom, ground(svg)));
}

/** Saves a figure of a study with its title and its legend; as PNG on a light page. */
export async function exportFigure(figure: Figure, format: "svg" | "png", name = figure.name): Promise<void> {
  const { renderSvg } = await import("../../../src/lab/figures/svg.js");
  const svg = await renderSvg(figure);
  if (format === "svg") return saveSvg(svg, name);
  const { onLightPage, pngOf } = await import("./png.js");
  saveFile(fileName(name, "png"), await pngOf(onLightPage(svg)));
}

/** Saves rows of results, or other records, as a CSV file. */
export function exportCsv(rows: readonly (Row | CsvRecord)[], name: string): void {
  const records = rows.map((row) => (isRow(row) ? rowRecords([row])[0] : row));
  saveFile(fileName(name, "csv"), new Blob([csvText(records)], { type: "text/csv;charset=utf-8" }));
}

/** Saves a report of a run (or, as HTML, one that has been made) as one file that needs no server and no network. */
export async function exportReport(report: import("./report.js").RunReport | string, name: string): Promise<void> {
  const html = typeof report === "string" ? report : await (await import("./report.js")).runReport(report);
  saveFile(fileName(name, "html"), new Blob([html], { type: "text/html;charset=utf-8" }));
}

const isRow = (row: Row | CsvRecord): row is Row => typeof row.measures === "object" && row.measures !== null;

const saveSvg = (svg: string, name: string): void =>
  saveFile(fileName(name, "svg"), new Blob([`${svg}\n`], { type: "image/svg+xml" }));
