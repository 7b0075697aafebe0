import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import type { z } from "zod";
import { platform } from "#platform";
import { decodeSafetensors, encodeSafetensors } from "../../../src/interop/index.js";
import { decodeCheckpoint, encodeCheckpoint } from "../../../src/lab/checkpoint.js";
import { listRuns } from "../../../src/lab/index-of-runs.js";
import { canonicalJson } from "../../../src/lab/json.js";
import { Ledger } from "../../../src/lab/ledger.js";
import { lockRun } from "../../../src/lab/lock.js";
import { FolderQueue } from "../../../src/lab/queue/folder.js";
import type { Job } from "../../../src/lab/queue/queue.js";
import type { RunRecord, UnitRecord } from "../../../src/lab/record.js";
import { metricSchema, parseChecked, runSchema, unitSchema } from "../../../src/lab/schema.js";
import { RunFolder } from "../../../src/lab/store.js";
import { type SweepPlan, SweepStore } from "../../../src/lab/sweep.js";
import { summarise, tableRows } from "../../../src/lab/table.js";
import { version } from "../../../src/lab/version.js";
import { file, json, type Reader, textOf, utf8 } from "../reader.js";

const environment = { hebb: "0.1.0", runtime: "node 20", processor: "some", threads: 2, platform: "linux x64" };
const cost = { forwardExamples: 10, backwardExamples: 5, macs: 1e6, seconds: 1.5 };
const row = { arm: "new", seed: 1, setting: { round: 0, kind: "a" }, measures: { accuracy: 91.5, steps: 10 } };
const judgement = {
  verdict: "replicated" as const,
  reason: "It is better.",
  conditions: [
    { name: "better", holds: true, detail: "by 2 points", estimate: 2, interval: [1, 3] as [number, number] },
  ],
};
export const metric = { arm: "new", seed: 1, step: 0, setting: { round: 0 }, values: { loss: 0.25 } };

export const record: RunRecord = {
  version: 1,
  id: "tiny-claim-smoke-1",
  slug: "tiny-claim",
  scale: "smoke",
  seeds: [1, 2],
  options: { rounds: 2, nested: { list: [1, "a", null, true] } },
  device: "cpu",
  status: "done",
  started: "2026-01-31T10:00:00.000Z",
  seconds: 1.5,
  environment,
  arms: { new: "the method", old: "the baseline" },
  measures: { accuracy: { label: "accuracy", unit: "%", better: "higher" } },
  rows: [row, { ...row, arm: "old", seed: 2 }],
  cost,
  judgement,
};
const unit: UnitRecord = { name: "new-1", value: { best: [1, 2] }, rows: [row], metrics: [metric], cost };
const lines = (...items: unknown[]): Uint8Array => utf8(items.map((item) => `${JSON.stringify(item)}\n`).join(""));

const words = [
  ...['"arm":', '"seed":', '"setting":{', '"measures":{', '"values":{', '"options":', '"rows":[', '"verdict":'],
  ...['"status":"running"', '"version":1', "{}", "[]", "},{", "null", "1e308", "\n", '"a":1,', '"id":"../../x"'],
];

/** A directory whose name all errors must tell, in memory where the system has such a place, until the process ends. */
export function directory(): string {
  const parent = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "hebb-fuzz-"));
  process.once("exit", () => rmSync(parent, { recursive: true, force: true }));
  const path = join(parent, file);
  mkdirSync(path);
  return path;
}

let place: string | undefined;
/** Puts the bytes where a reader looks for them, under a directory of this process. */
function put(path: string, bytes: Uint8Array): string {
  place ??= directory();
  const target = join(place, path);
  try {
    writeFileSync(target, bytes);
  } catch {
    mkdirSync(join(target, ".."), { recursive: true });
    writeFileSync(target, bytes);
  }
  return place;
}

/** A queue of one job and one lease. */
const job: Job = { id: "tiny-1", slug: "tiny", scale: "smoke", options: { rounds: 2 }, seed: 1, code: "v0" };

const checkpoint = await encodeCheckpoint(3, {
  name: "new-1",
  rows: [row],
  metrics: [metric],
  cost,
  state: { step: 7, weights: Float32Array.of(1, 2, 3), list: [Number.NaN, "a", null] },
});
const parts = decodeSafetensors(checkpoint);

/** The same as in files, but faster. */
const textReaders = [
  ["text of a record", runSchema, json(record)],
  ["text of a unit", unitSchema, json(unit)],
  ["text of a point", metricSchema, json(metric)],
].map(
  ([name, schema, sound]): Reader => ({
    name: name as string,
    files: [sound as Uint8Array],
    words,
    share: 0.5,
    read: (bytes) => canonicalJson(parseChecked(schema as z.ZodType, textOf(bytes), file), file),
  }),
);

export const labReaders: readonly Reader[] = [
  ...textReaders,
  {
    name: "run.json",
    files: [json(record), json({ ...record, judgement: undefined, status: "failed", error: "no" })],
    words,
    share: 0.03,
    async read(bytes) {
      const path = put("run/run.json", bytes);
      const { rows, options } = await new RunFolder("run", `${path}/run`).readRecord();
      summarise(rows);
      canonicalJson(options, file);
    },
  },
  {
    name: "units.jsonl",
    files: [lines(unit, { ...unit, name: "old-1" })],
    words,
    share: 0.03,
    async read(bytes) {
      const path = put("units/units.jsonl", bytes);
      for (const { value } of await new RunFolder("units", `${path}/units`).readUnits())
        canonicalJson(value ?? null, file);
    },
  },
  {
    name: "metrics.jsonl",
    files: [lines(metric, { ...metric, step: 1 }, { arm: "old", seed: 2, step: 0, values: {} })],
    words,
    share: 0.03,
    read: (bytes) => new RunFolder("metrics", `${put("metrics/metrics.jsonl", bytes)}/metrics`).readMetrics(),
  },
  {
    name: "checkpoint",
    files: [checkpoint],
    words,
    share: 0.03,
    read: (bytes) => decodeCheckpoint(bytes, file),
  },
  {
    name: "checkpoint of a forger",
    files: [utf8(parts.metadata.unit)],
    words: [...words, '{"$array":0}', '{"$tensor":', '{"$data":', '{"$number":"NaN"}', '"$array":"__proto__"'],
    share: 0.03,
    // With a checksum that fits.
    async read(bytes) {
      const metadata = { hebb: version, number: "3", unit: textOf(bytes) };
      const sha256 = await platform.sha256(encodeSafetensors(parts.tensors, metadata));
      return decodeCheckpoint(encodeSafetensors(parts.tensors, { ...metadata, sha256 }), file);
    },
  },
  {
    name: "index of runs",
    files: [
      lines({
        ...{ id: "run", slug: "tiny", scale: "smoke", status: "done", started: "2026", seconds: 1 },
        ...{ seeds: 2, stamp: "1-2" },
      }),
    ],
    words: [...words, '"stamp":"'],
    share: 0.01,
    async read(bytes) {
      put("runs/run/run.json", json(record));
      const [run, ...others] = await listRuns(`${put("runs/.index.jsonl", bytes)}/runs`);
      if (run.id !== "run" || others.length > 0) throw new Error("the index made up a run");
    },
  },
  {
    name: "ledger",
    files: [
      json({
        ...{ version: 1, slug: "tiny", run: "tiny-1", date: "2026-01-31", seeds: [1, 2], options: {}, device: "cpu" },
        ...{ seconds: 1, cost, environment, judgement, notes: ["a"], table: summarise(record.rows) },
      }),
    ],
    words: [...words, '"table":[', '"mean":', '"n":'],
    share: 0.03,
    async read(bytes) {
      const entry = await new Ledger(`${put("ledger/tiny.json", bytes)}/ledger`).read("tiny");
      tableRows(entry!.table);
    },
  },
  {
    name: "sweep plan",
    files: [
      json({
        ...{ version: 1, id: "tiny-1", slug: "tiny", scale: "smoke", configurations: [{ rounds: 1, kind: "a" }] },
        ...{ seeds: [1, 2], code: "v0", started: "2026-01-31" },
      } satisfies SweepPlan),
    ],
    words: [...words, '"configurations":[{'],
    share: 0.03,
    read: (bytes) => new SweepStore(put("sweeps/tiny-1/plan.json", bytes)).read("tiny-1"),
  },
  {
    name: "job of a queue",
    files: [json(job)],
    words: [...words, '"slug":"tiny"', '"seed":1'],
    share: 0.01,
    async read(bytes) {
      const path = put("queue/jobs/00000-tiny-1.json", bytes);
      const queue = new FolderQueue(`${path}/queue`, { worker: "w" });
      const lease = await queue.claim();
      if (lease) await queue.release(lease);
    },
  },
  {
    name: "owner of a lease",
    files: [json({ worker: "w", host: hostname(), pid: 2 ** 22, started: "2026" })],
    words: ['"pid":', '"host":', '"birth":"1"', "-1", "0", "1.5"],
    share: 0.01,
    async read(bytes) {
      put("leases/jobs/00000-tiny-1.json", json(job));
      const path = put("leases/leases/00000-tiny-1~1", bytes);
      await new FolderQueue(`${path}/leases`, { worker: "w" }).list(["tiny-1"]);
    },
  },
  {
    name: "lock of a run",
    files: [json({ host: hostname(), pid: 2 ** 22, started: "2026", birth: "1", since: "2026" })],
    words: ['"pid":', '"host":', '"birth":"1"', '"since":"', "-1", "0", "1.5"],
    share: 0.01,
    async read(bytes) {
      const release = await lockRun(`${put("locked/other.lock", bytes)}/locked`);
      await release();
    },
  },
];
