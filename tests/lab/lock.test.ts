import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { platform } from "#platform";
import { memoryCache } from "../../src/lab/cache.js";
import { listRuns } from "../../src/lab/index-of-runs.js";
import { isLocked, lockRun } from "../../src/lab/lock.js";
import { runStudy } from "../../src/lab/runner.js";
import { version } from "../../src/lab/version.js";
import { tinyStudy } from "../tiny.js";

let out: string;
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "hebb-lock-"));
});
afterEach(() => rm(out, { recursive: true, force: true }));

const locks = async (path = out) => (await readdir(path)).filter((name) => name.endsWith(".lock"));
const leave = (lock: object) => writeFile(join(out, "other.lock"), JSON.stringify(lock));
const since = "2026-01-02T03:04:05.000Z";

/** The identity of a process that has ended. */
async function deadProcess() {
  const child = spawn(process.execPath, ["-e", ""]);
  await new Promise((resolve) => child.on("exit", resolve));
  return { ...(await platform.processIdentity()), pid: child.pid!, since };
}

describe("lockRun", () => {
  it("refuses a second writer with the name of the first, until that gives up the folder", async () => {
    const release = await lockRun(out);
    await expect(lockRun(out)).rejects.toThrow(
      new RegExp(`is being written by process ${process.pid} on ${hostname()} since 20.*: wait for it, or stop it\\.$`),
    );
    expect(await locks()).toHaveLength(1);
    await release();
    expect(await locks()).toEqual([]);
    await (await lockRun(out))();
  });

  it("of many at once lets at most one through", async () => {
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockRun(out)));
    expect(results.filter(({ status }) => status === "fulfilled").length).toBeLessThanOrEqual(1);
  });

  it("clears away the lock of a dead process, and of an earlier process with the same id", async () => {
    await leave(await deadProcess());
    await (await lockRun(out))();
    expect(await locks()).toEqual([]);
    await leave({ ...(await platform.processIdentity()), birth: "1", since });
    await (await lockRun(out))();
    expect(await locks()).toEqual([]);
  });

  it("is not held by a process that has ended and that its parent has not asked about", async () => {
    if (!existsSync("/proc")) return;
    // The shell's child ends while the shell, become another program, never waits for it.
    const parent = spawn("sh", ["-c", "sleep 0.01 & echo $!; exec sleep 60"]);
    const pid = Number(await new Promise((resolve) => parent.stdout.once("data", resolve)));
    const stat = () => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    const birth = stat()[19];
    await leave({ ...(await platform.processIdentity()), pid, birth, since });
    while (stat()[0] !== "Z") await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await isLocked(out)).toBe(false);
    await (await lockRun(out))();
    parent.kill();
  });

  it("leaves the lock of another host alone and says how to remove it", async () => {
    await leave({ host: "elsewhere", pid: 1, started: since, since });
    await expect(lockRun(out)).rejects.toThrow(
      `${out} is being written by process 1 on elsewhere since ${since}: wait for it, or stop it; if it is gone, remove ${out}/other.lock.`,
    );
    expect(await locks()).toEqual(["other.lock"]);
  });

  it("names a lock file that is damaged", async () => {
    await leave({ pid: "x" });
    await expect(lockRun(out)).rejects.toThrow(/other\.lock is not valid: host/);
  });
});

describe("a run", () => {
  const cache = memoryCache();

  it("holds its folder while it is written: it cannot be resumed meanwhile, but read", async () => {
    const seen: string[] = [];
    let second: unknown;
    const record = await runStudy(
      {
        ...tinyStudy,
        async run(context) {
          await tinyStudy.run(context);
          const [{ id, status }] = await listRuns(out);
          seen.push(status);
          second = await runStudy(tinyStudy, { out, cache, resume: id }).catch((error) => error.message);
        },
      },
      { out, cache },
    );
    expect(seen).toEqual(["running"]);
    expect(second).toContain(`is being written by process ${process.pid}`);
    expect(record.status).toBe("done");
    expect(await locks(join(out, record.id))).toEqual([]);
  });

  it("says in environment.json what it was started with and on", async () => {
    const record = await runStudy(tinyStudy, { out, cache, seeds: 2, environment: { commit: "abc", threads: 1 } });
    expect(JSON.parse(await readFile(join(out, record.id, "environment.json"), "utf8"))).toMatchObject({
      slug: "tiny-claim",
      scale: "smoke",
      seeds: record.seeds,
      options: record.options,
      device: "cpu",
      hebb: version,
      runtime: `node ${process.versions.node}`,
      onnxruntime: expect.stringMatching(/^\d/),
      commit: "abc",
      threads: 1,
    });
  });
});
