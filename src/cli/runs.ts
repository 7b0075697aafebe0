import { resolve } from "node:path";
import type { Difference } from "../lab/compare.js";
import { duration, withInterval } from "../lab/numbers.js";
import type { Cell } from "../lab/table.js";
import { columns } from "./format.js";
import { type Io, styled } from "./io.js";
import type { Lab } from "./lab.js";
import { openAllNamed } from "./named-runs.js";
import { oneOf, positiveInteger, suggestion, UsageError } from "./usage.js";

export interface RunsOptions {
  readonly slug?: string;
  readonly scale?: string;
  readonly status?: string;
  readonly verdict?: string;
  readonly since?: string;
  readonly limit?: string;
  readonly out: string;
  readonly json?: boolean;
}

/** `hebb runs`: the runs that are here, newest first. */
export async function runs(io: Io, lab: Lab, options: RunsOptions): Promise<void> {
  const wanted = filter(lab, options);
  const limit = options.limit === undefined ? Number.POSITIVE_INFINITY : positiveInteger("--limit", options.limit);
  const { listRuns } = await import("../lab/index-of-runs.js");
  const all = await listRuns(resolve(io.cwd, options.out), (message) => io.stderr.write(`${message}\n`));
  const found = all.filter(wanted);
  const listed = found.slice(0, limit);
  if (options.json) {
    io.stdout.write(
      `${JSON.stringify(listed.map(({ stamp, ...run }) => ({ ...run, verdict: run.verdict ?? null })))}\n`,
    );
    return;
  }
  if (listed.length > 0) {
    const cells = listed.map(({ id, status, verdict, seeds, seconds, started }) => [
      started.slice(0, 16).replace("T", " "),
      status,
      verdict ?? "-",
      String(seeds),
      duration(seconds),
      id,
    ]);
    const [heading, ...lines] = columns([["started (UTC)", "status", "verdict", "seeds", "time", "run"], ...cells]);
    io.stdout.write(`${[styled(io, io.stdout, "bold", heading), ...lines].join("\n")}\n\n`);
  }
  const shown = listed.length < found.length ? `, ${listed.length} shown` : "";
  const of = found.length < all.length ? ` of ${all.length}` : "";
  io.stdout.write(`${found.length}${of} ${all.length === 1 ? "run" : "runs"} in ${options.out}${shown}.\n`);
}

type Summary = import("../lab/index-of-runs.js").RunSummary;

function filter(lab: Lab, options: RunsOptions): (run: Summary) => boolean {
  const { slug } = options;
  const slugs = lab.papers.map((paper) => paper.slug);
  if (slug !== undefined && !slugs.includes(slug)) {
    throw new UsageError(`There is no paper '${slug}' in the catalogue; ${suggestion(slug, slugs)}`);
  }
  const among = <Value extends string>(what: "scale" | "status" | "verdict", valid: readonly Value[]) =>
    options[what] === undefined ? undefined : oneOf(what, options[what], valid);
  const scale = among("scale", ["smoke", "standard", "full"]);
  const status = among("status", ["running", "interrupted", "done", "stopped", "failed"]);
  const verdict = among("verdict", ["replicated", "partly", "not at this scale", "contradicted", "invalid"]);
  const since = options.since === undefined ? undefined : date(options.since);
  return (run) =>
    (slug === undefined || run.slug === slug) &&
    (scale === undefined || run.scale === scale) &&
    (status === undefined || run.status === status) &&
    (verdict === undefined || run.verdict === verdict) &&
    (since === undefined || run.started >= since);
}

function date(text: string): string {
  const time = /^\d{4}-\d{2}-\d{2}(T|$)/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) {
    throw new UsageError(`--since takes a date, for example --since 2026-01-31, not '${text}'.`);
  }
  return new Date(time).toISOString();
}

export interface CompareOptions {
  readonly out: string;
  readonly json?: boolean;
}

/** `hebb runs compare`: the results of runs of one study side by side, and how far each is from the first. */
export async function compare(io: Io, ids: readonly string[], { out, json }: CompareOptions): Promise<void> {
  if (ids.length < 2) throw new UsageError("'hebb runs compare' takes at least two runs.");
  const [{ compareRuns }, { RunStore }] = await Promise.all([import("../lab/compare.js"), import("../lab/store.js")]);
  const store = new RunStore(resolve(io.cwd, out));
  const folders = await openAllNamed(store, ids, io.cwd);
  const records = await Promise.all(folders.map((folder) => folder.readRecord()));
  const statuses = await Promise.all(folders.map((folder, i) => folder.statusNow(records[i])));
  const lines = compareRuns(records);
  if (json) {
    const { slug, measures } = records[0];
    io.stdout.write(`${JSON.stringify({ slug, runs: records.map(({ id }) => id), measures, lines })}\n`);
    return;
  }
  const letters = records.map((_, i) => (i < 26 ? String.fromCharCode(65 + i) : `R${i + 1}`));
  records.forEach(({ id, scale, seeds, judgement }, i) => {
    const about = [`${scale} scale`, `seeds ${seeds.join(", ")}`, judgement?.verdict ?? statuses[i]].join("; ");
    io.stdout.write(`${letters[i]}  ${id}  (${about})\n`);
  });
  const settings = [...new Set(lines.flatMap(({ setting }) => Object.keys(setting)))];
  const differences = letters.slice(1).map((letter) => `${letter} − A`);
  const table = columns([
    ["arm", ...settings, "measure", ...letters, ...differences],
    ...lines.map(({ arm, setting, measure, cells, differences }) => [
      arm,
      ...settings.map((name) => String(setting[name] ?? "")),
      measure,
      ...[...cells, ...differences].map(estimate),
    ]),
  ]);
  io.stdout.write(`\n${[styled(io, io.stdout, "bold", table[0]), ...table.slice(1)].join("\n")}\n`);
}

function estimate(value: Cell | Difference | null): string {
  if (!value) return "";
  const { mean, interval } = withInterval(value.mean, value.low, value.high);
  return interval ? `${mean} ${interval}` : mean;
}
