import { mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { platform } from "#platform";
import { memoryCache } from "../../src/lab/cache.js";
import { listRuns } from "../../src/lab/index-of-runs.js";
import { lockRun } from "../../src/lab/lock.js";
import type { RunRecord } from "../../src/lab/record.js";
import { runStudy } from "../../src/lab/runner.js";
import { RunStore } from "../../src/lab/store.js";
import { tinyStudy } from "../tiny.js";

let out: string;
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "hebb-index-"));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(out, { recursive: true, force: true });
});

/** Changes what the record of a run says of it. */
async function setStatus(id: string, status: RunRecord["status"]): Promise<void> {
  const folder = await new RunStore(out).open(id);
  await folder.writeRecord({ ...(await folder.readRecord()), status });
}

const run = () => runStudy(tinyStudy, { out, cache: memoryCache() });

/** The ids that listing finds, and how many records it had to read for that. */
async function list() {
  const read = vi.spyOn(platform, "readFile");
  const ids = (await listRuns(out)).map(({ id }) => id);
  const records = read.mock.calls.filter(([path]) => path.endsWith("/run.json")).length;
  read.mockRestore();
  return { ids, records };
}

it("lists runs newest first and reads each record once", async () => {
  expect(await listRuns(join(out, "none"))).toEqual([]);
  const first = await run();
  await writeFile(join(out, "stray"), "");
  expect(await list()).toEqual({ ids: [first.id], records: 1 });
  const second = await run();
  expect(await list()).toEqual({ ids: [second.id, first.id], records: 1 });
  expect(await list()).toEqual({ ids: [second.id, first.id], records: 0 });
  expect((await listRuns(out))[1]).toMatchObject({
    slug: "tiny-claim",
    scale: "smoke",
    status: "done",
    verdict: "replicated",
    seeds: 2,
    started: first.started,
    seconds: first.seconds,
  });
});

it("reads a record again when it changed, and forgets a run that is gone", async () => {
  const [first, second] = [await run(), await run()];
  await list();
  const path = join(out, first.id, "run.json");
  await setStatus(first.id, "stopped");
  await utimes(path, new Date(), new Date(Date.now() + 5000));
  await rm(join(out, second.id), { recursive: true });
  expect(await list()).toEqual({ ids: [first.id], records: 1 });
  expect((await listRuns(out))[0].status).toBe("stopped");
  expect((await readFile(join(out, ".index.jsonl"), "utf8")).trim().split("\n")).toHaveLength(1);
});

it.each(["", "{", '{"id":3}\n', "null\n"])("takes a damaged index (%j) for none", async (text) => {
  const { id } = await run();
  await writeFile(join(out, ".index.jsonl"), text);
  expect(await list()).toEqual({ ids: [id], records: 1 });
});

it("leaves out records that cannot be read, and lists where it may not write", async () => {
  const [first, second] = [await run(), await run()];
  const path = join(out, second.id, "run.json");
  await writeFile(path, (await readFile(path, "utf8")).replace("93.1", "93.2"));
  vi.spyOn(platform, "writeFileAtomic").mockRejectedValue(new Error("read-only"));
  const messages: string[] = [];
  expect((await listRuns(out, (message) => messages.push(message))).map(({ id }) => id)).toEqual([first.id]);
  expect(messages).toEqual([
    `${second.id} is left out: ${path} is not what was written: its checksum is another. If it was changed on purpose, remove its "crc32c".`,
  ]);
});

it("calls a run interrupted whose record says that it runs, once its writer is gone", async () => {
  const { id } = await run();
  await setStatus(id, "running");
  const statuses = async () => (await listRuns(out)).map(({ status }) => status);
  expect(await statuses()).toEqual(["interrupted"]);
  const release = await lockRun(join(out, id));
  expect(await statuses()).toEqual(["running"]);
  await release();
  expect(await statuses()).toEqual(["interrupted"]);
  // The index holds what the record says.
  expect(await readFile(join(out, ".index.jsonl"), "utf8")).toContain('"status":"running"');
  // The writer may be on another machine.
  const lock = { host: "elsewhere", pid: 1, started: "", since: "" };
  await writeFile(join(out, id, "other.lock"), JSON.stringify(lock));
  expect(await statuses()).toEqual(["running"]);
});

it("reads a run again that ends while it is looked at", async () => {
  const { id, rows } = await run();
  await setStatus(id, "running");
  const listDir = platform.listDir;
  vi.spyOn(platform, "listDir").mockImplementation(async (path) => {
    if (path.endsWith(id)) await setStatus(id, "done");
    return listDir(path);
  });
  expect(rows.length).toBeGreaterThan(0);
  expect((await listRuns(out)).map(({ status, verdict }) => [status, verdict])).toEqual([["done", "replicated"]]);
});

it("may be used by many at once", async () => {
  const ids = [(await run()).id, (await run()).id].reverse();
  const lists = await Promise.all(Array.from({ length: 10 }, () => listRuns(out)));
  for (const found of lists) expect(found.map(({ id }) => id)).toEqual(ids);
  expect(await list()).toEqual({ ids, records: 0 });
});
