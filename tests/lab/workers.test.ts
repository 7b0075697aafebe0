import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { platform } from "#platform";
import { BullQueue } from "../../src/lab/queue/bull.js";
import type { Job } from "../../src/lab/queue/queue.js";
import { buildFake, type Started, startProgram } from "../cli/build-fake.js";

/** What is lacking for these tests, which need a real server. */
const lacking =
  spawnSync("redis-server", ["--version"]).status !== 0
    ? "there is no redis-server here (Debian's package redis-server has it)"
    : (await platform.importPackage("ioredis"))
      ? undefined
      : "the package ioredis is not installed";

if (lacking) console.warn(`The tests of workers are skipped: ${lacking}.`);

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

const folder = () => mkdtempSync(join(tmpdir(), "hebb-workers-"));

const startRedis = (port: number): ChildProcess =>
  spawn("redis-server", ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--dir", folder()], {
    stdio: "ignore",
  });

/** A way to a port that can be cut. */
async function wire(to: number): Promise<{ readonly port: number; cut(): void }> {
  const ends = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = connect(to, "127.0.0.1");
    for (const [end, other] of [
      [near, far],
      [far, near],
    ]) {
      ends.add(end);
      end.on("error", () => {}).on("close", () => other.destroy());
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    cut() {
      server.close();
      for (const end of ends) end.destroy();
    },
  };
}

const job = (n: number): Job => ({
  id: `tiny-claim-smoke-${n}`,
  slug: "tiny-claim",
  scale: "smoke",
  options: { rounds: n },
  seed: 1,
  code: "v0",
});

describe.skipIf(lacking)("workers that share a queue in Redis", () => {
  let fake: Awaited<ReturnType<typeof buildFake>>;
  let port: number;
  let redis: ChildProcess;
  const running: Started[] = [];
  const queues: BullQueue[] = [];

  beforeAll(async () => {
    fake = await buildFake();
    port = await freePort();
    redis = startRedis(port);
  });
  afterEach(async () => {
    for (const { child } of running.splice(0)) child.kill("SIGKILL");
    for (const queue of queues.splice(0)) await queue.close();
  });
  afterAll(() => {
    fake?.remove();
    redis?.kill();
  });

  const start = (cwd: string, line: string): Started => {
    const started = startProgram(fake.program, cwd, line);
    running.push(started);
    return started;
  };

  const opened = async (name: string, worker: string, leaseMilliseconds = 30_000): Promise<BullQueue> => {
    const { signal } = new AbortController();
    const url = `redis://127.0.0.1:${port}`;
    const queue = await BullQueue.open({ url, name, worker, leaseMilliseconds, log: () => {}, signal });
    queues.push(queue);
    return queue;
  };

  it("is the same kind of queue as the one in a folder", async () => {
    const queue = await opened("contract", "w");
    await queue.add([job(0), job(1), job(2)]);
    await queue.add([job(1), job(2), job(3)]);
    const ids = [0, 1, 2, 3, 4].map((n) => job(n).id);
    const first = (await queue.claim())!;
    expect(first).toMatchObject({ job: job(0), attempt: 1 });
    expect(await queue.heartbeat(first)).toBe(true);
    await queue.complete(first);
    const second = (await queue.claim())!;
    expect(await queue.list(ids)).toEqual([
      { id: job(0).id, state: "done" },
      { id: job(1).id, state: "running", worker: "w" },
      { id: job(2).id, state: "waiting" },
      { id: job(3).id, state: "waiting" },
    ]);
    await queue.fail(second, "a wrong option", false);
    expect((await queue.list([job(1).id]))[0]).toEqual({ id: job(1).id, state: "failed", error: "a wrong option" });

    const third = (await queue.claim())!;
    await queue.release(third);
    const again = (await queue.claim())!;
    expect(again).toMatchObject({ job: third.job, attempt: 1 });
    await queue.complete(again);

    for (let attempt = 1; attempt <= 3; attempt++) {
      const lease = (await queue.claim())!;
      expect(lease).toMatchObject({ job: job(3), attempt });
      await queue.fail(lease, "killed", true);
    }
    expect(await queue.claim()).toBeUndefined();
    expect((await queue.list([job(3).id]))[0]).toMatchObject({ state: "failed", error: "killed" });
    await queue.add([job(3)]);
    expect(await queue.claim()).toMatchObject({ job: job(3), attempt: 1 });
  });

  it("gives a job to another when its lease has run out, and lets the former owner down gently", async () => {
    const [silent, other] = [await opened("stalled", "silent", 300), await opened("stalled", "other", 300)];
    await silent.add([job(0)]);
    const lost = (await silent.claim())!;
    let taken = await other.claim();
    while (!taken) {
      await sleep(50);
      taken = await other.claim();
    }
    expect(taken).toMatchObject({ job: job(0), attempt: 2 });
    expect(await silent.heartbeat(lost)).toBe(false);
    await silent.fail(lost, "too late", false);
    await other.complete(taken);
    await silent.complete(lost);
    expect(await silent.list([job(0).id])).toEqual([{ id: job(0).id, state: "done" }]);
  });

  it("finish every job once, though one of three is killed and one is cut off", async () => {
    const cwd = folder();
    const line = await wire(port);
    const worker = (name: string, at: number) =>
      start(cwd, `worker --redis redis://127.0.0.1:${at} --name ${name} --threads 1 --lease 2`);
    const [killed, cutOff, sound] = [worker("killed", port), worker("cut-off", line.port), worker("sound", port)];
    const sweep = start(
      cwd,
      `sweep tiny-claim --grid rounds=1,2,3 --grid pause=300 --seeds 2 --redis redis://127.0.0.1:${port} --parallel 0 --lease 2 --json`,
    );
    for (const { err } of [killed, cutOff]) while (!err().includes("started")) await sleep(20);
    killed.child.kill("SIGKILL");
    line.cut();
    expect(await sweep.ended).toBe(0);

    const runs: string[] = JSON.parse(sweep.out()).configurations.flatMap(({ runs }: { runs: string[] }) => runs);
    expect(new Set(runs).size).toBe(6);
    expect(readdirSync(join(cwd, "runs")).toSorted()).toEqual(["sweeps", ...runs].toSorted());
    for (const id of runs) {
      expect(JSON.parse(readFileSync(join(cwd, "runs", id, "run.json"), "utf8"))).toMatchObject({ id, status: "done" });
    }
    expect(cutOff.err()).toMatch(
      /cut-off: Redis at 127.0.0.1:\d+ cannot be reached \(.*\); trying again until it can\.\n/,
    );

    sound.child.kill("SIGINT");
    cutOff.child.kill("SIGINT");
    expect([await sound.ended, await cutOff.ended]).toEqual([130, 130]);
  });

  it("say that Redis cannot be reached, and go on when it can, even if it has lost the jobs", async () => {
    const cwd = folder();
    const later = await freePort();
    const worker = start(cwd, `worker --redis redis://127.0.0.1:${later} --name early`);
    const sweep = start(
      cwd,
      // Long enough for the sweep not to be over when its Redis is killed.
      `sweep tiny-claim --grid rounds=1,2 --grid pause=1500 --seeds 1 --redis redis://127.0.0.1:${later} --parallel 0`,
    );
    const sentence = `Redis at 127.0.0.1:${later} cannot be reached (ECONNREFUSED); trying again until it can.\n`;
    while (!worker.err().includes(sentence) || !sweep.err().includes(sentence)) await sleep(20);
    await sleep(500);
    let server = startRedis(later);
    try {
      // In the middle of it all jobs are lost.
      while (!worker.err().includes("started")) await sleep(20);
      server.kill("SIGKILL");
      while (sweep.err().split(sentence).length < 3) await sleep(20);
      server = startRedis(later);
      expect(await sweep.ended).toBe(0);
    } finally {
      server.kill();
    }
    // Once for each time.
    expect(sweep.err().split(sentence)).toHaveLength(3);
    expect(worker.err()).toContain(`early: Redis at 127.0.0.1:${later} is there again.\n`);
    worker.child.kill("SIGINT");
    expect(await worker.ended).toBe(130);
  });
});
