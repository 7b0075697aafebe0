import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { RunRecord } from "../../src/lab/record.js";
import { runStudy } from "../../src/lab/runner.js";
import { RunStore } from "../../src/lab/store.js";
import type { MetricPoint } from "../../src/lab/study.js";
import { polyRegressionTask } from "../../src/phenomena/index.js";
import { stableRates, studentProgram, trainStudents } from "../../studies/phenomena/lazy-students.js";
import study from "../../studies/phenomena/lazy-to-rich.js";

const signal = new AbortController().signal;

describe("lazy-to-rich at smoke scale", () => {
  let out: string;
  let record: RunRecord;
  let metrics: readonly MetricPoint[];
  beforeAll(async () => {
    out = await mkdtemp(join(tmpdir(), "hebb-lazy-"));
    record = await runStudy(study, { scale: "smoke", out });
    metrics = await (await new RunStore(out).open(record.id)).readMetrics();
  });
  afterAll(() => rm(out, { recursive: true }));

  const end = (arm: string, setting: Record<string, number>, measure = "testEnd") =>
    record.rows.find((row) => row.arm === arm && Object.entries(setting).every(([k, v]) => row.setting?.[k] === v))!
      .measures[measure];

  it("ends with a judgement and a row for every network", () => {
    expect(record.error).toBeUndefined();
    expect(record.status).toBe("done");
    expect(record.judgement?.conditions).toHaveLength(5);
    expect(record.rows).toHaveLength(4 + 4 + 2 + 2);
  });

  it("moves every curve the right way", () => {
    for (const alpha of [1, 3, 10, 100]) {
      expect(end("network", { alpha, P: 65 }, "trainEnd")).toBeLessThan(2);
      expect(end("network", { alpha, P: 65 })).toBeLessThan(100);
    }
    // The richer the training, the better it generalises, and the more the kernel changes.
    expect(end("network", { alpha: 1, P: 65 })).toBeLessThan(end("network", { alpha: 10, P: 65 }));
    expect(end("network", { alpha: 10, P: 65 })).toBeLessThan(end("linearised", { alpha: 10, P: 65 }));
    expect(end("network", { alpha: 1, P: 65 }, "kernelMove")).toBeGreaterThan(
      10 * end("network", { alpha: 100, P: 65 }, "kernelMove"),
    );
    expect(end("network", { P: 400 })).toBeLessThan(end("network", { P: 20 }));
    expect(end("mlp", { alpha: 0.5 }, "testAccuracyEnd")).toBeGreaterThan(50);
  });

  it("starts every network at one loss, whatever alpha: the output is centred", () => {
    const start = metrics.filter(({ step, setting }) => step === 0 && setting?.P === 65);
    expect(start).toHaveLength(8);
    for (const { values } of start) {
      expect(values.train).toBeCloseTo(start[0].values.train, 12);
      expect(values.test).toBeCloseTo(0.75, 12);
    }
  });

  it("gives the linearised network the same curve at every alpha of one eta", () => {
    for (const alpha of [1, 3, 10]) {
      const ratio = end("linearised", { alpha }) / end("linearised", { alpha: 100 });
      expect(ratio).toBeCloseTo(1, 6);
    }
  });

  it("has a figure for each part that can be drawn", () => {
    const figures = study.figures(record.rows, metrics);
    expect(figures.map(({ name }) => name)).toEqual(["grokking-eps-0_25", "amount-of-data", "part-b"]);
  });

  it("refuses tuning seeds as verdict seeds", async () => {
    const refused = await runStudy(study, { scale: "smoke", out, seeds: [101] });
    expect(refused.status).toBe("failed");
    expect(refused.error).toMatch(/tuning seeds/);
  });

  const installed = existsSync("/usr/share/datasets/fashion-mnist");
  it.skipIf(installed)("says that images are missing before anything trains", async () => {
    vi.stubEnv("HEBB_CACHE", join(out, "cache"));
    vi.stubEnv("HEBB_DATA", "");
    vi.stubGlobal("fetch", async () => {
      throw new TypeError("fetch failed");
    });
    try {
      const transfer = { ...study.scales.smoke!.options.transfer, data: "fashion-mnist" as const };
      const { id, status, error } = await runStudy(study, { scale: "smoke", out, options: { transfer } });
      expect(status).toBe("failed");
      expect(error).toMatch(/^Fashion-MNIST is not on this machine\./);
      expect(await (await new RunStore(out).open(id)).readUnits()).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
      vi.unstubAllGlobals();
    }
  });

  it("stops at a loss that is not finite, with step, arm and seed", async () => {
    const diverging = await runStudy(study, { scale: "smoke", out, options: { eta: 1e6 } });
    expect(diverging.status).toBe("failed");
    expect(diverging.error).toMatch(/step \d+ of arm "network", seed 11/);
  });
});

describe("training of students", () => {
  const options = { D: 4, N: 8, steps: 6, measured: 3 };
  const task = polyRegressionTask({ D: 4, P: 12, seed: 1 });

  it("gives a lane the same curve alone and beside others", async () => {
    const program = studentProgram(options);
    const lanes = [
      { eps: 0.25, alpha: 2, eta: 3 },
      { eps: 0.1, alpha: 30, eta: 5 },
    ];
    const together = await trainStudents(program, { ...options, task, lanes, seed: 1, signal });
    const alone = await trainStudents(program, { ...options, task, lanes: [lanes[1]], seed: 1, signal });
    expect(together[1].steps).toEqual([0, 1, 2, 6]);
    together[1].values.forEach((values, i) => {
      expect(values.train).toBeCloseTo(alone[0].values[i].train, 13);
      expect(values.test).toBeCloseTo(alone[0].values[i].test, 13);
    });
  });

  it("follows its linearisation when alpha is large", async () => {
    const run = { ...options, task, lanes: [{ eps: 0.25, alpha: 1e5, eta: 3 }], seed: 1, signal };
    const [network] = await trainStudents(studentProgram(options), run);
    const [linearised] = await trainStudents(studentProgram({ ...options, linearised: true }), run);
    network.values.forEach(({ train, test }, i) => {
      expect(train).toBeCloseTo(linearised.values[i].train, 4);
      expect(test).toBeCloseTo(linearised.values[i].test, 4);
    });
    expect(network.values[3].train).toBeLessThan(network.values[0].train);
  });

  it("chooses the largest stable eta, and the smallest where none is", async () => {
    const tuning = { ...options, points: 12, tuningSeeds: [101], tuningSteps: 30, signal };
    const cells = [{ eps: 0.25, alpha: 10 }];
    const program = studentProgram(options);
    expect(await stableRates(program, { ...tuning, cells, smallEtas: [0.1, 1, 1e4] })).toEqual([1]);
    expect(await stableRates(program, { ...tuning, cells, smallEtas: [1e4, 1e5] })).toEqual([1e4]);
    expect(await stableRates(program, { ...tuning, cells: [], smallEtas: [1] })).toEqual([]);
  });
});
