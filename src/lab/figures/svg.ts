import type * as PlotModule from "@observablehq/plot";
import { escapeHtml } from "../escape.js";
import type { Figure } from "../study.js";
import { colourLegend, textWidth } from "./legend.js";
import { fontFamily, ink, paper } from "./palette.js";

export interface SvgOptions {
  /** Draw the figure's title above it. A page that prints the title itself turns this off. Default: true. */
  readonly heading?: boolean;
}

type PlotOptions = PlotModule.PlotOptions;
type Chart = (SVGSVGElement | HTMLElement) & Pick<PlotModule.Plot, "scale">;

/** Space around the whole, and where headings and legends start: level with Plot's axis labels. */
const padding = 12;
const left = padding + 3;

const defaults = { width: 680, height: 380, marginLeft: 60, marginRight: 24, marginTop: 28, marginBottom: 44 };

/**
 * A figure as one stand-alone SVG file, the same in Node and in a browser: its own fonts and colours, light or dark with
 * the reader's screen, its legends drawn, its plots below one another.
 */
export async function renderSvg(figure: Figure, { heading = true }: SvgOptions = {}): Promise<string> {
  const Plot = await import("@observablehq/plot");
  const document = await pageDocument();
  const drawn = figure.plot(Plot);
  const plots = (Array.isArray(drawn) ? drawn : [drawn]) as PlotOptions[];
  const width = Math.max(...plots.map((plot) => plot.width ?? defaults.width)) + 2 * padding;
  const parts: string[] = [];
  let height = padding;
  if (heading) {
    for (const line of wrap(figure.title, width - 2 * left)) {
      parts.push(`<text font-size="15" font-weight="600" x="${left}" y="${height + 14}">${escapeHtml(line)}</text>`);
      height += 20;
    }
    height += 6;
  }
  for (const options of plots) {
    const { legend: wanted, ...colour } = options.color ?? {};
    // Plot would make its legend of HTML, which a stand-alone file cannot hold.
    const plot = options.color ? { ...options, color: colour } : options;
    const chart = Plot.plot({ ...defaults, ...plot, document } as PlotOptions) as Chart;
    const scale = wanted ? chart.scale("color") : undefined;
    if (scale) {
      const legend = colourLegend(scale, colour.label ?? "", width - 2 * left);
      parts.push(translate(left, height, legend.svg));
      height += legend.height;
    }
    parts.push(translate(padding, height, `<g text-anchor="middle">${content(chart)}</g>`));
    height += Number(svgOf(chart).getAttribute("height"));
  }
  height += padding;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" class="hebb-figure" role="img" aria-label="${escapeHtml(figure.title)}"` +
    ` viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" color="${ink.light}" fill="currentColor"` +
    ` font-family="${fontFamily}" font-size="12">${style}${parts.join("")}</svg>`
  );
}

/** Plot marks text and halos with `--plot-background`; both follow the reader's light or dark screen. */
const style =
  "<style>" +
  `.hebb-figure{--plot-background:${paper.light};color:${ink.light};background:${paper.light};max-width:100%;height:auto}` +
  `@media (prefers-color-scheme:dark){.hebb-figure{--plot-background:${paper.dark};color:${ink.dark};background:${paper.dark}}}` +
  ".hebb-figure text{white-space:pre}" +
  "</style>";

/** A plot with a title or caption of its own comes wrapped in a `<figure>`. */
function svgOf(chart: Chart): Element {
  return chart.tagName.toLowerCase() === "svg" ? chart : chart.querySelector("svg:last-of-type")!;
}

/** What is inside a chart, without Plot's style sheet, which resizes an SVG nested in another one. */
function content(chart: Chart): string {
  const svg = svgOf(chart);
  for (const sheet of [...svg.querySelectorAll("style")]) sheet.remove();
  return svg.innerHTML;
}

const translate = (x: number, y: number, inner: string): string => `<g transform="translate(${x},${y})">${inner}</g>`;

/** `text` in lines of at most `width` pixels at 15 px, broken between words. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && textWidth(`${last} ${word}`) * 1.3 <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** The page's document in a browser; in Node, and in a worker, a small stand-in. */
async function pageDocument(): Promise<Document> {
  if (typeof document !== "undefined") return document;
  const { parseHTML } = await import("linkedom");
  return parseHTML("<!doctype html><html><body></body></html>").document as unknown as Document;
}
