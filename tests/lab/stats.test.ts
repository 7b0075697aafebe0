import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  auroc,
  effectSize,
  equivalence,
  interval,
  mean,
  pairBySeed,
  pairedBootstrap,
  pairedT,
  quantile,
  ranks,
  signCount,
  spearman,
  std,
  widerInterval,
} from "../../src/lab/stats.js";
import { incompleteBeta, studentCdf, studentQuantile } from "../../src/lab/student-t.js";
import type { Row } from "../../src/lab/study.js";

const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });

describe("Student's t", () => {
  it.each([
    [0.975, 1, 12.7062047362],
    [0.975, 2, 4.3026527297],
    [0.975, 4, 2.7764451052],
    [0.975, 9, 2.2621571628],
    [0.975, 30, 2.0422724563],
    [0.975, 1000, 1.9623390808],
    [0.995, 4, 4.6040948714],
    [0.95, 5, 2.0150483733],
    [0.9, 1, 3.0776835372],
  ])("quantile %d with %d degrees of freedom is the table's", (p, df, expected) => {
    expect(studentQuantile(p, df)).toBeCloseTo(expected, 9);
    expect(studentQuantile(1 - p, df)).toBeCloseTo(-expected, 9);
  });

  it("inverts its distribution function", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 0.999, noNaN: true }), fc.integer({ min: 1, max: 200 }), (p, df) => {
        expect(studentCdf(studentQuantile(p, df), df)).toBeCloseTo(p, 10);
      }),
    );
  });

  it("has the closed forms of one and two degrees of freedom", () => {
    for (const t of [-30, -2, -0.1, 0, 0.5, 3]) {
      expect(studentCdf(t, 1)).toBeCloseTo(0.5 + Math.atan(t) / Math.PI, 12);
      expect(studentCdf(t, 2)).toBeCloseTo(0.5 + t / (2 * Math.sqrt(2 + t * t)), 12);
    }
  });

  it("rests on an incomplete beta function with I_x(1, b) = 1 - (1 - x)^b", () => {
    expect(incompleteBeta(0.3, 1, 5)).toBeCloseTo(1 - 0.7 ** 5, 13);
    expect(incompleteBeta(0.5, 7, 7)).toBeCloseTo(0.5, 13);
    expect(incompleteBeta(0, 2, 3)).toBe(0);
    expect(incompleteBeta(1, 2, 3)).toBe(1);
  });

  it("refuses probabilities and degrees outside their range", () => {
    expect(() => studentQuantile(1, 4)).toThrow(/between 0 and 1/);
    expect(() => studentQuantile(0.5, 0)).toThrow(/positive/);
  });
});

describe("descriptive statistics", () => {
  it("gives known values", () => {
    expect(mean([1, 2, 3, 4])).toBe(2.5);
    expect(std([2, 4, 4, 4, 5, 5, 7, 9])).toBeCloseTo(2.13809, 5);
    expect(std([3])).toBeNaN();
    expect(quantile([4, 1, 3, 2], 0.25)).toBe(1.75);
    expect(quantile([5], 0.9)).toBe(5);
    expect(() => mean([])).toThrow(/no values/);
  });
});

describe("intervals", () => {
  // Student's sleep data (1908): extra sleep under drug 2 minus drug 1; R: t.test(..., paired = TRUE).
  const sleep = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4];

  it("agrees with R on Student's sleep data", () => {
    const result = pairedT(sleep);
    expect(result.mean).toBeCloseTo(1.58, 10);
    expect(result.low).toBeCloseTo(0.7001142, 6);
    expect(result.high).toBeCloseTo(2.4598858, 6);
    expect(result).toMatchObject({ n: 10, method: "t" });
    expect(effectSize(sleep)).toBeCloseTo(1.284558, 5);
  });

  it("bootstraps deterministically, narrower than t for few values, around the mean", () => {
    const first = pairedBootstrap(sleep, { seed: 7 });
    expect(pairedBootstrap(sleep, { seed: 7 })).toEqual(first);
    expect(pairedBootstrap(sleep, { seed: 8 })).not.toEqual(first);
    expect(first.low).toBeGreaterThan(0.85);
    expect(first.low).toBeLessThan(1.05);
    expect(first.high).toBeGreaterThan(2.2);
    expect(first.high).toBeLessThan(2.5);
    expect(widerInterval(sleep).method).toBe("t");
  });

  it("is unbounded with one value", () => {
    for (const result of [interval([3]), pairedBootstrap([3]), widerInterval([3])]) {
      expect(result).toMatchObject({ mean: 3, low: -Infinity, high: Infinity, n: 1 });
    }
  });

  it("contains the mean and stays within the range of the data", () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 2, maxLength: 12 }), (diffs) => {
        const { low, high, mean: centre } = pairedBootstrap(diffs, { resamples: 300 });
        const slack = 1e-9 * (1 + Math.max(...diffs.map(Math.abs)));
        expect(low).toBeGreaterThanOrEqual(Math.min(...diffs) - slack);
        expect(high).toBeLessThanOrEqual(Math.max(...diffs) + slack);
        const t = pairedT(diffs);
        expect(t.low).toBeLessThanOrEqual(centre);
        expect(t.high).toBeGreaterThanOrEqual(centre);
      }),
    );
  });

  it("the bootstrap interval holds the mean of spread data", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 5, maxLength: 20 }), (values) => {
        const { low, high, mean: centre } = pairedBootstrap(values, { resamples: 500 });
        const slack = 1e-9 + 0.02 * (Math.max(...values) - Math.min(...values));
        expect(low).toBeLessThanOrEqual(centre + slack);
        expect(high).toBeGreaterThanOrEqual(centre - slack);
      }),
    );
  });

  it("tells equality by the whole interval", () => {
    expect(equivalence({ low: -0.2, high: 0.1 }, 0.3)).toBe(true);
    expect(equivalence({ low: -0.4, high: 0.1 }, 0.3)).toBe(false);
    expect(equivalence({ low: 0.95, high: 1.05 }, [0.9, 1.1])).toBe(true);
  });

  it("counts signs", () => {
    expect(signCount([1, 2, -1, 0], 1)).toBe(2);
    expect(signCount([1, 2, -1, 0], -1)).toBe(1);
  });
});

describe("pairing by seed", () => {
  const row = (arm: string, seed: number, accuracy: number, setting?: Row["setting"]): Row => ({
    arm,
    seed,
    setting,
    measures: { accuracy },
  });
  const rows = [
    row("ticket", 1, 0.9, { round: 7, density: 0.2 }),
    row("ticket", 0, 0.8, { round: 7, density: 0.2 }),
    row("ticket", 0, 0.7, { round: 9, density: 0.1 }),
    row("dense", 0, 0.75),
    row("dense", 1, 0.8),
  ];

  it("subtracts b from a for each seed, in order of seed", () => {
    const pairs = pairBySeed(rows, { a: { arm: "ticket", setting: { round: 7 } }, b: "dense", measure: "accuracy" });
    expect(pairs.seeds).toEqual([0, 1]);
    expect(pairs.a).toEqual([0.8, 0.9]);
    expect(pairs.differences.map((d) => Number(d.toFixed(6)))).toEqual([0.05, 0.1]);
  });

  it("refuses arms whose seeds differ, and names them", () => {
    const pair = () =>
      pairBySeed(rows, { a: { arm: "ticket", setting: { round: 9 } }, b: "dense", measure: "accuracy" });
    expect(pair).toThrow('Seeds do not match: arm "ticket" (round 9) has 0; arm "dense" has 0, 1.');
  });

  it("refuses ambiguous and empty selections", () => {
    expect(() => pairBySeed(rows, { a: "ticket", b: "dense", measure: "accuracy" })).toThrow(/several values/);
    expect(() => pairBySeed(rows, { a: "dense", b: "dense", measure: "loss" })).toThrow(/No row of arm "dense"/);
  });
});

describe("rank statistics", () => {
  it("shares ranks among ties", () => {
    expect([...ranks([10, 20, 10, 30])]).toEqual([1.5, 3, 1.5, 4]);
  });

  it("gives Spearman's correlation of the textbook example", () => {
    const iq = [106, 86, 100, 101, 99, 103, 97, 113, 112, 110];
    const hours = [7, 0, 27, 50, 28, 29, 20, 12, 6, 17];
    expect(spearman(iq, hours)).toBeCloseTo(-29 / 165, 12);
    expect(spearman([1, 2, 2, 4], [1, 3, 2, 4])).toBeCloseTo(0.9486833, 6);
    expect(spearman([1, 1, 1], [1, 2, 3])).toBeNaN();
    expect(() => spearman([1], [1, 2])).toThrow(/lengths differ/);
  });

  it("does not change under increasing transformations", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: -1000, max: 1000 }), { minLength: 2, maxLength: 20 }), (x) => {
        expect(
          spearman(
            x,
            x.map((v) => v ** 3 + 2),
          ),
        ).toBeCloseTo(1, 12);
        expect(
          spearman(
            x,
            x.map((v) => -v),
          ),
        ).toBeCloseTo(-1, 12);
      }),
    );
  });

  it("gives the share of ordered pairs as the area under the curve", () => {
    expect(auroc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])).toBe(0.75);
    expect(auroc([1, 2, 3], [false, false, true])).toBe(1);
    expect(auroc([5, 5], [0, 1])).toBe(0.5);
    expect(() => auroc([1, 2], [1, 1])).toThrow(/both classes/);
    const sample = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.boolean()), { minLength: 2, maxLength: 30 });
    fc.assert(
      fc.property(sample, (pairs) => {
        const [positive, negative] = [true, false].map((side) => pairs.filter(([, label]) => label === side));
        fc.pre(positive.length > 0 && negative.length > 0);
        const wins = positive.flatMap(([p]) => negative.map(([q]) => (p > q ? 1 : p === q ? 0.5 : 0)));
        expect(
          auroc(
            pairs.map(([s]) => s),
            pairs.map(([, l]) => l),
          ),
        ).toBeCloseTo(mean(wins), 12);
      }),
    );
  });
});
