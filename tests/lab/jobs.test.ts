import { execFileSync } from "node:child_process";
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Job, type JobEvent, type JobRunner, Jobs, readLog, type StartRequest } from "../../src/lab/jobs.js";
import { runStudy } from "../../src/lab/runner.js";
import { defineStudy } from "../../src/lab/study.js";

const study = defineStudy({
  slug: "tiny",
  claim: "",
  criterion: "",
  arms: { a: "the arm" },
  measures: { m: { label: "m" } },
  scales: { smoke: { seeds: [0], options: { steps: 5, pause: 0, fail: 0 }, about: "" } },
  offers: [],
  async run({ options, seeds, signal, record, metric, unit, progress, log }) {
    for (const seed of seeds) {
      await unit(`seed${seed}`, async () => {
        log(`seed ${seed}\nin two lines`);
        for (let step = 0; step < options.steps; step++) {
          signal.throwIfAborted();
          if (options.fail && step === options.fail) throw new Error("it broke");
          metric({ arm: "a", seed, step, values: { m: step } });
          progress(step + 1, options.steps);
          if (options.pause) await new Promise((resolve) => setTimeout(resolve, options.pause));
        }
        record({ arm: "a", seed, measures: { m: seed } });
      });
    }
  },
  judge: () => ({ verdict: "replicated", reason: "", conditions: [] }),
  figures: () => [],
});

let folder: string;
let runs: string;
let root: string;
let open: Jobs[];
const runner: JobRunner = ({ scale, seeds, options, resume }, tools) =>
  runStudy(study, { ...(resume === undefined ? { scale, seeds, options } : { resume }), out: runs, ...tools } as any);
const queue = (run = runner, options = {}) => {
  const jobs = new Jobs(run, { root, ...options });
  open.push(jobs);
  return jobs;
};
const request = (options: object = {}, more: Partial<StartRequest> = {}): StartRequest => ({
  slug: "tiny",
  scale: "smoke",
  options: { ...options },
  ...more,
});
const all = async (jobs: Jobs, id: string, from?: number): Promise<JobEvent[]> => {
  const events: JobEvent[] = [];
  await jobs.watch(id, (some) => events.push(...some), { from });
  return events;
};
const last = (events: readonly JobEvent[]): Job => (events.at(-1)!.event as { job: Job }).job;
const until = async (condition: () => Promise<boolean> | boolean) => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
};

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "hebb-jobs-"));
  runs = path.join(folder, "runs");
  root = path.join(runs, ".jobs");
  open = [];
});
afterEach(async () => {
  await Promise.all(open.map((jobs) => jobs.close()));
  await rm(folder, { recursive: true, force: true });
});

describe("a queue of runs", () => {
  it("tells every watcher all events, numbered from 0, however late it comes", async () => {
    const jobs = queue();
    const job = await jobs.create(request());
    const live = await all(jobs, job.id);
    expect(live.map(({ at }) => at)).toEqual(live.map((_, i) => i));
    expect(live[0].event).toMatchObject({ type: "job", job: { state: "waiting", ahead: 0 } });
    const points = live.flatMap(({ event }) => (event.type === "metric" ? event.point.step : []));
    expect(points).toEqual([0, 1, 2, 3, 4]);
    expect(live.some(({ event }) => event.type === "progress" && event.done === 5)).toBe(true);
    const { state, run } = last(live);
    expect(state).toBe("done");
    expect(await all(jobs, job.id)).toEqual(live);
    expect(await all(jobs, job.id, 4)).toEqual(live.slice(4));
    expect(await all(queue(), job.id)).toEqual(live);
    expect(await jobs.list()).toEqual([last(live)]);
    expect(await readLog(path.join(runs, run!))).toMatch(/^\S+Z run tiny.* starts\n(.*\n)*\S+Z seed 0 in two lines\n/);
  });

  it("runs one job after another and says how many come before", async () => {
    const jobs = queue();
    const first = await jobs.create(request({ pause: 20 }));
    const second = await jobs.create(request());
    const third = await jobs.create(request());
    expect([first, second, third].map(({ state, ahead }) => [state, ahead])).toEqual([
      ["running", 0],
      ["waiting", 1],
      ["waiting", 2],
    ]);
    await jobs.cancel(second.id);
    expect(await jobs.get(second.id)).toMatchObject({ state: "stopped", error: "It was stopped before it started." });
    const events = await all(jobs, third.id);
    const aheads = events.flatMap(({ event }) => (event.type === "job" ? event.job.ahead : []));
    expect(aheads.slice(0, 2)).toEqual([2, 1]);
    expect(last(events).state).toBe("done");
    expect((await jobs.list()).map(({ id }) => id)).toEqual([third.id, second.id, first.id]);
  });

  it("stops a job so that another resumes its run, which ends as if nothing had happened", async () => {
    const jobs = queue();
    const { id } = await jobs.create(request({ pause: 10, steps: 20 }, { seeds: 2 }));
    await until(async () => (await jobs.events(id)).some(({ event }) => event.type === "row"));
    await jobs.cancel(id);
    const events = await all(jobs, id);
    expect(last(events)).toMatchObject({ state: "stopped" });
    const again = await jobs.create(request({}, { resume: last(events).run }));
    const resumed = await all(jobs, again.id);
    expect(last(resumed)).toMatchObject({ state: "done", run: last(events).run });
    const rows = resumed.flatMap(({ event }) => (event.type === "row" ? event.row.seed : []));
    expect(rows).toEqual([0, 1]);
  });

  it("fails with one sentence, of a study and of a runner that breaks", async () => {
    const jobs = queue();
    const { id } = await jobs.create(request({ fail: 2 }));
    const events = await all(jobs, id);
    expect(last(events)).toMatchObject({ state: "failed", error: "it broke" });
    expect(events.some(({ event }) => event.type === "error" && event.error === "it broke")).toBe(true);
    const unknown = await jobs.create(request({ stepz: 2 }));
    expect(last(await all(jobs, unknown.id)).error).toMatch(/no option "stepz"/);
    const breaks = queue(() => Promise.reject(new Error("the worker\n is gone")));
    const third = await breaks.create(request());
    expect(last(await all(breaks, third.id))).toMatchObject({ state: "failed", error: "the worker is gone" });
  });

  it("is seen by another queue on the folder, which can ask for a stop", async () => {
    const [owner, other] = [queue(), queue()];
    const { id } = await owner.create(request({ pause: 20, steps: 1000 }));
    await until(async () => (await owner.get(id)).run !== undefined);
    expect(await other.get(id)).toMatchObject({ state: "running" });
    const watched = all(other, id);
    await until(async () => (await other.events(id)).some(({ event }) => event.type === "metric"));
    await other.cancel(id);
    expect(last(await watched)).toMatchObject({ state: "stopped" });
    expect(await owner.get(id)).toMatchObject({ state: "stopped" });
  });

  it("shows a job whose owner died as stopped, with a last event, and its run resumes", async () => {
    const jobs = queue();
    const { id } = await jobs.create(request({ fail: 3 }));
    const { run } = last(await all(jobs, id));
    const at = path.join(root, id);
    const job = JSON.parse(await readFile(path.join(at, "job.json"), "utf8"));
    const { error, ...left } = job;
    await writeFile(path.join(at, "job.json"), JSON.stringify({ ...left, state: "running" }));
    // A last line that was cut off, without the events that told of the end.
    const events = (await readFile(path.join(at, "events.jsonl"), "utf8")).trimEnd().split("\n").slice(0, -2);
    await writeFile(path.join(at, "events.jsonl"), `${events.join("\n")}\n{"at":`);
    const dead = Number(execFileSync(process.execPath, ["-p", "process.pid"], { encoding: "utf8" }));
    const lock = { host: (await import("node:os")).hostname(), pid: dead, started: "", since: "" };
    await writeFile(path.join(at, "x.lock"), JSON.stringify(lock));

    const later = queue();
    expect(await later.list()).toMatchObject([{ id, state: "stopped", run }]);
    const seen = await all(later, id);
    expect(seen).toHaveLength(events.length + 1);
    expect(last(seen)).toMatchObject({ state: "stopped", error: expect.stringContaining("what was recorded is kept") });
    expect(JSON.parse(await readFile(path.join(at, "job.json"), "utf8")).state).toBe("stopped");
  });

  it("leaves out a damaged job, refuses names that lead elsewhere, and forgets old ones", async () => {
    const jobs = queue(runner, { remembered: 2 });
    for (let i = 0; i < 3; i++) await all(jobs, (await jobs.create(request())).id);
    await until(async () => (await readdir(root)).length <= 3);
    const [newest] = await jobs.list();
    await appendFile(path.join(root, newest.id, "job.json"), "}");
    expect((await jobs.list()).some(({ id }) => id === newest.id)).toBe(false);
    await expect(jobs.get("../../etc")).rejects.toThrow("not the name of a job");
    await expect(jobs.get("0000000000000-aaaaaa")).rejects.toThrow("There is no job");
  });

  it("stops everything when it is closed", async () => {
    const jobs = queue();
    const first = await jobs.create(request({ pause: 20, steps: 1000 }));
    const second = await jobs.create(request());
    await jobs.close();
    expect((await queue().list()).map(({ id, state }) => [id, state])).toEqual([
      [second.id, "stopped"],
      [first.id, "stopped"],
    ]);
    await expect(jobs.create(request())).rejects.toThrow("closed");
  });
});
