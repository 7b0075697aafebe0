import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { consume, type JobEvent, ProcessDied } from "../../src/lab/queue/consume.js";
import { FolderQueue } from "../../src/lab/queue/folder.js";
import type { Job, JobQueue } from "../../src/lab/queue/queue.js";

const folder = () => mkdtempSync(join(tmpdir(), "hebb-queue-"));

const jobs = (count: number): Job[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `tiny-claim-smoke-${i}`,
    slug: "tiny-claim",
    scale: "smoke",
    options: { rounds: i },
    seed: 1,
    code: "v0",
  }));

const opened = (path: string, worker = "w", leaseMilliseconds?: number) =>
  new FolderQueue(path, { worker, leaseMilliseconds });

/** The states of all jobs, in the order of `jobs`. */
const states = async (queue: JobQueue, count: number) => {
  const known = await queue.list(jobs(count).map(({ id }) => id));
  return jobs(count).map(({ id }) => known.find((status) => status.id === id)?.state);
};

describe("a queue in a folder", () => {
  it("hands jobs out in the order in which they came, and knows how each stands", async () => {
    const queue = opened(folder());
    await queue.add(jobs(3));
    const first = (await queue.claim())!;
    expect(first).toMatchObject({ job: jobs(3)[0], attempt: 1 });
    expect((await queue.claim())!.job.id).toBe("tiny-claim-smoke-1");
    await queue.complete(first);
    expect(await queue.list(["tiny-claim-smoke-0", "tiny-claim-smoke-1", "tiny-claim-smoke-2", "another"])).toEqual([
      { id: "tiny-claim-smoke-0", state: "done" },
      { id: "tiny-claim-smoke-1", state: "running", worker: "w" },
      { id: "tiny-claim-smoke-2", state: "waiting" },
    ]);
  });

  it("gives every job to exactly one of many claimers, whatever fails or is given back in between", async () => {
    const claimer = fc.record({ fails: fc.nat(3), releases: fc.nat(3), pause: fc.nat(3) });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 8 }),
        fc.array(claimer, { minLength: 2, maxLength: 4 }),
        async (count, claimers) => {
          const path = folder();
          // Added by all at the same time, too.
          await Promise.all(claimers.map((_, i) => opened(path, `w${i}`).add(jobs(count))));
          const held = new Set<string>();
          const done: string[] = [];
          await Promise.all(
            claimers.map(async ({ fails, releases, pause }, i) => {
              const queue = opened(path, `w${i}`);
              while (done.length < count) {
                const lease = await queue.claim();
                if (!lease) {
                  await sleep(1);
                  continue;
                }
                const { id } = lease.job;
                expect(held.has(id)).toBe(false);
                held.add(id);
                await sleep(pause);
                expect(await queue.heartbeat(lease)).toBe(true);
                held.delete(id);
                if (fails > 0 && lease.attempt < 3) {
                  fails--;
                  await queue.fail(lease, "no luck", true);
                } else if (releases > 0) {
                  releases--;
                  await queue.release(lease);
                } else {
                  await queue.complete(lease);
                  done.push(id);
                }
              }
            }),
          );
          expect(done.toSorted()).toEqual(jobs(count).map(({ id }) => id));
          expect(await states(opened(path), count)).toEqual(Array(count).fill("done"));
        },
      ),
      { numRuns: 20 },
    );
  });

  it("gives a job to another when its lease has run out; the former owner learns it from its heartbeat", async () => {
    const path = folder();
    const [slow, other] = [opened(path, "slow", 200), opened(path, "other", 200)];
    await slow.add(jobs(1));
    const lost = (await slow.claim())!;
    expect(await other.claim()).toBeUndefined();
    expect(await slow.heartbeat(lost)).toBe(true);
    makeOld(path, lost.token);
    expect(await states(other, 1)).toEqual(["waiting"]);
    const taken = (await other.claim())!;
    expect(taken).toMatchObject({ attempt: 2, job: lost.job });
    expect(await slow.heartbeat(lost)).toBe(false);
    expect(await other.heartbeat(taken)).toBe(true);
    // What the former owner says now changes nothing for the new one ...
    await slow.fail(lost, "too late", false);
    expect(await states(other, 1)).toEqual(["running"]);
    // ... but a result is a result.
    await slow.complete(lost);
    expect(await other.heartbeat(taken)).toBe(false);
    await other.complete(taken);
    expect(await states(other, 1)).toEqual(["done"]);
    expect(await other.claim()).toBeUndefined();
  });

  it("takes a job at once from a process of this machine that is gone", async () => {
    const path = folder();
    const queue = opened(path);
    await queue.add(jobs(1));
    const lease = (await queue.claim())!;
    const { pid } = spawnSync(process.execPath, ["-e", ""]);
    writeFileSync(
      join(path, "leases", lease.token),
      JSON.stringify({ worker: "dead", host: hostname(), pid, started: "" }),
    );
    expect(await states(queue, 1)).toEqual(["waiting"]);
    expect(await queue.claim()).toMatchObject({ attempt: 2 });
  });

  it("believes in a process that was cut off while it claimed, until the lease has run out", async () => {
    const path = folder();
    const queue = opened(path);
    await queue.add(jobs(1));
    const lease = (await queue.claim())!;
    writeFileSync(join(path, "leases", lease.token), "");
    expect(await queue.claim()).toBeUndefined();
    expect(await states(queue, 1)).toEqual(["running"]);
    makeOld(path, lease.token);
    expect(await queue.claim()).toMatchObject({ attempt: 2 });
  });

  it("tries three times, then reports; added again, it gets three more", async () => {
    const queue = opened(folder());
    await queue.add(jobs(1));
    const failThrice = async () => {
      for (let attempt = 1; attempt <= 3; attempt++) {
        const lease = (await queue.claim())!;
        expect(lease.attempt).toBe(attempt);
        await queue.fail(lease, `no luck ${attempt}`, true);
      }
      expect(await queue.claim()).toBeUndefined();
    };
    await failThrice();
    expect(await queue.list(["tiny-claim-smoke-0"])).toEqual([
      { id: "tiny-claim-smoke-0", state: "failed", error: "no luck 3" },
    ]);
    await queue.add(jobs(1));
    expect(await states(queue, 1)).toEqual(["waiting"]);
    await failThrice();
  });

  it("fails at once where another attempt would be of no use", async () => {
    const queue = opened(folder());
    await queue.add(jobs(1));
    await queue.fail((await queue.claim())!, "a wrong option", false);
    expect(await states(queue, 1)).toEqual(["failed"]);
  });

  it("does not count an attempt that was given back", async () => {
    const queue = opened(folder());
    await queue.add(jobs(1));
    for (let i = 0; i < 5; i++) await queue.release((await queue.claim())!);
    expect(await queue.claim()).toMatchObject({ attempt: 1 });
  });

  it("gives up a job that takes its process with it each time", async () => {
    const path = folder();
    const queue = opened(path);
    await queue.add(jobs(1));
    for (let i = 0; i < 3; i++) makeOld(path, (await queue.claim())!.token);
    expect(await queue.claim()).toBeUndefined();
    expect(await queue.list(["tiny-claim-smoke-0"])).toEqual([
      { id: "tiny-claim-smoke-0", state: "failed", error: "its process died 3 times" },
    ]);
  });

  it("leaves a known job as it is when it is added again", async () => {
    const path = folder();
    const queue = opened(path);
    await queue.add(jobs(2));
    await queue.complete((await queue.claim())!);
    await queue.add(jobs(3));
    expect(await states(queue, 3)).toEqual(["done", "waiting", "waiting"]);
    expect(readdirSync(join(path, "jobs"))).toHaveLength(3);
  });

  it("names a file that is no job, and a folder that cannot be written", async () => {
    const path = folder();
    const queue = opened(path);
    await queue.add(jobs(1));
    writeFileSync(join(path, "jobs", "00000-tiny-claim-smoke-0.json"), "{}");
    await expect(queue.claim()).rejects.toThrow(/jobs\/00000-tiny-claim-smoke-0.json is not valid: id:/);
    const file = join(folder(), "file");
    writeFileSync(file, "");
    await expect(opened(file).add(jobs(1))).rejects.toThrow(/Cannot make the directory .*file/);
  });
});

describe("consume", () => {
  const run = async (
    path: string,
    parallel: number,
    execute: (job: Job, signal: AbortSignal) => Promise<"done" | "stopped">,
    more: {
      signal?: AbortSignal;
      admit?: () => Promise<(() => void) | undefined>;
      heartbeatMilliseconds?: number;
    } = {},
  ) => {
    const queue = opened(path);
    const events: JobEvent[] = [];
    await consume({
      queue,
      parallel,
      execute,
      isFinished: async () => {
        const known = await queue.list(jobs(50).map(({ id }) => id));
        return known.every(({ state }) => state === "done" || state === "failed");
      },
      signal: new AbortController().signal,
      heartbeatMilliseconds: 10_000,
      pollMilliseconds: 5,
      onEvent: (event) => events.push(event),
      ...more,
    });
    return events.map((event) => `${event.type} ${event.job.options.rounds}`);
  };

  it("never has more at work than it may, and ends when all is done", async () => {
    const path = folder();
    await opened(path).add(jobs(7));
    let [now, most, places] = [0, 0, 2];
    const events = await run(
      path,
      4,
      async () => {
        most = Math.max(most, ++now);
        await sleep(5);
        now--;
        return "done";
      },
      {
        admit: async () => {
          if (places === 0) return undefined;
          places--;
          return () => {
            places++;
          };
        },
      },
    );
    expect(most).toBe(2);
    expect(places).toBe(2);
    expect(events.filter((event) => event.startsWith("done"))).toHaveLength(7);
  });

  it("tries again after the death of a process, and not after an error of the study", async () => {
    const path = folder();
    await opened(path).add(jobs(2));
    const tries = new Map<string, number>();
    const events = await run(path, 1, async ({ id, options }) => {
      tries.set(id, (tries.get(id) ?? 0) + 1);
      throw options.rounds === 0 ? new ProcessDied("killed") : new Error("wrong");
    });
    expect([...tries.values()]).toEqual([3, 1]);
    expect(events.filter((event) => event.startsWith("failed"))).toHaveLength(4);
  });

  it("gives back what it is at when it is told to stop, and claims no more", async () => {
    const path = folder();
    const queue = opened(path);
    await queue.add(jobs(3));
    const abort = new AbortController();
    const events = await run(
      path,
      1,
      async (_, signal) => {
        abort.abort();
        return signal.aborted ? "stopped" : "done";
      },
      { signal: abort.signal },
    );
    expect(events).toEqual(["started 0", "stopped 0"]);
    expect(await states(queue, 3)).toEqual(["waiting", "waiting", "waiting"]);
    expect(await queue.claim()).toMatchObject({ attempt: 1 });
  });

  it("stops a job whose lease was lost, without giving back what is no longer its own", async () => {
    const path = folder();
    const queue = opened(path);
    await queue.add(jobs(1));
    const events = await run(
      path,
      1,
      async (_, signal) => {
        // Again where a heartbeat came between.
        const stolen = () => {
          makeOld(path, "00000-tiny-claim-smoke-0~1");
          return queue.claim();
        };
        let other = await stolen();
        while (!other) other = await stolen();
        if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
        await queue.complete(other);
        return "stopped";
      },
      { heartbeatMilliseconds: 5 },
    );
    expect(events).toEqual(["started 0", "stopped 0"]);
    expect(readdirSync(join(path, "released"))).toEqual([]);
  });

  it("ends with the queue's own error", async () => {
    const path = folder();
    await opened(path).add(jobs(1));
    writeFileSync(join(path, "jobs", "00000-tiny-claim-smoke-0.json"), "{");
    await expect(run(path, 2, async () => "done")).rejects.toThrow(/is not JSON/);
  });
});

/** Makes a lease look as if its heart had last beaten an hour ago. */
function makeOld(path: string, token: string): void {
  const then = Date.now() / 1000 - 3600;
  utimesSync(join(path, "leases", token), then, then);
}
