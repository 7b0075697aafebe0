import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { wasserstein1 } from "../../src/forget/wasserstein.js";

const sample = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 1, maxLength: 12 });

describe("wasserstein1", () => {
  it("is the mean distance of sorted samples of one size", () => {
    expect(wasserstein1([3, 1], [2, 6])).toBe(2);
    expect(wasserstein1([0, 0, 0], [1, 1, 1])).toBe(1);
    expect(wasserstein1([0], [-2.5])).toBe(2.5);
  });

  it("is exact for samples of two sizes", () => {
    // 1/6 of the mass goes from 0 to 1, the rest stays: {0, 0, 0, 1, 1, 1} against {0, 0, 1, 1, 1, 1}.
    expect(wasserstein1([0, 1], [0, 1, 1])).toBeCloseTo(1 / 6, 12);
    // As sixths: 0 0 0 4 4 4 against 1 1 2 2 3 3.
    expect(wasserstein1([0, 4], [1, 2, 3])).toBeCloseTo(8 / 6, 12);
  });

  it("gives what samples repeated to one size give, is a distance, and moves with a shift", () => {
    const repeat = (values: readonly number[], times: number) =>
      values.flatMap((v) => new Array<number>(times).fill(v));
    fc.assert(
      fc.property(sample, sample, sample, fc.double({ min: 0, max: 5, noNaN: true }), (a, b, c, shift) => {
        const sorted = (values: readonly number[]) => [...values].sort((x, y) => x - y);
        const [long, other] = [sorted(repeat(a, b.length)), sorted(repeat(b, a.length))];
        const plain = long.reduce((sum, v, i) => sum + Math.abs(v - other[i]), 0) / long.length;
        expect(wasserstein1(a, b)).toBeCloseTo(plain, 9);
        expect(wasserstein1(b, a)).toBeCloseTo(plain, 9);
        expect(wasserstein1(a, a)).toBe(0);
        expect(wasserstein1(a, c)).toBeLessThanOrEqual(wasserstein1(a, b) + wasserstein1(b, c) + 1e-9);
        expect(wasserstein1(a, sorted(a.map((v) => v + shift)))).toBeCloseTo(shift, 9);
      }),
      { numRuns: 100 },
    );
  });

  it("says what it cannot compare", () => {
    expect(() => wasserstein1([], [1])).toThrow("wasserstein1: a sample is empty.");
    expect(() => wasserstein1([1], [1, Number.NaN])).toThrow("wasserstein1: a sample holds NaN.");
    expect(() => wasserstein1([Number.NEGATIVE_INFINITY], [1])).toThrow("a sample holds -Infinity");
  });
});
