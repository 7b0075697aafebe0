import type { Paper } from "./catalogue/paper.js";
import { escapeHtml } from "./escape.js";
import { count, duration, withInterval } from "./numbers.js";
import type { RunRecord } from "./record.js";
import { reportStyle } from "./report-style.js";
import type { Condition, MeasureInfo, Study, Verdict } from "./study.js";
import { summarise, type TableLine } from "./table.js";

/** A figure that has been drawn, without its title, which the page sets. */
export interface ReportFigure {
  readonly name: string;
  readonly title: string;
  readonly caption: string;
  readonly svg: string;
}

export interface ReportInput {
  readonly record: RunRecord;
  readonly study: Pick<Study, "claim" | "criterion" | "notes" | "scales">;
  readonly paper?: Pick<Paper, "title" | "year" | "family">;
  readonly figures: readonly ReportFigure[];
}

/** What `smoke` runs are told wherever their verdict would stand. */
export const smokeNotice = "A smoke run only shows that the study works: no verdict at this scale counts.";

/** A run as one HTML file that needs no server, no network and no script. */
export function renderReport({ record, study, paper, figures }: ReportInput): string {
  const title = paper?.title ?? record.slug;
  const source = [`Hebb, run of ${record.slug} at ${record.scale} scale`, paper?.family, paper?.year].filter(Boolean);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(`${title}: ${record.judgement?.verdict ?? record.status} (Hebb)`)}</title>
<style>${reportStyle}</style>
</head>
<body>
<main>
<header>
<p class="eyebrow">${escapeHtml(source.join(" · "))}</p>
<h1>${escapeHtml(title)}</h1>
<p class="claim"><strong>Claim.</strong> ${escapeHtml(study.claim)}</p>
</header>
${verdict(record)}
${section("Criterion, fixed before the run", `<p class="criterion">${escapeHtml(study.criterion)}</p>${conditions(record)}`)}
${section("Figures", figures.map(figure).join("\n"))}
${section("Results", results(record))}
${section("Notes and deviations", list(study.notes ?? []))}
${section("This run", facts(record, study.scales[record.scale]?.about))}
</main>
</body>
</html>
`;
}

const section = (heading: string, body: string): string =>
  body === "" ? "" : `<section><h2>${escapeHtml(heading)}</h2>${body}</section>`;

const tones: Record<Verdict, "good" | "bad" | "wait"> = {
  replicated: "good",
  partly: "wait",
  "not at this scale": "wait",
  contradicted: "bad",
  invalid: "bad",
};

function verdict({ judgement, scale, status, error }: RunRecord): string {
  const box = (tone: string, heading: string, ...lines: string[]) =>
    `<section class="verdict ${tone}"><h2>${escapeHtml(heading)}</h2>${lines.map((line) => `<p>${escapeHtml(line)}</p>`).join("")}</section>`;
  if (!judgement) {
    return box(
      "wait",
      `No verdict: the run ${status === "running" ? "has not ended" : status}`,
      ...(error ? [error] : []),
    );
  }
  if (scale === "smoke") {
    const reading = `The criterion, applied to these few numbers all the same, says “${judgement.verdict}”. ${judgement.reason}`;
    return box("wait", "Smoke run: no verdict", smokeNotice, reading);
  }
  const heading = judgement.verdict[0].toUpperCase() + judgement.verdict.slice(1);
  return box(tones[judgement.verdict], heading, judgement.reason);
}

function conditions({ judgement }: RunRecord): string {
  if (!judgement) return "";
  const table = (caption: string, items: readonly Condition[]) =>
    items.length === 0
      ? ""
      : `<div class="scroll"><table class="conditions"><caption>${caption}</caption><thead><tr><th scope="col">Condition</th>` +
        `<th scope="col">Holds</th><th scope="col">Measured</th><th scope="col" class="number">Estimate</th></tr></thead>` +
        `<tbody>${items.map(condition).join("")}</tbody></table></div>`;
  return (
    table("Every condition of the criterion; estimates with their 95 % intervals.", judgement.conditions) +
    table("Side claims: reported, without a say in the verdict.", judgement.side ?? [])
  );
}

function condition({ name, holds, detail, estimate, interval }: Condition): string {
  return (
    `<tr><th scope="row">${escapeHtml(name)}</th>` +
    `<td class="mark ${holds ? "good" : "bad"}">${holds ? "✓ yes" : "✗ no"}</td>` +
    `<td>${escapeHtml(detail)}</td><td class="number">${estimate === undefined ? "" : value(estimate, interval)}</td></tr>`
  );
}

function value(mean: number, limits?: readonly [number, number]): string {
  const text = withInterval(mean, limits?.[0], limits?.[1]);
  return text.mean + (text.interval ? `<span class="interval">${text.interval}</span>` : "");
}

const figure = ({ title, caption, svg }: ReportFigure): string =>
  `<figure><h3>${escapeHtml(title)}</h3>${svg}<figcaption>${escapeHtml(caption)}</figcaption></figure>`;

function results(record: RunRecord): string {
  const lines = summarise(record.rows);
  if (lines.length === 0) return "<p>Nothing was measured.</p>";
  const names = [...new Set(lines.flatMap((line) => Object.keys(line.measures)))];
  const settings = [...new Set(lines.flatMap((line) => Object.keys(line.setting)))];
  const head = [
    `<th scope="col">Arm</th>`,
    ...settings.map((name) => `<th scope="col" class="number">${escapeHtml(name)}</th>`),
    ...names.map((name) => `<th scope="col" class="number">${measureHeading(name, record.measures[name])}</th>`),
  ];
  const seeds = `${record.seeds.length} ${record.seeds.length === 1 ? "seed" : "seeds"}`;
  const table =
    `<div class="scroll"><table><caption>Means over ${seeds} with 95 % intervals.</caption>` +
    `<thead><tr>${head.join("")}</tr></thead>` +
    `<tbody>${lines.map((line) => resultLine(line, settings, names)).join("")}</tbody></table></div>`;
  const arms = Object.entries(record.arms).map(([arm, about]) => `${arm}: ${about}`);
  const folded = lines.length > 40 ? `<details><summary>All ${lines.length} lines</summary>${table}</details>` : table;
  return folded + (arms.length > 0 ? `<h3>Arms</h3>${list(arms)}` : "");
}

function measureHeading(name: string, info: MeasureInfo | undefined): string {
  const unit = info?.unit ? ` (${info.unit})` : "";
  const better = info?.better ? `<span class="interval">${info.better} is better</span>` : "";
  return escapeHtml((info?.label ?? name) + unit) + better;
}

function resultLine(
  { arm, setting, measures }: TableLine,
  settings: readonly string[],
  names: readonly string[],
): string {
  const cells = names.map((name) => {
    const cell = measures[name];
    if (!cell) return "";
    return value(cell.mean, cell.low === undefined ? undefined : [cell.low, cell.high!]);
  });
  const all = [...settings.map((name) => escapeHtml(String(setting[name] ?? ""))), ...cells];
  return `<tr><th scope="row">${escapeHtml(arm)}</th>${all.map((cell) => `<td class="number">${cell}</td>`).join("")}</tr>`;
}

const list = (items: readonly string[]): string =>
  items.length === 0 ? "" : `<ul>${items.map((item) => `<li>${escapeHtml(item)}</li>`).join("")}</ul>`;

function facts({ environment, cost, ...record }: RunRecord, about: string | undefined): string {
  const commit =
    environment.commit && `, commit ${environment.commit.slice(0, 12)}${environment.dirty ? " with changes" : ""}`;
  const onnx = environment.onnxruntime && `ONNX Runtime ${environment.onnxruntime}`;
  const entries: [string, string | undefined][] = [
    ["Run", record.id],
    ["Scale", about ? `${record.scale}: ${about}` : record.scale],
    ["Seeds", record.seeds.join(", ")],
    ["Started", record.started],
    ["Time", duration(record.seconds)],
    [
      "Cost",
      `${count(cost.forwardExamples)} examples forward, ${count(cost.backwardExamples)} backward` +
        (cost.macs > 0 ? `, ${count(cost.macs)} multiply–accumulates` : ""),
    ],
    ["Device", record.device],
    ["Processor", `${environment.processor}, ${environment.threads} threads, ${environment.platform}`],
    ["Software", [`Hebb ${environment.hebb}${commit ?? ""}`, onnx, environment.runtime].filter(Boolean).join("; ")],
  ];
  const items = entries
    .filter(([, text]) => text)
    .map(([term, text]) => `<dt>${term}</dt><dd>${escapeHtml(text!)}</dd>`);
  const options = escapeHtml(JSON.stringify(record.options, null, 2) ?? "");
  return `<dl>${items.join("")}</dl><details><summary>Options</summary><pre>${options}</pre></details>`;
}
