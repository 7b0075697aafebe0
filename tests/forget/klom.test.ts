import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NDArray } from "../../src/engine/index.js";
import { klom, labelMargins, lds } from "../../src/forget/index.js";

const array = (shape: number[], ...data: number[]): NDArray => ({
  data: Float64Array.from(data),
  shape,
  dtype: "float64",
});

describe("the KL divergence of margins", () => {
  it("is 0 for equal samples, in whatever order the models come", () => {
    const gold = array([4, 2], 1, 5, 2, 6, 3, 7, 4, 8);
    const same = array([4, 2], 4, 6, 3, 8, 2, 7, 1, 5);
    expect([...klom(gold, same)]).toEqual([0, 0]);
    expect([...klom(array([2, 1], 3, 3), array([3, 1], 3, 3, 3))]).toEqual([0]);
  });

  it("is what the shares of two bins give", () => {
    // Gold: three quarters in the first bin; unlearned: one quarter.
    const [eps, bins] = [0.01, 2];
    const [value] = klom(array([4, 1], 0, 0, 0, 1), array([4, 1], 0, 1, 1, 1), { bins, eps });
    const share = (s: number) => (s + eps) / (1 + bins * eps);
    const [high, low] = [share(0.75), share(0.25)];
    expect(value).toBeCloseTo(high * Math.log(high / low) + low * Math.log(low / high), 12);
  });

  it("stays finite where the samples do not meet, thanks to eps", () => {
    const [value] = klom(array([2, 1], 0, 0), array([2, 1], 1, 1));
    const [all, none] = [(1 + 1e-5) / (1 + 20e-5), 1e-5 / (1 + 20e-5)];
    expect(value).toBeCloseTo((all - none) * Math.log(all / none), 10);
    expect(value).toBeLessThan(12);
  });

  it("clips margins, so that none beyond count by how far they are", () => {
    const far = klom(array([2, 1], 0, 1e9), array([2, 1], 50, 1e6));
    const clipped = klom(array([2, 1], 0, 100), array([2, 1], 50, 100));
    expect([...far]).toEqual([...clipped]);
    expect([...klom(array([1, 1], Number.POSITIVE_INFINITY), array([1, 1], 100))]).toEqual([0]);
  });

  it("is never negative, and does not change when margins are shifted and scaled within the clip", () => {
    const sample = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        const of = (f: (v: number) => number) =>
          klom(array([a.length, 1], ...a.map(f)), array([b.length, 1], ...b.map(f)))[0];
        const value = of((v) => v);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(of((v) => 4 * v + 16)).toBeCloseTo(value, 10);
      }),
    );
  });

  it("sees a lost spread that the mean margin hides: one original unlearned many times is no gold", () => {
    const spread = Array.from({ length: 40 }, (_, i) => i / 4 - 4.875);
    const collapsed = spread.map((v) => v / 100);
    expect(klom(array([40, 1], ...spread), array([40, 1], ...collapsed))[0]).toBeGreaterThan(3);
  });

  it("refuses shapes that do not fit, missing models and what is not a number", () => {
    const one = array([1, 1], 0);
    expect(() => klom(one, array([1, 2], 0, 0))).toThrow("margins must be [models, n] both, got [1,1] and [1,2].");
    expect(() => klom(array([0, 1]), one)).toThrow("klom: there are no models on one side.");
    expect(() => klom(array([1, 1], Number.NaN), one)).toThrow("the margin of row 0 of model 0 is not a number.");
  });
});

describe("margins", () => {
  it("are the log odds of the label", () => {
    const logits = array([1, 2, 3], 1, 2, 3, 800, 0, -5);
    const { data } = labelMargins(logits, { data: Int32Array.of(1, 0), shape: [2], dtype: "int32" });
    const p = Math.exp(2) / (Math.exp(1) + Math.exp(2) + Math.exp(3));
    expect(1 / (1 + Math.exp(-Number(data[0])))).toBeCloseTo(p, 6);
    expect(Number(data[1])).toBeCloseTo(800 - Math.log(1 + Math.exp(-5)), 3);
  });

  it("need labels that are classes", () => {
    const labels = (...of: number[]): NDArray => ({ data: Int32Array.from(of), shape: [of.length], dtype: "int32" });
    expect(() => labelMargins(array([1, 1, 2], 0, 0), labels(2))).toThrow("2 is none of the classes 0 to 1.");
    expect(() => labelMargins(array([1, 2], 0, 0), labels(0))).toThrow("logits must be [models, n, classes]");
  });
});

describe("the linear datamodelling score", () => {
  it("is the mean rank correlation over outputs", () => {
    const actual = array([3, 2], 1, 10, 2, 20, 3, 30);
    expect(lds(array([3, 2], 1, 3, 4, 2, 9, 1), actual)).toBeCloseTo(0, 12);
    expect(lds(array([3, 2], 1, 3, 4, 20, 9, 21), actual)).toBeCloseTo(1, 12);
    // An output that never changes says nothing.
    expect(lds(array([3, 2], 1, 5, 2, 5, 3, 5), actual)).toBeCloseTo(0.5, 12);
  });

  it("needs two subsets and equal shapes", () => {
    expect(() => lds(array([1, 1], 0), array([1, 1], 0))).toThrow("needs two subsets at least, got 1");
    expect(() => lds(array([2, 1], 0, 1), array([1, 2], 0, 1))).toThrow("both must be [subsets, outputs]");
  });
});
