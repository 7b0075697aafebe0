import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as Plot from "@observablehq/plot";
import { afterAll, describe, expect, it } from "vitest";
import { memoryCache } from "../../src/lab/cache.js";
import { type RunOptions, runStudy } from "../../src/lab/runner.js";
import type { MetricPoint, Row } from "../../src/lab/study.js";
import { arms } from "../../studies/forget/surgical-arms.js";
import study from "../../studies/forget/surgical-concept-erasing.js";
import { layoutCorrelation } from "../../studies/forget/surgical-measures.js";
import { bestTrial } from "../../studies/forget/surgical-tuning.js";
import { conditionsOf } from "../../studies/forget/track-g.js";

/** Drift of the arms and layout of ESD in every cell, up to a little noise between cells. */
interface Effects {
  readonly surgical?: number;
  readonly unpreserved?: number;
  readonly esd?: number;
  readonly esdLayout?: number;
  readonly checkedRate?: number;
  readonly judgeAccuracy?: number;
  readonly noise?: number;
}

function rows(effects: Effects = {}): Row[] {
  const { surgical = 0.03, unpreserved = 0.05, esd = 0.06, esdLayout = 0.5, noise = 0.002 } = effects;
  const drifts = { surgical, surgicalFree: surgical, unpreserved, esd1: esd, esd2: esd * 2, anchor: 0.04 };
  return [0, 1, 2].flatMap((seed) =>
    [3, 7, 8].flatMap((erase, i) => {
      const jitter = noise * (i - 1 + (seed - 1) / 2);
      const row = (arm: string, measures: Row["measures"]): Row => ({ arm, seed, setting: { erase }, measures });
      return [
        row("original", { drift: 0, layout: 1, judgeAccuracy: effects.judgeAccuracy ?? 98 }),
        ...(Object.keys(arms) as (keyof typeof arms)[]).map((arm) =>
          row(arm, {
            drift: drifts[arm] + (arm === "surgical" ? jitter : 0),
            nullDrift: drifts[arm],
            layout: arm === "surgical" ? 0.8 : esdLayout,
            checkedRate: effects.checkedRate ?? 10,
          }),
        ),
      ];
    }),
  );
}

const verdict = (effects: Effects) => study.judge(rows(effects), "standard");

describe("the verdict", () => {
  it("is replicated when all three parts hold", () => {
    const { verdict: word, conditions, side } = verdict({});
    expect(word).toBe("replicated");
    expect(conditions.map(({ holds }) => holds)).toEqual([true, true, true, true]);
    expect(side?.length).toBe(6);
    expect(conditions[1].detail).toMatch(/ESD, eta 1 minus surgical: .* over 9 cells .* in 3 of 3 seeds/);
  });

  it("is partly when surgical drifts less than ESD and no more can be said", () => {
    expect(verdict({ unpreserved: 0.03 }).verdict).toBe("partly");
    expect(verdict({ esdLayout: 0.9 }).verdict).toBe("partly");
  });

  it("is contradicted when surgical drifts more, and not at this scale when nothing is clear", () => {
    expect(verdict({ surgical: 0.07 }).verdict).toBe("contradicted");
    expect(verdict({ esd: 0.03, noise: 0.02 }).verdict).toBe("not at this scale");
  });

  it("asks every seed to agree", () => {
    const one = rows().map((row) =>
      row.arm === "surgical" && row.seed === 2 ? { ...row, measures: { ...row.measures, drift: 0.061 } } : row,
    );
    const { verdict: word, conditions } = study.judge(one, "standard");
    expect(conditions[1].detail).toMatch(/in 2 of 3 seeds/);
    expect(word).toBe("not at this scale");
  });

  it("is not at this scale when a digit was not erased, or the judge is poor", () => {
    expect(verdict({ checkedRate: 15 }).verdict).toBe("replicated");
    expect(verdict({ checkedRate: 15.1 }).reason).toMatch(/gate failed.*15\.1/);
    expect(verdict({ judgeAccuracy: 96.9 }).verdict).toBe("not at this scale");
    // One eta may fail to erase; it is then no rival.
    const without = (failed: readonly string[], effects: Effects = {}) =>
      rows(effects).map((row) =>
        failed.includes(row.arm) && row.setting?.erase === 7
          ? { ...row, measures: { ...row.measures, checkedRate: 16 } }
          : row,
      );
    const { verdict: word, conditions } = study.judge(without(["esd1"]), "standard");
    expect(word).toBe("replicated");
    expect(conditions[1].detail).not.toMatch(/eta 1/);
    expect(study.judge(without(["esd1", "esd2"]), "standard").verdict).toBe("not at this scale");
  });

  it("compares no arm that has not erased as much", () => {
    const weak = rows().map((row) =>
      ["surgicalFree", "anchor"].includes(row.arm) && row.seed === 1
        ? { ...row, measures: { ...row.measures, checkedRate: 80 } }
        : row,
    );
    const { verdict: word, side } = study.judge(weak, "standard");
    expect(word).toBe("replicated");
    expect(side?.map(({ name }) => name)).toEqual([
      "samples that still show the digit, in the worst cell of surgical without an alternative",
      "drift of samples without a label: weight 0 minus surgical",
      "samples that still show the digit, in the worst cell of the anchor",
    ]);
  });

  it("does not depend on the order of rows", () => {
    expect(study.judge(rows().reverse(), "standard").verdict).toBe("replicated");
  });
});

describe("layoutCorrelation", () => {
  const picture = (shade: (row: number, column: number) => number) => ({
    data: Float32Array.from({ length: 64 }, (_, i) => shade(Math.floor(i / 8), i % 8)),
    shape: [1, 64],
    dtype: "float32" as const,
  });
  const gradient = picture((row, column) => row + 2 * column);

  it("compares blocks of 2x2 pixels, whatever brightness and contrast", () => {
    expect(layoutCorrelation(gradient, gradient)).toBeCloseTo(1, 10);
    expect(
      layoutCorrelation(
        gradient,
        picture((row, column) => 5 - 3 * (row + 2 * column)),
      ),
    ).toBeCloseTo(-1, 10);
    // A pattern within blocks has no layout.
    const checks = picture((row, column) => row + 2 * column + (((row + column) % 2) * 2 - 1));
    expect(layoutCorrelation(gradient, checks)).toBeCloseTo(1, 10);
    expect(
      layoutCorrelation(
        gradient,
        picture(() => 1),
      ),
    ).toBe(0);
  });
});

describe("conditionsOf", () => {
  it("mixes rows of the class embedding", () => {
    const { data, shape } = conditionsOf([3, 7], { digit: 7, share: 0.25 });
    expect(shape).toEqual([2, 11]);
    expect([...data].map(Number).filter((value) => value > 0)).toEqual([0.75, 0.25, 1]);
    expect(data[3]).toBe(0.75);
    expect(data[11 + 7]).toBe(1);
  });
});

describe("the best trial", () => {
  const trial = (learningRate: number, erasedRate: number, drift: number) => ({ learningRate, erasedRate, drift });

  it("is the one that drifts least among those that erase, or else the one that erases most", () => {
    expect(bestTrial([trial(1, 90, 0.01), trial(2, 15, 0.3), trial(3, 0, 0.2), trial(4, 0, 0.4)])).toBe(3);
    expect(bestTrial([trial(1, 90, 0.01), trial(2, 16, 0.3)])).toBe(2);
  });
});

describe("the study", () => {
  const folder = mkdtemp(join(tmpdir(), "surgical-"));
  afterAll(async () => rm(await folder, { recursive: true }));
  const run = async (options: RunOptions<any>) =>
    runStudy(study, { out: await folder, cache: memoryCache(), scale: "smoke", ...options });

  it("runs at smoke scale: the digit goes, the others stay", async () => {
    const metrics: MetricPoint[] = [];
    const record = await run({ onEvent: (event) => void (event.type === "metric" && metrics.push(event.point)) });
    expect(record.error).toBeUndefined();
    const of = (arm: string) => record.rows.find((row) => row.arm === arm)!.measures;
    expect(of("original")).toMatchObject({ drift: 0, nullDrift: 0 });
    expect(of("original").layout).toBeCloseTo(1, 6);
    expect(of("original").erasedRate).toBeGreaterThan(50);
    expect(of("surgical").erasedRate).toBeLessThan(30);
    expect(of("surgical").replacedRate).toBeGreaterThan(30);
    expect(of("surgical").nullDrift).toBeLessThan(of("unpreserved").nullDrift);
    for (const arm of ["surgical", "unpreserved", "esd1"]) expect(of(arm).drift).toBeGreaterThan(0);
    for (const figure of study.figures(record.rows, metrics)) {
      const [plot] = [figure.plot(Plot)].flat() as Plot.PlotOptions[];
      expect(plot.marks?.length).toBeGreaterThan(1);
    }
  });

  it("tunes, and continues after a stop with the same rows", async () => {
    const cache = memoryCache();
    const options = {
      track: {
        hidden: 16,
        recipe: { steps: 10, batchSize: 16, learningRate: 1e-3, classDropout: 0.1, stepsPerCall: 10 },
        judgeEpochs: 1,
      },
      training: { steps: 3, batchSize: 4, checks: [2, 3] },
      counts: { check: 4, curve: 2, final: 4 },
      gold: true,
      tuning: { trials: 2, learningRate: [1e-3, 1e-2], erasure: { erase: 5, replace: 6 } },
    };
    const whole = await run({ options, cache });
    expect(whole.error).toBeUndefined();
    const rates = whole.rows.filter(({ arm }) => arm in arms).map(({ measures }) => measures.learningRate);
    // Each arm takes one of the same two draws.
    expect(new Set(rates).size).toBeLessThanOrEqual(2);
    expect(whole.rows.map(({ arm }) => arm)).toEqual(["original", "gold", "surgical", "unpreserved", "esd1"]);
    for (const rate of rates) expect(rate).toBeGreaterThanOrEqual(1e-3);
    const controller = new AbortController();
    const stopped = await run({
      options,
      cache,
      signal: controller.signal,
      onEvent: (event) => {
        if (event.type === "unit" && event.name.startsWith("unpreserved") && event.state === "started")
          controller.abort();
      },
    });
    expect(stopped.status).toBe("stopped");
    const resumed = await run({ resume: stopped.id, cache });
    expect(resumed.status).toBe("done");
    expect((await run({ options, cache, seeds: [900] })).error).toMatch(/seed 900 is the tuning seed/);
    const measured = ({ rows }: typeof whole) => rows.map(({ arm, measures }) => ({ arm, ...measures }));
    expect(measured(resumed)).toEqual(measured(whole));
  });
});
