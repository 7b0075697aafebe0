import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { memoryCache } from "../../src/lab/cache.js";
import { interruptedRun } from "../../src/lab/interrupted.js";
import { lockRun } from "../../src/lab/lock.js";
import type { RunRecord } from "../../src/lab/record.js";
import { type RunOptions, runStudy } from "../../src/lab/runner.js";
import { RunStore } from "../../src/lab/store.js";
import { tinyStudy } from "../tiny.js";

let out: string;
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "hebb-interrupted-"));
});
afterEach(() => rm(out, { recursive: true, force: true }));

/** A run whose record says that it runs, as a process leaves it that is killed. */
async function killed(options: RunOptions<any> = {}, status: RunRecord["status"] = "running"): Promise<string> {
  const { id } = await runStudy(tinyStudy, { out, cache: memoryCache(), ...options });
  const folder = await new RunStore(out).open(id);
  const { judgement, ...record } = await folder.readRecord();
  await folder.writeRecord({ ...record, status });
  return id;
}

const found = (options: RunOptions<any> = {}) => interruptedRun(tinyStudy, { out, ...options });

it("finds the newest run that was interrupted", async () => {
  expect(await found()).toBeUndefined();
  await killed();
  const id = await killed();
  await killed({}, "stopped");
  await killed({}, "failed");
  expect(await found()).toBe(id);
  expect(await interruptedRun({ ...tinyStudy, slug: "other" }, { out })).toBeUndefined();
});

it("finds none that others are writing, or that would end otherwise", async () => {
  const id = await killed({ seeds: 2, options: { rounds: 1 }, environment: { commit: "abc" } });
  const same: RunOptions<any> = { seeds: [1, 2], options: { rounds: 1 }, environment: { commit: "abc" } };
  expect(await found(same)).toBe(id);
  expect(await found({ ...same, seeds: 3 })).toBeUndefined();
  expect(await found({ ...same, options: {} })).toBeUndefined();
  expect(await found({ ...same, scale: "standard" })).toBeUndefined();
  expect(await found({ ...same, environment: { commit: "abd" } })).toBeUndefined();
  expect(await found({ ...same, environment: { commit: "abc", threads: 99 } })).toBeUndefined();
  expect(await found({ ...same, environment: { commit: "abc", dirty: true } })).toBeUndefined();
  const release = await lockRun(join(out, id));
  expect(await found(same)).toBeUndefined();
  await release();
  expect(await found(same)).toBe(id);
});
