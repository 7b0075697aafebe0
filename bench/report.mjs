// Statistics over the rounds, and the markdown table.

const REFERENCES = ["torch", "hebb", "hebb-wasm", "jaxjs", "tfjs"];
const BASE = "hebb";

/** Medians, paired ratios to Hebb, and whether each peer's losses follow the reference's. */
export function summarise({ workload, title, runs, tolerance }) {
  const ran = (name) => runs.find((run) => run.peer === name && !run.reason);
  const reference = REFERENCES.map(ran).find(Boolean);
  const base = ran(BASE);
  const rows = runs.map((run) => {
    const row = { peer: run.peer, title: run.about?.name ?? run.title, version: run.about?.version };
    row.runtime = run.about?.runtime;
    row.firstStepMs = run.firstStepMs;
    if (run.reason) return { ...row, reason: run.reason };
    row.medianMs = quantile(run.rounds.flat(), 0.5);
    row.roundMs = run.rounds.map((times) => quantile(times, 0.5));
    if (base) {
      const ratios = run.rounds.map((times, i) => quantile(times, 0.5) / quantile(base.rounds[i], 0.5));
      row.ratio = { median: quantile(ratios, 0.5), low: quantile(ratios, 0.25), high: quantile(ratios, 0.75) };
    }
    row.losses = run.losses;
    row.lossDifference = Math.max(
      ...run.losses.map((loss, i) => Math.abs(loss - reference.losses[i]) / Math.abs(reference.losses[i])),
    );
    row.lossesAgree = row.lossDifference <= tolerance;
    return row;
  });
  return { workload, title, reference: reference?.peer, rows };
}

export function renderMarkdown({ environment: e, options, workloads }) {
  const lines = [
    "# One training step, side by side",
    "",
    `${e.processor}, ${e.cores} cores, ${e.memoryGiB} GiB, ${e.system}, Node ${e.node}, ${e.date}.`,
    `Float32, ${options.threads} threads each. ${options.rounds} rounds in turns, up to ${options.steps} steps a round after ${options.warmUp} untimed.`,
    ...(e.loadBefore > 0.5 ? ["", `**The machine was busy (load ${e.loadBefore.toFixed(1)}): indicative only.**`] : []),
    "",
    "- **step**: median of one whole step: forward, loss, gradients, update, loss read back.",
    "- **times Hebb's**: step time over Hebb's in the same round; median, and in brackets the middle half of the rounds. Above 1 is slower than Hebb.",
    "- **first step**: the same step the first time it runs, so with tracing and compiling.",
    `- **losses agree**: over the first ${options.check} steps, from the same weights and data, within ${options.tolerance} (relative) of the reference peer; in brackets the largest difference.`,
    "",
    "| workload | library | step, ms | times Hebb's | first step, ms | losses agree |",
    "|---|---|---:|---:|---:|---|",
  ];
  for (const { workload, reference, rows } of workloads) {
    for (const row of rows) lines.push(`| ${[workload, row.title, ...cells(row, reference)].join(" | ")} |`);
  }
  lines.push("", "Workloads:", "");
  for (const { workload, title } of workloads) lines.push(`- \`${workload}\`: ${title}`);
  lines.push("", "Versions:", "");
  const seen = new Set();
  for (const row of workloads.flatMap(({ rows }) => rows)) {
    if (!row.version || seen.has(row.peer)) continue;
    seen.add(row.peer);
    lines.push(`- ${row.title} ${row.version}: ${row.runtime}`);
  }
  return `${lines.join("\n")}\n`;
}

function cells(row, reference) {
  const first = row.firstStepMs === undefined ? "–" : milliseconds(row.firstStepMs);
  if (row.reason) return ["–", "–", first, `fails: ${row.reason.replaceAll("|", "\\|")}`];
  const { ratio } = row;
  const difference = row.lossDifference.toExponential(0);
  let agree = `${row.lossesAgree ? "yes" : "**no**"} (${difference})`;
  if (row.peer === reference) agree = "reference";
  const times = ratio && `${ratio.median.toFixed(2)} [${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)}]`;
  return [milliseconds(row.medianMs), times ?? "–", first, agree];
}

function milliseconds(value) {
  return value.toLocaleString("en-US", value < 100 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 });
}

function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  return sorted[low] + (sorted[Math.ceil(at)] - sorted[low]) * (at - low);
}
