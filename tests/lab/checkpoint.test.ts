import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { platform } from "#platform";
import { Tensor, tensor } from "../../src/engine/index.js";
import { decodeSafetensors, encodeSafetensors } from "../../src/interop/safetensors.js";
import { memoryCache } from "../../src/lab/cache.js";
import { CheckpointFiles, decodeCheckpoint, encodeCheckpoint } from "../../src/lab/checkpoint.js";
import type { RunEvent } from "../../src/lab/events.js";
import { type RunOptions, runStudy } from "../../src/lab/runner.js";
import { RunStore } from "../../src/lab/store.js";
import { defineStudy, type RunContext } from "../../src/lab/study.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "hebb-checkpoint-"));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(dir, { recursive: true, force: true });
});

const cost = { forwardExamples: 0, backwardExamples: 0, macs: 0, seconds: 0 };
const unit = (state: unknown, name = "u") => ({ name, rows: [], metrics: [], cost, state });
const throughFile = async <T>(state: T) =>
  (await decodeCheckpoint(await encodeCheckpoint(0, unit(state)))).unit.state as T;

describe("a state in a checkpoint", () => {
  it("comes back to the bit: tensors, arrays, numbers of every kind", async () => {
    const state = {
      params: {
        layers: [
          {
            w: tensor([
              [1.5, -0],
              [Number.NaN, 3],
            ]),
            b: null,
          },
        ],
      },
      step: tensor(7, { dtype: "int32" }),
      key: tensor(Uint32Array.of(1, 2 ** 32 - 1)),
      mask: tensor([true, false]),
      array: { data: Float64Array.of(0.1, -0), shape: [2, 1], dtype: "float64" as const },
      counts: Uint8Array.of(1, 255),
      big: BigInt64Array.of(-5n),
      best: Number.POSITIVE_INFINITY,
      last: -0,
      losses: [Number.NaN, Number.NEGATIVE_INFINITY, 0.1 + 0.2, 5e-324],
      name: "$tensor",
      nothing: undefined,
    };
    const back = await throughFile(state);
    for (const name of ["step", "key", "mask"] as const) {
      expect(back[name]).toBeInstanceOf(Tensor);
      expect(await back[name].array()).toEqual(await state[name].array());
    }
    expect(await back.params.layers[0].w.array()).toEqual(await state.params.layers[0].w.array());
    const { params: _p, step: _s, key: _k, mask: _m, nothing: _n, ...plain } = state;
    const { params: _bp, step: _bs, key: _bk, mask: _bm, ...backPlain } = back;
    // toStrictEqual tells 0 from -0.
    expect(backPlain).toStrictEqual(plain);
  });

  it("keeps every number", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.double()), async (values) => {
        expect(await throughFile(values)).toStrictEqual(values);
      }),
      { numRuns: 50 },
    );
  });

  it("is refused where it would not come back", async () => {
    await expect(throughFile({ at: new Map() })).rejects.toThrow('at "at" there is a Map');
    await expect(throughFile([{ f: () => 1 }])).rejects.toThrow("checkpoint.state[0].f is a function");
    for (const key of ["$array", "$tensor", "$data", "$number"])
      await expect(throughFile({ [key]: 1 })).rejects.toThrow(`reserved key "${key}"`);
  });
});

describe("the file of a checkpoint", () => {
  it("tells of every bit that was turned and of every cut", async () => {
    const whole = await encodeCheckpoint(3, unit({ w: tensor([1, 2, 3]), step: 4 }));
    expect((await decodeCheckpoint(whole)).number).toBe(3);
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const damaged = whole.slice();
      damaged[bit >> 3] ^= 1 << (bit & 7);
      await expect(decodeCheckpoint(damaged), `bit ${bit}`).rejects.toThrow();
    }
    for (let length = 0; length < whole.length; length++) {
      await expect(decodeCheckpoint(whole.slice(0, length)), `${length} bytes`).rejects.toThrow();
    }
  });

  it("is of no use to another version", async () => {
    const { tensors, metadata } = decodeSafetensors(await encodeCheckpoint(0, unit(1)));
    const { sha256: _, ...rest } = metadata;
    const other = { ...rest, hebb: "0.0.0" };
    const sha256 = await platform.sha256(encodeSafetensors(tensors, other));
    await expect(decodeCheckpoint(encodeSafetensors(tensors, { ...other, sha256 }))).rejects.toThrow(
      "checkpoint: it is of version 0.0.0",
    );
  });
});

describe("the two files", () => {
  const often = { milliseconds: 0, share: 1 };
  const files = (log?: (message: string) => void, pace = often) => new CheckpointFiles(dir, pace, log);

  it("are written in turn, and the older one serves where the newer is damaged", async () => {
    const first = files();
    expect(await first.read()).toBeUndefined();
    for (const step of [1, 2, 3]) await first.write(unit(step));
    expect((await readdir(dir)).sort()).toEqual(["checkpoint-0.safetensors", "checkpoint-1.safetensors"]);
    expect(await files().read()).toEqual(unit(3));

    const messages: string[] = [];
    await truncate(join(dir, "checkpoint-0.safetensors"), 100);
    const second = files((message) => messages.push(message));
    expect(await second.read()).toEqual(unit(2));
    expect(messages).toEqual([expect.stringMatching(/^The checkpoint .*checkpoint-0.safetensors is left aside: /)]);
    // The next one takes the place of the damaged one.
    await second.write(unit(4));
    await writeFile(join(dir, "checkpoint-0.safetensors"), "");
    expect(await files().read()).toEqual(unit(2));

    await writeFile(join(dir, "checkpoint-1.safetensors"), "rubbish");
    expect(await files().read()).toBeUndefined();
    await second.remove();
    expect(await readdir(dir)).toEqual([]);
  });

  it("cost the share of the time that they may", async () => {
    vi.spyOn(platform, "writeFileAtomic").mockImplementation(async () => {
      now += 40;
    });
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    const paced = files(undefined, { milliseconds: 1000, share: 0.02 });
    const times: number[] = [];
    for (; now < 10_000; now += 10) {
      const before = now;
      await paced.offer(() => unit(tensor(new Float32Array(25_000))));
      if (now > before) times.push(before);
    }
    // The first write is expected to take 51 ms, and each took 40 ms; a fiftieth of the time is theirs.
    expect(times).toEqual([2550, 4590, 6630, 8670]);
  });

  it("may fail to be written: the run goes on, and the log says so once", async () => {
    const messages: string[] = [];
    const kept = files((message) => messages.push(message));
    await kept.write(unit(1));
    const write = vi.spyOn(platform, "writeFileAtomic").mockRejectedValue(new Error("The disk is full."));
    await kept.write(unit(2));
    await kept.write(unit(3));
    expect(messages).toEqual(["The run goes on without a checkpoint. The disk is full."]);
    expect(await files().read()).toEqual(unit(1));
    write.mockRestore();
    await kept.write(unit(4));
    expect(await files().read()).toEqual(unit(4));
  });
});

describe("a unit with a checkpoint", () => {
  type Stop = (name: string, step: number) => void;

  /** Sums the steps; `stop` is called after each, once the state has been kept. */
  const study = (stop: Stop = () => {}) =>
    defineStudy({
      slug: "sum",
      claim: "",
      criterion: "",
      arms: { a: "A", b: "B" },
      measures: { half: { label: "Half" }, end: { label: "End" } },
      scales: { smoke: { seeds: [0], options: {}, about: "" } },
      offers: [],
      run: async (context) => {
        for (const arm of ["a", "b"]) await context.unit(arm, () => sum(context, arm, stop));
      },
      judge: () => ({ verdict: "replicated", reason: "", conditions: [] }),
      figures: () => [],
    });

  async function sum({ checkpoint, metric, record, meter, signal }: RunContext<unknown>, arm: string, stop: Stop) {
    let { step, total } = checkpoint.restore<{ step: number; total: Tensor }>() ?? { step: 0, total: tensor([0]) };
    while (step < 6) {
      signal.throwIfAborted();
      total = total.add(0.1 * ++step);
      meter.step(1, 2);
      metric({ arm, seed: 0, step, values: { total: (await total.data())[0] as number } });
      if (step === 3) record({ arm, seed: 0, measures: { half: step } });
      await checkpoint.save(() => ({ step, total }));
      stop(arm, step);
    }
    record({ arm, seed: 0, measures: { end: (await total.data())[0] as number } });
    return (await total.data())[0] as number;
  }

  const run = (change: RunOptions<any>, stop?: Stop) =>
    runStudy(study(stop), { out: dir, cache: memoryCache(), checkpoint: { milliseconds: 0, share: 1e9 }, ...change });
  const metricsOf = (id: string) => readFile(join(dir, id, "metrics.jsonl"), "utf8");

  it("goes on in its middle, with nothing doubled and nothing missing", async () => {
    const whole = await run({});
    for (const [arm, at] of [
      ["a", 2],
      ["a", 4],
      ["b", 1],
      ["b", 6],
    ] as const) {
      const control = new AbortController();
      const stopped = await run({ signal: control.signal }, (name, step) => {
        if (name === arm && step === at) {
          control.abort();
          throw new Error("stop");
        }
      });
      expect(stopped.status).toBe("stopped");
      const events: RunEvent[] = [];
      const seen: number[] = [];
      const resumed = await run({ resume: stopped.id, onEvent: (event) => events.push(event) }, (_, step) =>
        seen.push(step),
      );
      expect(events.flatMap((event) => (event.type === "unit" ? [event.state] : []))).toEqual(
        arm === "a" ? ["continued", "finished", "started", "finished"] : ["restored", "continued", "finished"],
      );
      // No step is made twice.
      expect(seen[0] ?? 7).toBe(at === 6 ? 7 : at + 1);
      expect(resumed.rows).toEqual(whole.rows);
      expect({ ...resumed.cost, seconds: 0 }).toEqual({ ...whole.cost, seconds: 0 });
      expect(await metricsOf(resumed.id)).toBe(await metricsOf(whole.id));
      expect((await readdir(join(dir, resumed.id))).filter((name) => name.startsWith("checkpoint"))).toEqual([]);
    }
  });

  it("starts afresh where no checkpoint is whole", async () => {
    const whole = await run({});
    const control = new AbortController();
    const stopped = await run({ signal: control.signal }, (_, step) => {
      if (step === 4) control.abort();
    });
    const folder = await new RunStore(dir).open(stopped.id);
    for (const name of ["checkpoint-0.safetensors", "checkpoint-1.safetensors"])
      await truncate(join(folder.path, name), 50);
    const messages: string[] = [];
    const resumed = await run({
      resume: stopped.id,
      onEvent: (event) => event.type === "log" && messages.push(event.message),
    });
    expect(messages.filter((message) => message.includes("is left aside"))).toHaveLength(2);
    expect(resumed.rows).toEqual(whole.rows);
    expect(await metricsOf(resumed.id)).toBe(await metricsOf(whole.id));
  });

  it("clears away what a cut-off write left", async () => {
    const control = new AbortController();
    const stopped = await run({ signal: control.signal }, () => control.abort());
    await writeFile(join(dir, stopped.id, ".0a1b.tmp"), "half");
    await run({ resume: stopped.id });
    expect((await readdir(join(dir, stopped.id))).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("keeps nothing outside of units", async () => {
    const record = await runStudy(
      defineStudy({
        ...study(),
        run: async ({ checkpoint }) => {
          expect(checkpoint.restore()).toBeUndefined();
          await checkpoint.save(() => 1);
        },
      }),
      { out: dir, cache: memoryCache() },
    );
    expect(record).toMatchObject({
      status: "failed",
      error: "checkpoint.save was called outside of a unit, where there is nothing to go on with.",
    });
  });
});

it("nothing follows a metric that was cut off by a full disk", async () => {
  const append = platform.appendFile;
  let failed = false;
  vi.spyOn(platform, "appendFile").mockImplementation(async (path, content) => {
    if (!path.endsWith("metrics.jsonl") || failed) return append(path, content);
    failed = true;
    await append(path, (content as string).slice(0, 70));
    throw new Error("The disk is full.");
  });
  const point = { arm: "a", seed: 0, values: { x: 1 } };
  const record = await runStudy(
    defineStudy({
      slug: "full",
      claim: "",
      criterion: "",
      arms: { a: "A" },
      measures: {},
      scales: { smoke: { seeds: [0], options: {}, about: "" } },
      offers: [],
      run: async ({ metric, unit }) => {
        await unit("first", async () => metric({ ...point, step: 1 })).catch(() => {});
        metric({ ...point, step: 2 });
      },
      judge: () => ({ verdict: "replicated", reason: "", conditions: [] }),
      figures: () => [],
    }),
    { out: dir, cache: memoryCache() },
  );
  expect(record).toMatchObject({ status: "failed", error: "The disk is full." });
  const text = await readFile(join(dir, record.id, "metrics.jsonl"), "utf8");
  expect(text.length).toBeLessThanOrEqual(70);
});
