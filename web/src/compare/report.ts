import { escapeHtml } from "../../../src/lab/escape.js";
import type { ReportFigure } from "../../../src/lab/report.js";
import { reportStyle } from "../../../src/lab/report-style.js";
import { type CostLine, costColumns } from "./cost.js";
import type { ComparisonTable, Entry } from "./table.js";

export interface ComparisonReport {
  readonly title: string;
  /** What is compared: a sentence each. */
  readonly subjects: readonly string[];
  readonly warnings: readonly string[];
  readonly figures: readonly ReportFigure[];
  readonly tables: readonly { readonly heading: string; readonly table: ComparisonTable }[];
  readonly cost: readonly CostLine[];
  /** ISO 8601. */
  readonly made: string;
}

/** A comparison as one HTML file that needs no server, no network and no script. */
export function comparisonReport({ title, subjects, warnings, figures, tables, cost, made }: ComparisonReport): string {
  const [first, ...others] = tables;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(`${title} (Hebb)`)}</title>
<style>${reportStyle}</style>
</head>
<body>
<main>
<header>
<p class="eyebrow">Hebb, comparison, ${escapeHtml(made.slice(0, 10))}</p>
<h1>${escapeHtml(title)}</h1>
${list(subjects)}
</header>
${warnings.length > 0 ? `<section class="verdict wait"><h2>Not alike in all</h2>${list(warnings)}</section>` : ""}
${section("Figures", figures.map(figure).join("\n"))}
${first ? section("Results", `<h3>${escapeHtml(first.heading)}</h3>${table(first.table, "Means over seeds with 95 % intervals; differences are paired by seed.")}`) : ""}
${others.map(({ heading, table: one }) => `<details><summary>${escapeHtml(heading)}</summary>${table(one, heading)}</details>`).join("\n")}
${cost.length > 0 ? section("Cost", costTable(cost)) : ""}
</main>
</body>
</html>
`;
}

const section = (heading: string, body: string): string =>
  body === "" ? "" : `<section><h2>${escapeHtml(heading)}</h2>${body}</section>`;

const list = (items: readonly string[]): string =>
  items.length === 0 ? "" : `<ul>${items.map((item) => `<li>${escapeHtml(item)}</li>`).join("")}</ul>`;

const figure = ({ title, caption, svg }: ReportFigure): string =>
  `<figure><h3>${escapeHtml(title)}</h3>${svg}<figcaption>${escapeHtml(caption)}</figcaption></figure>`;

function table({ keys, columns, lines }: ComparisonTable, caption: string): string {
  const head = [
    ...keys.map((key) => `<th scope="col">${escapeHtml(key)}</th>`),
    ...columns.map((column) => `<th scope="col" class="number">${escapeHtml(column)}</th>`),
  ];
  const body = lines.map(({ names, entries }) => {
    const named = names.map((name) => `<td>${escapeHtml(name)}</td>`);
    return `<tr>${named.join("")}${entries.map((one) => `<td class="number">${entry(one)}</td>`).join("")}</tr>`;
  });
  return scroll(
    `<caption>${escapeHtml(caption)}</caption><thead><tr>${head.join("")}</tr></thead><tbody>${body.join("")}</tbody>`,
  );
}

function entry(value: Entry | null): string {
  if (!value) return "";
  return escapeHtml(value.text) + (value.interval ? `<span class="interval">${escapeHtml(value.interval)}</span>` : "");
}

function costTable(lines: readonly CostLine[]): string {
  const head = ["Of", ...costColumns].map((name, i) => `<th scope="col"${i > 0 ? ' class="number"' : ""}>${name}</th>`);
  const body = lines.map(({ label, entries, where }) => {
    const cells = entries.map(
      ({ text, ratio }) =>
        `<td class="number">${escapeHtml(text)}${ratio ? `<span class="interval">${escapeHtml(ratio)}</span>` : ""}</td>`,
    );
    return `<tr><th scope="row">${escapeHtml(label)}</th>${cells.join("")}<td>${escapeHtml(where)}</td></tr>`;
  });
  return scroll(`<thead><tr>${head.join("")}<th scope="col">on</th></tr></thead><tbody>${body.join("")}</tbody>`);
}

const scroll = (content: string): string => `<div class="scroll"><table>${content}</table></div>`;
