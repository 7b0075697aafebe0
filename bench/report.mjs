// Statistics over the rounds, and the markdown tables.

import { definitions } from "./data.mjs";
import { peers } from "./peers.mjs";

const REFERENCES = ["torch", "torch-gpu", "jax", "hebb", "hebb-gpu", "hebb-web", "jaxjs", "tfjs"];
const MATMUL = "matmul";

/** Medians of each peer's rounds, and whether its results follow the reference's. */
export function summarise(runs, tolerance) {
  const reference = REFERENCES.map((name) => runs.find((run) => run.peer === name && !run.reason)).find(Boolean);
  const rows = runs.map(({ peer, title, about, firstStepMs, reason, rounds, peakMiB, values }) => {
    const row = { peer, title, version: about?.version, runtime: about?.runtime, firstStepMs };
    if (reason) return { ...row, reason };
    const compared = values.slice(0, reference.values.length);
    const differences = compared.map((v, i) => Math.abs(v - reference.values[i]) / Math.abs(reference.values[i]));
    const difference = Math.max(...differences);
    return {
      ...row,
      medianMs: quantile(rounds.flat(), 0.5),
      roundMs: rounds.map((times) => quantile(times, 0.5)),
      peakMiB,
      values,
      compared: compared.length,
      difference,
      agree: difference <= tolerance,
    };
  });
  return { reference: reference?.peer, rows };
}

/** How many times the base's step time, taken within each round: median and middle half. */
function ratio(row, base) {
  if (!row?.roundMs || !base?.roundMs) return undefined;
  const ratios = row.roundMs.flatMap((ms, i) => (i < base.roundMs.length ? [ms / base.roundMs[i]] : []));
  return { median: quantile(ratios, 0.5), low: quantile(ratios, 0.25), high: quantile(ratios, 0.75) };
}

export function renderMarkdown({ environment: e, tolerance, entries }) {
  const dates = [...new Set(entries.map((entry) => entry.date))].sort();
  const looser = Object.entries(definitions.workloads)
    .flatMap(([name, { tolerance: own }]) => (own ? [`; ${name} ${own}`] : []))
    .join("");
  const busy = entries.filter((entry) => entry.load > 1.5 * e.cores).map((entry) => entry.workload);
  const lines = [
    "# Side by side",
    "",
    `${e.processor}, ${e.cores} cores, ${e.memoryGiB} GiB, ${e.system}, Node ${e.node}, ${[...new Set([dates[0], dates.at(-1)])].join(" to ")}. Float32.`,
    ...(busy.length > 0
      ? ["", `**The machine was busy for ${[...new Set(busy)].join(", ")}: there the times are indicative only.**`]
      : []),
    "",
    "- **step**: median of one whole step, whose result is read back: forward, loss, gradients and update where it trains.",
    "- **times Hebb's**: step time over Hebb's in the same round; median, and in brackets the middle half of the rounds. Above 1 is slower than Hebb.",
    "- **first step**: the same step the first time it runs, so with tracing and compiling.",
    "- **memory**: the most that the peer's process ever held (resident), libraries included.",
    `- **of peak**: floating-point operations of the workload ([\`flops.mjs\`](flops.mjs)) over the step time, as a share of what the fastest library reaches in a matrix product of 2,048 x 2,048 on as many threads.`,
    `- **agrees**: over the first steps, from the same weights and data, within ${tolerance} (relative${looser}) of the reference; in brackets the largest difference, and over how many steps.`,
  ];
  const page = ({ peer }) => Boolean(peers[peer].page);
  for (const threads of [...new Set(entries.map((entry) => entry.threads))]) {
    const here = entries.filter((entry) => entry.threads === threads);
    const peak = peakOf(here);
    const title = `${threads} thread${threads === 1 ? "" : "s"}`;
    const atPeak = peak ? ` The machine's matrix product: ${(peak / 1e9).toFixed(0)} GFLOP/s.` : "";
    const all = here.flatMap(({ rows }) => rows);
    if (all.some((row) => row.peer === "hebb")) {
      lines.push(
        "",
        `## ${title}`,
        "",
        `${title}.${atPeak}`,
        "",
        ...overview(here),
        "",
        ...table(here, () => true, "hebb", peak),
      );
    }
    if (all.some((row) => row.peer === "hebb-web")) {
      lines.push("", `## In a browser, ${title}`, "", "WebAssembly on a page in headless Chromium.", "");
      lines.push(...table(here, page, "hebb-web", peak));
    }
  }
  const devices = entries.filter(({ rows }) => rows.some((row) => row.peer === "hebb-gpu"));
  if (devices.length > 0) {
    const peak = peakOf(devices);
    const atPeak = peak ? ` Its matrix product: ${(peak / 1e12).toFixed(1)} TFLOP/s.` : "";
    lines.push("", "## On a graphics processor", "", `Float32, without reduced-precision products.${atPeak}`, "");
    lines.push(...table(devices, ({ peer }) => Boolean(peers[peer].gpu), "hebb-gpu", peak));
  }
  lines.push("", "## Workloads", "");
  for (const [name, title] of new Map(entries.map((entry) => [entry.workload, entry.title]))) {
    lines.push(`- \`${name}\`: ${title}`);
  }
  lines.push("", "## Versions", "");
  const seen = new Set();
  for (const row of entries.flatMap(({ rows }) => rows)) {
    if (!row.version || seen.has(row.peer)) continue;
    seen.add(row.peer);
    lines.push(`- ${row.title} ${row.version}: ${row.runtime.replace(/, \d+ threads?$/, "")}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Operations a second of the fastest matrix product. */
function peakOf(entries) {
  const product = entries.find((entry) => entry.workload === MATMUL);
  const times = product?.rows.flatMap(({ roundMs }) => roundMs ?? []) ?? [];
  return times.length > 0 ? (product.flops / Math.min(...times)) * 1000 : undefined;
}

/** Hebb against the better of each kind. */
function overview(entries) {
  const lines = [
    "| workload | Hebb, ms | PyTorch (faster of two) | JAX | jax-js, TensorFlow.js (faster of two) | memory, of PyTorch's | first step, ms |",
    "|---|---:|---:|---:|---:|---:|---:|",
  ];
  for (const { workload, rows } of entries) {
    const row = (name) => rows.find(({ peer, reason, agree }) => peer === name && !reason && agree);
    const hebb = row("hebb");
    if (!hebb || workload === MATMUL) continue;
    const fastest = (names) => {
      const medians = names.flatMap((name) => ratio(row(name), hebb)?.median ?? []);
      return medians.length > 0 ? `${Math.min(...medians).toFixed(2)}x` : "–";
    };
    const torch = row("torch")?.peakMiB;
    const memory = torch && hebb.peakMiB ? `${(hebb.peakMiB / torch).toFixed(2)}x` : "–";
    const cells = [fastest(["torch", "torch-compile"]), fastest(["jax"]), fastest(["jaxjs", "tfjs"]), memory];
    lines.push(`| ${workload} | ${[number(hebb.medianMs), ...cells, number(hebb.firstStepMs)].join(" | ")} |`);
  }
  return lines;
}

function table(entries, shown, base, peak) {
  const lines = [
    `| workload | library | step, ms | times ${base === "hebb-web" ? "Hebb's here" : "Hebb's"} | first step, ms | memory, MiB | of peak | agrees |`,
    "|---|---|---:|---:|---:|---:|---:|---|",
  ];
  for (const { workload, rows, reference, flops } of entries) {
    const to = rows.find((row) => row.peer === base);
    for (const row of rows.filter(shown)) {
      const cells = row.reason ? failed(row) : ran(row, ratio(row, to), reference, peak && flops / peak);
      lines.push(`| ${[workload, row.title, ...cells].join(" | ")} |`);
    }
  }
  return lines;
}

const failed = (row) => ["–", "–", number(row.firstStepMs), "–", "–", `fails: ${row.reason.replaceAll("|", "\\|")}`];

function ran(row, times, reference, leastSeconds) {
  const paired = times && `${times.median.toFixed(2)} [${times.low.toFixed(2)}–${times.high.toFixed(2)}]`;
  const share = leastSeconds && `${((leastSeconds / row.medianMs) * 1e5).toFixed(0)} %`;
  const verdict = `${row.agree ? "yes" : "**no**"} (${row.difference.toExponential(0)}, ${row.compared})`;
  const agrees = row.peer === reference ? "reference" : verdict;
  return [number(row.medianMs), paired ?? "–", number(row.firstStepMs), number(row.peakMiB), share ?? "–", agrees];
}

function number(value) {
  if (value === undefined) return "–";
  return value.toLocaleString("en-US", value < 100 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 });
}

export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  return sorted[low] + (sorted[Math.ceil(at)] - sorted[low]) * (at - low);
}
