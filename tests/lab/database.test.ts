import { appendFile, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { platform } from "#platform";
import { RunDatabase } from "../../src/lab/database.js";
import type { RunRecord } from "../../src/lab/record.js";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "hebb-database-"));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(root, { recursive: true, force: true });
});

async function writeRun(index: number, change: Partial<RunRecord> = {}): Promise<void> {
  const id = `r${index}`;
  const record: RunRecord = {
    version: 1,
    id,
    slug: "walk",
    scale: "smoke",
    seeds: [0],
    options: { index },
    device: "cpu",
    status: "done",
    started: new Date(1.7e12 + index).toISOString(),
    seconds: 1,
    environment: { hebb: "0.1.0", runtime: "node", processor: "none", threads: 1, platform: "linux" },
    arms: { a: "A" },
    measures: { end: { label: "End" } },
    rows: [{ arm: "a", seed: 0, measures: { end: index } }],
    cost: { forwardExamples: 0, backwardExamples: 0, macs: 0, seconds: 1 },
    ...change,
  };
  await mkdir(join(root, id), { recursive: true });
  await writeFile(join(root, id, "run.json"), JSON.stringify(record));
  await writeFile(join(root, id, "metrics.jsonl"), '{"arm":"a","seed":0,"step":1,"values":{"x":1}}\n');
}

const manyRuns = () => Promise.all(Array.from({ length: 200 }, (_, i) => writeRun(i)));

/** Numbers of runs, results and points, the sum of the results, and what the database said meanwhile. */
async function totals() {
  const messages: string[] = [];
  const database = await RunDatabase.open(root, { log: (message) => messages.push(message) });
  try {
    await database.restrict();
    const { portions } = await database.select(
      `select (select count(*) from runs), (select count(*) from measures), (select sum(value) from measures),
       (select count(*) from metrics)`,
    );
    const rows = [];
    for await (const portion of portions) rows.push(...portion);
    return { totals: rows[0], messages };
  } finally {
    database.close();
  }
}

const cacheFiles = async () => (await readdir(join(root, ".cache"))).length;

/** As if the cache had been written two hours ago. */
async function ageCache(): Promise<void> {
  const time = new Date(Date.now() - 7_200_000);
  for (const file of await readdir(join(root, ".cache"))) await utimes(join(root, ".cache", file), time, time);
}

it("keeps the tables of many runs as Parquet, and says the same with and without them", async () => {
  await manyRuns();
  const expected = [200, 200, (199 * 200) / 2, 200];
  expect(await totals()).toEqual({ totals: expected, messages: [`Reading 200 new runs into ${root}/.cache.`] });
  expect(await cacheFiles()).toBe(4);
  expect(await totals()).toEqual({ totals: expected, messages: [] });
});

it("reads new and running runs from their own files, and replaces a part of which a run changed", async () => {
  await manyRuns();
  await totals();
  await writeRun(1000);
  await writeRun(1001, { status: "running" });
  expect(await totals()).toEqual({ totals: [202, 202, (199 * 200) / 2 + 2001, 202], messages: [] });
  await writeRun(5, { rows: [{ arm: "a", seed: 0, measures: { end: 100_005 } }] });
  const changed = [202, 202, (199 * 200) / 2 + 2001 + 100_000, 202];
  expect(await totals()).toEqual({ totals: changed, messages: [`Reading 201 new runs into ${root}/.cache.`] });
  // Somebody may be reading what no longer holds.
  expect(await cacheFiles()).toBe(8);
  await ageCache();
  expect((await totals()).totals).toEqual(changed);
  expect(await cacheFiles()).toBe(4);
  await rm(join(root, "r7"), { recursive: true });
  expect((await totals()).totals).toEqual([201, 201, changed[2] - 7, 201]);
});

it("counts no run twice when two wrote the cache at the same time", async () => {
  await manyRuns();
  const both = await Promise.all([totals(), totals()]);
  for (const { totals } of both) expect(totals[0]).toBe(200);
  expect((await totals()).totals[0]).toBe(200);
});

it("does without a cache that cannot be written, and takes a damaged one for none", async () => {
  await manyRuns();
  await writeFile(join(root, ".cache"), "");
  const { totals: found, messages } = await totals();
  expect(found[0]).toBe(200);
  expect(messages[1]).toMatch(/could not be written, so the runs are read each time\. Cannot make the directory/);
  await rm(join(root, ".cache"));
  await totals();
  const [manifest] = (await readdir(join(root, ".cache"))).filter((name) => name.endsWith(".json"));
  await appendFile(join(root, ".cache", manifest), "}");
  await ageCache();
  await writeFile(join(root, ".cache", "torn-runs.parquet"), "");
  expect((await totals()).totals[0]).toBe(200);
  // A new part, and the file that was just written.
  expect(await cacheFiles()).toBe(5);
});

it("names the package that is missing", async () => {
  vi.spyOn(platform, "importPackage").mockResolvedValue(undefined);
  await expect(RunDatabase.open(root)).rejects.toThrow(
    "This needs the package @duckdb/node-api: npm install @duckdb/node-api.",
  );
});
