import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Job } from "../../src/lab/queue/queue.js";
import { RunStore } from "../../src/lab/store.js";
import type { Study } from "../../src/lab/study.js";
import { configurationsOf, jobsOf, type SweepPlan, SweepStore } from "../../src/lab/sweep.js";
import { runJob } from "../../src/lab/sweep-job.js";
import { tinyStudy } from "../tiny.js";

const folder = () => mkdtempSync(join(tmpdir(), "hebb-job-"));

const plan: SweepPlan = {
  version: 1,
  id: "tiny-claim-smoke-20260101-000000-abcd",
  slug: "tiny-claim",
  scale: "smoke",
  configurations: configurationsOf(new Map([["rounds", [1, 2, 3]]])),
  seeds: [4, 7],
  code: "v0",
  started: "2026-01-01T00:00:00.000Z",
};

const firstJob = async (): Promise<Job> => (await jobsOf(plan, tinyStudy))[0].job;

/** The tiny study, which counts how often it runs and may do more. */
function counting(more: () => unknown = () => {}): Study & { runs: number } {
  const study = {
    ...tinyStudy,
    runs: 0,
    async run(context: Parameters<Study["run"]>[0]) {
      study.runs++;
      await more();
      await tinyStudy.run(context);
    },
  };
  return study;
}

describe("the jobs of a plan", () => {
  it("give every configuration its first seed before any gets its second", async () => {
    const jobs = await jobsOf(plan, tinyStudy);
    expect(jobs.map(({ job, configuration }) => [job.seed, job.options.rounds, configuration])).toEqual([
      [4, 1, 0],
      [4, 2, 1],
      [4, 3, 2],
      [7, 1, 0],
      [7, 2, 1],
      [7, 3, 2],
    ]);
  });

  it("have ids that say what decides the result, and nothing else", async () => {
    const ids = async (change: Partial<SweepPlan>, study: Study = tinyStudy) =>
      (await jobsOf({ ...plan, ...change }, study)).map(({ job }) => job.id);
    const before = await ids({});
    expect(new Set(before).size).toBe(6);
    expect(before[0]).toMatch(/^tiny-claim-smoke-[0-9a-f]{16}$/);
    expect(await ids({ id: "another", started: "later" })).toEqual(before);
    // Options are those in force: one that is named at its default is the same job.
    expect((await ids({ configurations: [{}] }))[0]).toBe(before[1]);
    for (const change of [{ code: "v1" }, { seeds: [5, 8] }, { scale: "standard" as const }]) {
      expect((await ids(change)).filter((id) => before.includes(id))).toEqual([]);
    }
    // Changed sources have no name of their own.
    expect((await ids({ code: "v0-changed" }))[0]).not.toBe((await ids({ code: "v0-changed", id: "another" }))[0]);
  });

  it("come from the product of the grid", () => {
    expect(configurationsOf(new Map())).toEqual([{}]);
    expect(
      configurationsOf(
        new Map<string, (number | boolean)[]>([
          ["a", [1, 2]],
          ["b", [true, false]],
        ]),
      ),
    ).toEqual([
      { a: 1, b: true },
      { a: 1, b: false },
      { a: 2, b: true },
      { a: 2, b: false },
    ]);
  });
});

describe("a plan on disk", () => {
  it("comes back as it was; an unknown one names the nearest", async () => {
    const store = new SweepStore(folder());
    await store.write(plan);
    expect(await store.read(plan.id)).toEqual(plan);
    await expect(store.read(`${plan.id}e`)).rejects.toThrow(`Did you mean ${plan.id}?`);
    await expect(new SweepStore(folder()).read("x")).rejects.toThrow(/There is no sweep "x" in/);
  });
});

describe("runJob", () => {
  it("leaves an ordinary run folder with the job's name, and nothing else", async () => {
    const out = folder();
    const job = await firstJob();
    expect(await runJob(tinyStudy, job, { out })).toBe("done");
    expect(readdirSync(out).toSorted()).toEqual(["sweeps", job.id]);
    expect(readdirSync(join(out, "sweeps", "unfinished"))).toEqual([]);
    const record = await new RunStore(out).open(job.id).then((run) => run.readRecord());
    expect(record).toMatchObject({ id: job.id, status: "done", seeds: [4], options: { rounds: 1, pause: 0 } });
  });

  it("does not do again what is done", async () => {
    const out = folder();
    const study = counting();
    await runJob(study, await firstJob(), { out });
    const file = join(out, (await firstJob()).id, "run.json");
    const before = readFileSync(file, "utf8");
    expect(await runJob(study, await firstJob(), { out })).toBe("done");
    expect(study.runs).toBe(1);
    expect(readFileSync(file, "utf8")).toBe(before);
  });

  it("keeps the first of two results, when two workers had the job", async () => {
    const out = folder();
    const job = await firstJob();
    const file = join(out, job.id, "run.json");
    let first = "";
    // The other worker finishes while this one is at it, and clears away what this one has.
    const study = counting(async () => {
      const elsewhere = folder();
      await runJob(tinyStudy, job, { out: elsewhere });
      renameSync(join(elsewhere, job.id), join(out, job.id));
      first = readFileSync(file, "utf8");
    });
    expect(await runJob(study, job, { out })).toBe("done");
    expect(readFileSync(file, "utf8")).toBe(first);
    expect(readdirSync(join(out, "sweeps", "unfinished"))).toEqual([]);
  });

  it("continues what a process of this machine left that is gone", async () => {
    const out = folder();
    const job = await firstJob();
    const abort = new AbortController();
    const stopAfterFirst = {
      out,
      signal: abort.signal,
      onEvent: (event: { type: string; state?: string }) => {
        if (event.type === "unit" && event.state === "finished") abort.abort();
      },
    };
    expect(await runJob(tinyStudy, job, stopAfterFirst)).toBe("stopped");
    const unfinished = join(out, "sweeps", "unfinished");
    const { pid } = spawnSync(process.execPath, ["-e", ""]);
    renameSync(join(unfinished, readdirSync(unfinished)[0]), join(unfinished, `${job.id}~${hostname()}~${pid}~`));
    const units: string[] = [];
    await runJob(tinyStudy, job, {
      out,
      onEvent: (event) => event.type === "unit" && units.push(`${event.name} ${event.state}`),
    });
    expect(units).toEqual(["new-4 restored", "old-4 started", "old-4 finished"]);
    expect(existsSync(join(out, job.id, "run.json"))).toBe(true);
  });

  it("starts anew beside a living process", async () => {
    const out = folder();
    const job = await firstJob();
    const abort = new AbortController();
    abort.abort();
    await runJob(tinyStudy, job, { out, signal: abort.signal });
    const unfinished = join(out, "sweeps", "unfinished");
    // A process of another machine, of which nothing is known.
    renameSync(join(unfinished, readdirSync(unfinished)[0]), join(unfinished, `${job.id}~elsewhere~1~`));
    await runJob(tinyStudy, job, { out, signal: abort.signal });
    expect(readdirSync(unfinished)).toHaveLength(2);
  });

  it("throws the study's own error, but needs no verdict from one seed", async () => {
    const out = folder();
    const broken = counting(() => {
      throw new Error("loss became NaN");
    });
    await expect(runJob(broken, await firstJob(), { out })).rejects.toThrow("loss became NaN");
    const undecided: Study = {
      ...tinyStudy,
      judge: () => {
        throw new Error("two seeds at least");
      },
    };
    const job = await firstJob();
    expect(await runJob(undecided, job, { out })).toBe("done");
    const record = await new RunStore(out).open(job.id).then((run) => run.readRecord());
    expect(record.judgement).toMatchObject({
      verdict: "invalid",
      reason: "One seed gives no verdict. two seeds at least",
    });
  });
});
