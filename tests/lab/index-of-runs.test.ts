import { mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { platform } from "#platform";
import { memoryCache } from "../../src/lab/cache.js";
import { listRuns } from "../../src/lab/index-of-runs.js";
import { runStudy } from "../../src/lab/runner.js";
import { tinyStudy } from "../tiny.js";

let out: string;
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "hebb-index-"));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(out, { recursive: true, force: true });
});

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
  await writeFile(path, (await readFile(path, "utf8")).replace('"status": "done"', '"status": "stopped"'));
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
  await writeFile(join(out, second.id, "run.json"), "{");
  vi.spyOn(platform, "writeFileAtomic").mockRejectedValue(new Error("read-only"));
  expect((await listRuns(out)).map(({ id }) => id)).toEqual([first.id]);
});

it("may be used by many at once", async () => {
  const ids = [(await run()).id, (await run()).id].reverse();
  const lists = await Promise.all(Array.from({ length: 10 }, () => listRuns(out)));
  for (const found of lists) expect(found.map(({ id }) => id)).toEqual(ids);
  expect(await list()).toEqual({ ids, records: 0 });
});
