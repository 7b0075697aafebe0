import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { platform } from "#platform";
import manifest from "../../package.json" with { type: "json" };
import { HebbError } from "../../src/engine/errors.js";
import { hostRandom } from "../../src/engine/random/host.js";
import { memoryCache } from "../../src/lab/cache.js";
import type { RunEvent } from "../../src/lab/events.js";
import { listRuns } from "../../src/lab/index-of-runs.js";
import { type RunOptions, runStudy } from "../../src/lab/runner.js";
import { RunStore } from "../../src/lab/store.js";
import { defineStudy, type RunContext, type Study } from "../../src/lab/study.js";
import { atLeast, decide } from "../../src/lab/verdict.js";
import { version } from "../../src/lab/version.js";
import { unsealed } from "../unsealed.js";

let out: string;
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "hebb-runs-"));
});
afterEach(() => rm(out, { recursive: true, force: true }));

const info = { steps: 5, nested: { rate: 0.1 } };

/** A walk per arm and seed, with a curve and a result; `change` replaces parts of the study. */
const walk = (change: Partial<Study<typeof info>> = {}) =>
  defineStudy<typeof info>({
    slug: "walk",
    claim: "Drift wins.",
    criterion: "Above 0.",
    arms: { drift: "With drift", plain: "Without" },
    measures: { end: { label: "End", better: "higher" } },
    scales: {
      smoke: { seeds: [0, 1], options: info, about: "tiny" },
      standard: { seeds: [0, 1, 2], options: { ...info, steps: 8 }, about: "small" },
    },
    offers: [],
    run: async (context) => {
      let sum = 0;
      for (const seed of context.seeds) {
        for (const arm of ["drift", "plain"]) {
          const end = await context.unit(`${arm} ${seed}`, () => oneWalk(context, arm, seed));
          sum += end;
        }
        context.metric({ arm: "drift", seed, step: 99, values: { sum } });
      }
    },
    judge: (rows) => decide({ primary: atLeast("Ends", rows.length, 1) }),
    figures: () => [],
    ...change,
  });

async function oneWalk(context: RunContext<typeof info>, arm: string, seed: number): Promise<number> {
  const random = hostRandom(seed).fork(arm);
  let x = 0;
  for (let step = 1; step <= context.options.steps; step++) {
    context.signal.throwIfAborted();
    x += random.normal() + (arm === "drift" ? context.options.nested.rate : 0);
    context.metric({ arm, seed, step, values: { x } });
    await Promise.resolve();
  }
  context.meter.step(10, 3);
  context.record({ arm, seed, setting: { steps: context.options.steps }, measures: { end: x } });
  return x;
}

const run = (study: Study<any>, options: RunOptions<any> = {}) =>
  runStudy(study, { out, cache: memoryCache(), ...options });

const file = (id: string, name: string) => readFile(join(out, id, name), "utf8");

describe("runStudy", () => {
  it("leaves a folder with record, metrics and units, and tells what happens", async () => {
    const events: RunEvent[] = [];
    const record = await run(walk(), { onEvent: (event) => events.push(event) });
    expect(record).toMatchObject({
      slug: "walk",
      scale: "smoke",
      seeds: [0, 1],
      options: info,
      device: "cpu",
      status: "done",
      cost: { forwardExamples: 40, backwardExamples: 40, macs: 360 },
      judgement: { verdict: "replicated" },
    });
    expect(record.id).toMatch(/^walk-smoke-\d{8}-\d{6}-[0-9a-z]{4}$/);
    expect(record.rows).toHaveLength(4);
    expect(record.environment).toMatchObject({ hebb: version, onnxruntime: expect.stringMatching(/^\d/) });
    const folder = await new RunStore(out).open(record.id);
    expect(await folder.readRecord()).toEqual(JSON.parse(JSON.stringify(record)));
    expect(await folder.readMetrics()).toHaveLength(22);
    expect((await folder.readUnits()).map((unit) => unit.name)).toEqual(["drift 0", "plain 0", "drift 1", "plain 1"]);
    const kinds = events.map((event) => event.type);
    expect(kinds[0]).toBe("start");
    expect(kinds.at(-1)).toBe("end");
    expect(kinds.filter((kind) => kind === "row")).toHaveLength(4);
    expect(kinds.filter((kind) => kind === "metric")).toHaveLength(22);
  });

  it("gives bit-identical results for the same seeds", async () => {
    const [a, b] = [await run(walk()), await run(walk())];
    expect(a.rows).toEqual(b.rows);
    expect(await file(a.id, "metrics.jsonl")).toBe(await file(b.id, "metrics.jsonl"));
  });

  it("takes the first seeds of the list and counts on", async () => {
    expect((await run(walk(), { seeds: 1 })).seeds).toEqual([0]);
    expect((await run(walk(), { seeds: 4 })).seeds).toEqual([0, 1, 2, 3]);
    expect((await run(walk(), { seeds: [7, 9] })).seeds).toEqual([7, 9]);
    const odd = walk({ scales: { smoke: { seeds: [5, 3], options: info, about: "" } } });
    expect((await run(odd, { seeds: 4 })).seeds).toEqual([5, 3, 6, 7]);
    await expect(run(walk(), { seeds: 0 })).rejects.toThrow(/positive whole number/);
  });

  it("replaces options by name and gives the nearest for an unknown one", async () => {
    expect((await run(walk(), { options: { steps: 2 } })).options).toEqual({ ...info, steps: 2 });
    await expect(run(walk(), { options: { step: 2 } })).rejects.toThrow(
      '"walk" has no option "step". Did you mean "steps"?',
    );
    await expect(run(walk(), { scale: "full" })).rejects.toThrow('"walk" has no scale "full"; it has smoke, standard.');
  });

  it("stops on a value that is not finite, says where, and keeps what was logged", async () => {
    const errors: unknown[] = [];
    const study = walk({
      run: async (context) => {
        await context.unit("first", () => oneWalk(context, "drift", 0));
        await context.unit("second", async () => {
          for (let step = 1; step <= 3; step++) {
            context.metric({
              arm: "plain",
              seed: 4,
              step,
              setting: { round: 2 },
              values: { loss: step < 3 ? 1 : Number.NaN },
            });
          }
        });
      },
    });
    const record = await run(study, { onEvent: (event) => event.type === "error" && errors.push(event.error) });
    expect(record).toMatchObject({
      status: "failed",
      error: 'loss became NaN at step 3 of arm "plain", seed 4, round 2.',
    });
    expect(record.judgement).toBeUndefined();
    expect(record.rows).toHaveLength(1);
    expect(errors[0]).toMatchObject({ name: "NonFiniteError", place: { step: 3, arm: "plain", seed: 4 } });
    const folder = await new RunStore(out).open(record.id);
    expect(await folder.readMetrics()).toHaveLength(7);
    expect(await folder.readRecord()).toMatchObject({ status: "failed", rows: [{ arm: "drift" }] });
    const measured = walk({
      run: async ({ record: keep }) => keep({ arm: "drift", seed: 1, measures: { end: Infinity } }),
    });
    expect((await run(measured)).error).toBe('end became Infinity of arm "drift", seed 1.');
  });

  it("fails with the reason when the study or its judge throws", async () => {
    const broken = await run(walk({ run: async () => Promise.reject(new Error("no data")) }));
    expect(broken).toMatchObject({ status: "failed", error: "no data" });
    const record = await run(
      walk({
        judge: () => {
          throw new Error("no such arm");
        },
      }),
    );
    expect(record).toMatchObject({ status: "failed", error: "The verdict could not be reached: no such arm" });
    expect(record.rows).toHaveLength(4);
  });

  it("keeps judgements readable that rest on infinite numbers", async () => {
    const primary = { name: "p", holds: false, detail: "d", estimate: Number.NaN, interval: [0, Infinity] as const };
    const record = await run(walk({ judge: () => ({ ...decide({ primary }), side: [primary] }) }));
    const read = await (await new RunStore(out).open(record.id)).readRecord();
    expect(read.judgement?.conditions).toEqual([{ name: "p", holds: false, detail: "d" }]);
    expect(read.judgement?.side).toEqual(read.judgement?.conditions);
  });

  it.each([
    [
      "an unknown arm",
      { arm: "drft", seed: 0, measures: { end: 1 } },
      'The study declares no arm "drft". Did it mean "drift"?',
    ],
    ["an unknown measure", { arm: "drift", seed: 0, measures: { ende: 1 } }, 'declares no measure "ende"'],
  ])("refuses a row of %s", async (_what, row, message) => {
    const record = await run(walk({ run: async (context) => context.record(row) }));
    expect(record.error).toContain(message);
  });

  it("refuses a result twice, a unit twice, a unit in a unit, and values that JSON loses", async () => {
    const failing = async (study: Study<any>["run"]) => (await run(walk({ run: study }))).error;
    const row = { arm: "drift", seed: 0, measures: { end: 1 } };
    expect(
      await failing(async (context) => {
        context.record(row);
        context.record(row);
      }),
    ).toMatch(/recorded twice/);
    expect(
      await failing(async ({ unit }) => {
        await unit("a", async () => {});
        await unit("a", async () => {});
      }),
    ).toMatch(/"a" was run twice/);
    expect(await failing(({ unit }) => unit("a", () => unit("b", async () => {})))).toMatch(
      /"b" was started inside unit "a"/,
    );
    expect(await failing(async ({ unit }) => void (await unit("a", async () => Float32Array.of(1))))).toMatch(
      /the value of unit "a" is a Float32Array/,
    );
  });
});

describe("stopping and resuming", () => {
  /** Aborts at the `n`-th metric. */
  const stopAt = (n: number) => {
    const controller = new AbortController();
    let count = 0;
    const onEvent = (event: RunEvent) => {
      if (event.type === "metric" && ++count === n) controller.abort();
    };
    return { signal: controller.signal, onEvent };
  };

  it("a run stopped anywhere, even several times, ends as if it had not been", async () => {
    const whole = await run(walk());
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 22 }), { minLength: 1, maxLength: 3 }), async (stops) => {
        let record = await run(walk(), stopAt(stops[0]));
        for (const stop of stops.slice(1)) {
          if (record.status === "done") break;
          record = await run(walk(), { resume: record.id, ...stopAt(stop) });
        }
        if (record.status !== "done") record = await run(walk(), { resume: record.id });
        expect(record).toMatchObject({ status: "done", seeds: whole.seeds, judgement: whole.judgement });
        expect(record.rows).toEqual(whole.rows);
        expect({ ...record.cost, seconds: 0 }).toEqual({ ...whole.cost, seconds: 0 });
        expect(await file(record.id, "metrics.jsonl")).toBe(await file(whole.id, "metrics.jsonl"));
      }),
      { numRuns: 25 },
    );
  });

  it("marks a stopped run and does not repeat finished units", async () => {
    const stopped = await run(walk(), stopAt(8));
    expect(stopped).toMatchObject({ status: "stopped", error: expect.stringContaining(stopped.id) });
    expect(stopped.judgement).toBeUndefined();
    const states: string[] = [];
    const resumed = await run(walk(), {
      resume: stopped.id,
      onEvent: (event) => event.type === "unit" && states.push(`${event.name} ${event.state}`),
    });
    expect(resumed.status).toBe("done");
    expect(resumed.error).toBeUndefined();
    expect(resumed.started).toBe(stopped.started);
    expect(states[0]).toBe("drift 0 restored");
    expect(states).not.toContain("plain 0 restored");
  });

  it("survives lines that a killed process left unfinished", async () => {
    const whole = await run(walk());
    const stopped = await run(walk(), stopAt(8));
    await appendFile(join(out, stopped.id, "units.jsonl"), '{"name":"plain 0","val');
    await appendFile(join(out, stopped.id, "metrics.jsonl"), '{"arm":"plain","se');
    expect(await (await new RunStore(out).open(stopped.id)).readMetrics()).toHaveLength(8);
    const resumed = await run(walk(), { resume: stopped.id });
    expect(resumed.rows).toEqual(whole.rows);
    expect(await file(resumed.id, "metrics.jsonl")).toBe(await file(whole.id, "metrics.jsonl"));
  });

  it("does a finished unit again whose line is damaged, and says so", async () => {
    const whole = await run(walk());
    const stopped = await run(walk(), stopAt(16));
    const units = await file(stopped.id, "units.jsonl");
    await writeFile(join(out, stopped.id, "units.jsonl"), units.replace('"step":2', '"step":3'));
    const events: RunEvent[] = [];
    const resumed = await run(walk(), { resume: stopped.id, onEvent: (event) => events.push(event) });
    expect(events[0]).toMatchObject({
      type: "log",
      message: expect.stringMatching(
        /^A finished unit is done again\. .*units\.jsonl, line 1, is not what was written/,
      ),
    });
    const states = events.flatMap((event) => (event.type === "unit" ? [`${event.name} ${event.state}`] : []));
    expect(states.slice(0, 3)).toEqual(["drift 0 started", "drift 0 finished", "plain 0 restored"]);
    expect(resumed.rows).toEqual(whole.rows);
    expect(await file(resumed.id, "metrics.jsonl")).toBe(await file(whole.id, "metrics.jsonl"));
  });

  it("does not start units of an aborted run", async () => {
    const record = await run(walk(), { signal: AbortSignal.abort() });
    expect(record).toMatchObject({ status: "stopped", rows: [] });
  });

  it("refuses to resume what does not fit", async () => {
    const done = await run(walk());
    await expect(run(walk(), { resume: done.id })).rejects.toThrow(/cannot be resumed: it is finished/);
    const { id } = await run(walk(), stopAt(3));
    await expect(run(walk({ slug: "other" }), { resume: id })).rejects.toThrow(/it is a run of "walk", not of "other"/);
    await expect(run(walk(), { resume: id, scale: "standard" })).rejects.toThrow(/it runs at scale "smoke"/);
    await expect(run(walk(), { resume: id, seeds: 3 })).rejects.toThrow(/its seeds are 0, 1/);
    await expect(run(walk(), { resume: id, options: { steps: 9 } })).rejects.toThrow(/its options are others/);
    await expect(run(walk(), { resume: id, device: "cuda" })).rejects.toThrow(/it runs on "cpu"/);
    await expect(run(walk(), { resume: `${id}x` })).rejects.toThrow(`Did you mean ${id}?`);
  });

  it("warns when another version of the program resumes", async () => {
    const { id } = await run(walk(), { ...stopAt(3), environment: { commit: "aaa" } });
    const messages: string[] = [];
    await run(walk(), {
      resume: id,
      environment: { commit: "bbb" },
      onEvent: (event) => event.type === "log" && messages.push(event.message),
    });
    expect(messages[0]).toMatch(/another version/);
  });
});

describe("run folders", () => {
  afterEach(() => vi.restoreAllMocks());

  it("are checked before anything runs", async () => {
    let started = false;
    const study = walk({
      run: async () => {
        started = true;
      },
    });
    await writeFile(join(out, "file"), "");
    await expect(run(study, { out: join(out, "file", "runs") })).rejects.toThrow(
      /^The run cannot start because its folder .*file\/runs\/walk-smoke-.* cannot be written\. .*not a directory/,
    );
    vi.spyOn(platform, "writeFileAtomic").mockRejectedValue(new Error("Cannot write x: the disk is full."));
    await expect(run(study)).rejects.toThrow(/cannot be written\. Cannot write x: the disk is full\. Make room/);
    expect(started).toBe(false);
    vi.restoreAllMocks();
    expect(await readdir(out)).toEqual(["file"]);
  });

  it("fail the run when the disk fills up on the way", async () => {
    vi.spyOn(platform, "appendFile").mockRejectedValue(new Error("Cannot write metrics.jsonl: the disk is full."));
    const record = await run(walk());
    expect(record).toMatchObject({ status: "failed", error: "Cannot write metrics.jsonl: the disk is full." });
  });

  it("are brought to disk before they are called done", async () => {
    const steps: string[] = [];
    const { flush, writeFileAtomic } = platform;
    vi.spyOn(platform, "flush").mockImplementation(async (path) => {
      await flush(path);
      steps.push(`flush ${path.split("/").at(-1)}`);
    });
    vi.spyOn(platform, "writeFileAtomic").mockImplementation(async (path, content) => {
      if (path.endsWith("run.json")) steps.push(JSON.parse(content as string).status);
      await writeFileAtomic(path, content);
    });
    await run(walk());
    expect(steps).toEqual(["running", "flush metrics.jsonl", "flush units.jsonl", "done"]);
  });

  it("are listed newest first and opened by id or path", async () => {
    const first = await run(walk());
    const second = await run(walk());
    await writeFile(join(out, "stray"), "");
    const listed = await listRuns(out);
    expect(new Set(listed.map((record) => record.id))).toEqual(new Set([first.id, second.id]));
    expect(listed[0].started >= listed[1].started).toBe(true);
    const byPath = await new RunStore("elsewhere").open(`${join(out, first.id)}/`);
    expect(byPath.id).toBe(first.id);
  });

  it("name the file and the place of what is wrong in them", async () => {
    const { id } = await run(walk());
    const folder = await new RunStore(out).open(id);
    await writeFile(join(out, id, "metrics.jsonl"), '{"arm":"a","seed":0,"step":1,"values":{}}\n{"arm":3}\n');
    await expect(folder.readMetrics()).rejects.toThrow(/metrics\.jsonl, line 2, is not valid: arm: /);
    await writeFile(join(out, id, "run.json"), "{");
    await expect(folder.readRecord()).rejects.toThrow(/run\.json is not JSON/);
  });

  it("never give other content than was written when a bit of them turns", async () => {
    const oneUnit = async (context: RunContext<typeof info>) =>
      void (await context.unit("one", () => oneWalk(context, "drift", 0)));
    const { id } = await run(walk({ run: oneUnit }));
    const folder = await new RunStore(out).open(id);
    const readers = {
      "run.json": () => folder.readRecord(),
      "units.jsonl": () => folder.readUnits(),
      "metrics.jsonl": () => folder.readMetrics(),
    };
    for (const [name, read] of Object.entries(readers)) {
      const whole = await readFile(join(out, id, name));
      const content = await read();
      const noticed = { yes: 0, no: 0 };
      for (let bit = 0; bit < 8 * whole.length; bit += 97) {
        const bytes = Buffer.from(whole);
        bytes[bit >> 3] ^= 1 << (bit & 7);
        await writeFile(join(out, id, name), bytes);
        const found = await read().catch((error) => {
          expect(error).toBeInstanceOf(HebbError);
          return undefined;
        });
        if (found === undefined) noticed.yes++;
        else {
          noticed.no++;
          // What is not noticed does no harm, such as another name of the checksum.
          expect(found).toEqual(content);
        }
      }
      expect(noticed.yes).toBeGreaterThan(4 * noticed.no);
      await writeFile(join(out, id, name), whole);
    }
  });

  it("that earlier versions wrote, without checksums, are read", async () => {
    const { id } = await run(walk());
    const folder = await new RunStore(out).open(id);
    const read = async () => [await folder.readRecord(), await folder.readUnits(), await folder.readMetrics()];
    const before = await read();
    for (const name of ["run.json", "units.jsonl", "metrics.jsonl"]) {
      const text = await file(id, name);
      expect(unsealed(text)).not.toBe(text);
      await writeFile(join(out, id, name), unsealed(text));
    }
    expect(await read()).toEqual(before);
  });

  it("bring metrics to disk while the run goes on", async () => {
    let during = "";
    const study = walk({
      run: async ({ metric }) => {
        metric({ arm: "drift", seed: 0, step: 1, values: { x: 1 } });
        await vi.waitFor(
          async () => {
            during = await file((await listRuns(out))[0].id, "metrics.jsonl");
            expect(during).toContain('"x":1');
          },
          { timeout: 5000, interval: 100 },
        );
      },
    });
    expect((await run(study)).status).toBe("done");
  });
});

it("the version in records is that of package.json", () => {
  expect(version).toBe(manifest.version);
});
