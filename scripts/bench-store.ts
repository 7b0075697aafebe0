/**
 * Measures the run store at size, in a folder of its own that is removed afterwards:
 * `npm run build && npx tsx scripts/bench-store.ts [--runs 10000] [--points 10000000]`.
 *
 * Prints for listing and querying, each in a process of its own as a user would start it, the time, the processor time (which
 * other work on the machine does not touch) and the peak memory.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { hostRandom } from "../src/engine/random/host.js";
import { seal } from "../src/lab/seal.js";

const { values } = parseArgs({
  options: { runs: { type: "string", default: "10000" }, points: { type: "string", default: "10000000" } },
});
const [runs, points] = [Number(values.runs), Number(values.points)];
const root = mkdtempSync(join(tmpdir(), "hebb-store-"));

/** One run: two arms, two seeds, a curve of loss and accuracy each. A point is one value of a metric. */
function writeRun(index: number): void {
  const random = hostRandom(index);
  const id = `study-${index % 10}-standard-${String(index).padStart(8, "0")}`;
  const arms = ["new", "old"];
  const seeds = [1, 2];
  const lines: string[] = [];
  const rows: object[] = [];
  const steps = Math.round(points / runs / 8);
  for (const arm of arms) {
    for (const seed of seeds) {
      for (let step = 0; step < steps; step++) {
        const values = { loss: random.uniform(), accuracy: random.uniform() };
        lines.push(seal(JSON.stringify({ arm, seed, step, values })));
      }
      for (let round = 0; round < 4; round++) {
        rows.push({ arm, seed, setting: { round }, measures: { accuracy: random.uniform(), steps: 100 - round } });
      }
    }
  }
  const record = {
    version: 1,
    id,
    slug: `study-${index % 10}`,
    scale: "standard",
    seeds,
    options: { width: 100, rate: 0.1 },
    device: "cpu",
    status: "done",
    started: new Date(1.7e12 + index * 6e4).toISOString(),
    seconds: 60,
    environment: { hebb: "0.1.0", runtime: "node", processor: "none", threads: 2, platform: "linux x64" },
    arms: { new: "the method", old: "the baseline" },
    measures: { accuracy: { label: "accuracy" }, steps: { label: "steps" } },
    rows,
    cost: { forwardExamples: 1, backwardExamples: 1, macs: 1, seconds: 60 },
    judgement: { verdict: index % 3 ? "replicated" : "partly", reason: "As measured.", conditions: [] },
  };
  mkdirSync(join(root, id));
  writeFileSync(join(root, id, "run.json"), `${seal(JSON.stringify(record, null, 1))}\n`);
  writeFileSync(join(root, id, "metrics.jsonl"), `${lines.join("\n")}\n`);
}

/** Runs the compiled `hebb` with these arguments and prints how long it took, seen from outside, and the most memory it held. */
function measure(what: string, ...args: string[]): void {
  const code = `
    import { writeFileSync } from "node:fs";
    process.on("exit", () => writeFileSync(3, JSON.stringify(process.resourceUsage())));
    process.argv = ["node", "hebb", ...${JSON.stringify([...args, "--out", root])}];
    await import(${JSON.stringify(new URL("../bin/hebb.js", import.meta.url).href)});`;
  const begun = performance.now();
  const { status, output } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(output[2] ?? "");
  const wall = performance.now() - begun;
  const { maxRSS, userCPUTime, systemCPUTime } = JSON.parse(output[3] ?? "{}");
  const cells = [wall / 1e3, (userCPUTime + systemCPUTime) / 1e6].map((seconds) =>
    `${seconds.toFixed(2)} s`.padStart(10),
  );
  console.log(`${what.padEnd(44)} ${cells.join(" ")} ${`${Math.round(maxRSS / 1024)} MB`.padStart(8)}`);
}

try {
  for (let index = 0; index < runs; index++) writeRun(index);
  // Runs are not written right before they are read: what the system still holds back would count as reading.
  execFileSync("sync");
  console.log(`${runs} runs, ${points} metric points`);
  console.log(`${"".padEnd(44)}       time  processor   memory`);
  measure("hebb --version", "--version");
  measure("runs, without an index", "runs", "--json");
  measure("runs, with an index", "runs", "--json");
  measure("query of runs, without a cache", "query", "select verdict, count(*) from runs group by verdict");
  measure("query of runs", "query", "select verdict, count(*) from runs group by verdict");
  measure("aggregate of measures", "query", "select arm, measure, avg(value) from measures group by all");
  measure("aggregate of metrics", "query", "select arm, metric, avg(value), count(*) from metrics group by all");
  measure(
    "aggregate of metrics by study, last steps",
    "query",
    "select slug, arm, metric, arg_max(value, step), max(step) from metrics join runs using (run) group by all",
  );
} finally {
  rmSync(root, { recursive: true, force: true });
}
