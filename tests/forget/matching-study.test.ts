import { describe, expect, it } from "vitest";
import { hostRandom, type NDArray, setBackend } from "../../src/engine/index.js";
import { memoryCache, type Row } from "../../src/lab/index.js";
import study from "../../studies/forget/datamodel-matching.js";
import { forgetRows, matchingBench } from "../../studies/forget/matching-bench.js";
import { openCell } from "../../studies/forget/matching-cell.js";
import { meanLogits, openFleets, repeatedTargets } from "../../studies/forget/matching-fleets.js";
import { columns, klomOf, pooled, rowsAndModelsBootstrap } from "../../studies/forget/matching-measures.js";
import { ridgeDescents, ridgeDraw, stepsTo } from "../../studies/forget/matching-ridge.js";

const array = (shape: number[], ...data: number[]): NDArray => ({
  data: Float32Array.from(data),
  shape,
  dtype: "float32",
});

/** Rows of a run with these outcomes. */
function rowsOf({ lds = 0.35, om = [5, 6], gain = [1, 0.5, 1.5], retain = 1.2, val = 1.1 } = {}): Row[] {
  const seed = 0;
  const network = (arm: string, klomForget: number, klomRetain = 1, klomVal = 1): Row => ({
    arm,
    seed,
    setting: { set: "aligned", models: "all" },
    measures: { klomForget, klomRetain, klomVal },
  });
  const [mean, low, high] = gain;
  return [
    ...[5, 10].map((models) => ({
      arm: "datamodels",
      seed,
      setting: { models, penalty: "best on held-out subsets" },
      measures: { lds: models === 10 ? lds : 0.1, lambda: 1 },
    })),
    { arm: "datamodels", seed, setting: { models: 10, penalty: "that of DMM" }, measures: { lds: 0.2, lambda: 0.01 } },
    ...[0, 1].flatMap((draw) => [
      { arm: "gd", seed: draw, setting: { lambda: 0.1 }, measures: { iterations: 7, reached: 1 } },
      { arm: "om", seed: draw, setting: { lambda: 0.1 }, measures: { iterations: om[draw], reached: 1 } },
      { arm: "omHalf", seed: draw, setting: { lambda: 0.1 }, measures: { iterations: 9, reached: 0 } },
    ]),
    network("original", 9),
    network("floor", 1),
    network("ft", 4),
    network("ga", 3),
    network("gradDiff", 5),
    network("scrub", 6),
    network("dmm", 3 - mean, retain, val),
    {
      arm: "dmm",
      seed,
      setting: { set: "aligned", against: "ga" },
      measures: { gain: mean, gainLow: low, gainHigh: high },
    },
    { arm: "dmm", seed, setting: { set: "aligned", against: "ft" }, measures: { gain: 9, gainLow: 8, gainHigh: 10 } },
  ];
}
const verdict = (outcome?: Parameters<typeof rowsOf>[0]) => study.judge(rowsOf(outcome), "standard").verdict;

describe("the verdict of the datamodel matching study", () => {
  it("needs both parts, with enough attribution", () => {
    expect(verdict()).toBe("replicated");
    expect(verdict({ om: [5, 7] })).toBe("partly");
    expect(verdict({ gain: [0.2, -0.1, 0.5] })).toBe("partly");
    expect(verdict({ retain: 1.6 })).toBe("partly");
    expect(verdict({ val: 1.6 })).toBe("partly");
    expect(verdict({ lds: 0.29 })).toBe("not at this scale");
    expect(verdict({ om: [5, 7], gain: [0.2, -0.1, 0.5] })).toBe("not at this scale");
    expect(verdict({ om: [5, 7], gain: [-1, -2, -0.5] })).toBe("contradicted");
  });

  it("compares with the baseline that is best, not with any that is beaten", () => {
    const { conditions } = study.judge(rowsOf(), "standard");
    expect(conditions[2].detail).toMatch(
      /best baseline \(GA: ascent on forget rows\) minus DMM: 1 nats \[0\.5, 1\.5\]/,
    );
  });

  it("has figures that can be drawn from these rows", async () => {
    const Plot = await import("@observablehq/plot");
    for (const figure of study.figures(rowsOf(), [])) expect(figure.plot(Plot)).toBeTypeOf("object");
  });
});

describe("part A", () => {
  const draw = ridgeDraw({ n: 24, d: 8, forget: 4 }, 3);
  const none = { gaGd: { keep: 0, forget: 0 }, scrubLike: { keep: 0, forget: 0 } };

  it("has every method of weight 0 descend as gradient descent does, and the right ones reach the target", async () => {
    const descend = await ridgeDescents(draw, 0.1, 3000, none);
    const gd = await descend("gd");
    for (const arm of ["gaGd", "scrubLike"] as const) {
      const errors = await descend(arm);
      for (const [step, error] of errors.entries()) expect(error).toBeCloseTo(gd[step], 10);
    }
    for (const arm of ["gd", "om", "omHalf"] as const) expect((await descend(arm))[3000]).toBeLessThan(0.01);
    expect(gd[0]).toBeGreaterThan(0.01);
    // All start from the fit on all rows.
    expect((await descend("om"))[0]).toBeCloseTo(gd[0], 12);
  });

  it("lets ascent and a teacher end elsewhere", async () => {
    const weights = { gaGd: { keep: 0, forget: 0.3 }, scrubLike: { keep: 0.5, forget: 0.1 } };
    const descend = await ridgeDescents(draw, 0.1, 3000, weights);
    for (const arm of ["gaGd", "scrubLike"] as const) expect((await descend(arm))[3000]).toBeGreaterThan(0.01);
  });

  it("counts iterations to the goal", () => {
    expect(stepsTo(Float64Array.of(1, 0.5, 0.01, 0.001), 0.01)).toBe(2);
    expect(stepsTo(Float64Array.of(1, 0.5), 0.01)).toBeUndefined();
  });
});

describe("part B", () => {
  it("draws random rows by the seed, and aligned rows from one end of a class's first principal direction", async () => {
    const random = hostRandom(1);
    const n = 60;
    // Class 1 is spread along the first axis, the others lie farther out.
    const labels = Int32Array.from({ length: n }, (_, i) => i % 3);
    const x = Float32Array.from({ length: n * 4 }, (_, i) => {
      const row = Math.floor(i / 4);
      const spread = labels[row] === 1 && i % 4 === 0 ? 10 : 0.1;
      return spread * random.normal() + (labels[row] === 1 ? 0 : 50);
    });
    const train = {
      name: "train",
      x: { data: x, shape: [n, 4], dtype: "float32" as const },
      y: { data: labels, shape: [n], dtype: "int32" as const },
    };
    const aligned = await forgetRows(train, "aligned", 5, 21);
    expect([...aligned].every((row) => labels[row] === 1)).toBe(true);
    const own = Array.from({ length: n }, (_, i) => i).filter((i) => labels[i] === 1);
    const far = own.sort((a, b) => x[b * 4] - x[a * 4]);
    const [top, bottom] = [far.slice(0, 5), far.slice(-5)].map((rows) => rows.toSorted((a, b) => a - b));
    expect([top, bottom]).toContainEqual([...aligned]);
    expect(await forgetRows(train, "random", 5, 21)).toEqual(await forgetRows(train, "random", 5, 21));
    expect(await forgetRows(train, "random", 5, 22)).not.toEqual(await forgetRows(train, "random", 5, 21));
  });

  it("counts a fleet as diverged whose last step left no finite logits", async () => {
    await setBackend("node", { threads: 1 });
    const { bench: options } = study.scales.smoke!.options;
    const bench = await matchingBench({ ...options, trainRows: 40, valRows: 10, epochs: 1, stepsPerCall: 4 });
    const fleets = await openFleets({
      bench,
      measured: bench.val,
      forgetSize: 4,
      forgetSeed: 1,
      subsetsKey: "none",
      cache: memoryCache(),
      signal: new AbortController().signal,
    });
    const datamodels = () => Promise.reject(new Error("not asked for"));
    const cell = await openCell({ fleets, datamodels, set: "random", first: 0, count: 2 });
    expect(await cell.unlearned("ga", { learningRate: 1e30, steps: 1 })).toBeUndefined();
    const { forget } = cell.klom((await cell.unlearned("ga", { learningRate: 1e-3, steps: 1 }))!.logits);
    for (const value of forget) expect(value).toBeGreaterThanOrEqual(0);
  });

  it("takes the golds' mean logits as the exact oracle, for each model alike", () => {
    const logits = array([2, 3, 2], 1, 2, 3, 4, 5, 6, 3, 4, 5, 6, 7, 8);
    const oracle = meanLogits(logits, Int32Array.of(2), Int32Array.of(0, 1));
    expect([...oracle.forget.data]).toEqual([6, 7]);
    expect([...oracle.retain.data]).toEqual([2, 3, 4, 5]);
    const many = repeatedTargets(oracle, 2);
    expect(many.retain.shape).toEqual([2, 2, 2]);
    expect([...many.retain.data]).toEqual([2, 3, 2, 3, 4, 5, 4, 5]);
  });

  it("compares margins group by group, and models of all groups together", () => {
    const margins = pooled([array([1, 3], 0, 5, 9), array([2, 3], 1, 6, 8, 2, 7, 7)]);
    expect(margins.shape).toEqual([3, 3]);
    expect([...columns(margins, Int32Array.of(2, 0)).data]).toEqual([9, 0, 8, 1, 7, 2]);
    const groups = { forget: Int32Array.of(0), retain: Int32Array.of(1), val: Int32Array.of(2) };
    const { forget, retain } = klomOf(
      margins,
      { ...margins, data: (margins.data as Float32Array).map((v, i) => (i % 3 === 0 ? v + 50 : v)) },
      groups,
    );
    expect(forget[0]).toBeGreaterThan(5);
    expect(retain[0]).toBe(0);
  });

  it("draws groups and rows anew for the interval", () => {
    const same = rowsAndModelsBootstrap([
      [2, 2],
      [2, 2],
      [2, 2],
    ]);
    expect(same).toMatchObject({ mean: 2, low: 2, high: 2, n: 6 });
    // One group that differs widens the interval, though within groups all rows agree.
    const groups = rowsAndModelsBootstrap([
      [0, 0],
      [0, 0],
      [3, 3],
    ]);
    expect(groups.mean).toBe(1);
    expect([groups.low, groups.high]).toEqual([0, 3]);
  });
});
