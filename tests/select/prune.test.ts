import { describe, expect, it } from "vitest";
import { fromArrays, size } from "../../src/data/index.js";
import { flipLabels, type PruneOptions, pruneByScore, rowsByScore, scoreNoiseAuc } from "../../src/select/index.js";

const data = (n: number, classes = 2) =>
  fromArrays(
    Array.from({ length: n }, (_, i) => [i, -i]),
    Array.from({ length: n }, (_, i) => i % classes),
    { classes },
  );
const score = [0.3, 0.9, 0.1, 0.7, 0.5, 0.2, 0.8, 0.4, 0.6, 0];
const rows = (options: PruneOptions, of: readonly number[] = score) => [...rowsByScore(of, options)];

describe("pruneByScore", () => {
  it("keeps the highest or the lowest scores, in the order of the data", () => {
    expect(rows({ keep: 0.3 })).toEqual([1, 3, 6]);
    expect(rows({ keep: 0.3, which: "easy" })).toEqual([2, 5, 9]);
    const { data: kept, rows: indices } = pruneByScore(data(10), score, { keep: 0.3 });
    expect(size(kept)).toBe(3);
    expect([...kept.x.data]).toEqual([1, -1, 3, -3, 6, -6]);
    expect([...kept.y.data]).toEqual([1, 1, 0]);
    expect([...indices]).toEqual([1, 3, 6]);
  });

  it("keeps a half by default and everything at keep 1", () => {
    expect(rows({})).toEqual([1, 3, 4, 6, 8]);
    for (const which of ["hard", "easy", "random"] as const)
      expect(rows({ keep: 1, which })).toEqual([...score.keys()]);
  });

  it("keeps windows of the ranking", () => {
    expect(rows({ keep: 0.3, skipTop: 0.1 })).toEqual([3, 6, 8]);
    expect(rows({ keep: 0.5, skipTop: 0.5 })).toEqual(rows({ keep: 0.5, which: "easy" }));
    expect(rows({ keep: 0.3, skipTop: 0.2, which: "easy" })).toEqual([0, 5, 7]);
    // The sum of 0.7 and 0.3 or 0.9 and 0.1 may not be exactly 1, and two halves of an odd number both round up.
    expect(rows({ keep: 0.3, skipTop: 0.7 })).toEqual([2, 5, 9]);
    expect(rows({ keep: 0.5, skipTop: 0.5 }, [1, 2, 3])).toEqual([0, 1]);
  });

  it("takes windows that cover the ranking without overlap", () => {
    const parts = [0, 0.2, 0.4, 0.6, 0.8].flatMap((skipTop) => rows({ keep: 0.2, skipTop }));
    expect(parts.sort((a, b) => a - b)).toEqual([...score.keys()]);
  });

  it("puts ties in an order that the seed decides, not the data", () => {
    const flat = new Array(1000).fill(1);
    const first = rows({ seed: 1 }, flat);
    expect(rows({ seed: 1 }, flat)).toEqual(first);
    expect(rows({ seed: 2 }, flat)).not.toEqual(first);
    const early = first.filter((row) => row < 500).length;
    expect(early).toBeGreaterThan(200);
    expect(early).toBeLessThan(300);
    // Ties at the edge of the window only: what is clearly above it is always kept.
    expect(rows({ keep: 0.5, seed: 5 }, [9, 1, 1, 1, 1, 1, 1, 1, 9, 9])).toEqual(expect.arrayContaining([0, 8, 9]));
  });

  it("ranks infinite scores highest", () => {
    expect(rows({ keep: 0.5 }, [1, Infinity, 0, Infinity])).toEqual([1, 3]);
    expect(rows({ keep: 0.5, which: "easy" }, [1, Infinity, 0, -Infinity])).toEqual([2, 3]);
  });

  it("draws random rows without regard to the score", () => {
    const drawn = rows({ which: "random", seed: 4 });
    expect(drawn.length).toBe(5);
    expect(new Set(drawn).size).toBe(5);
    expect(rows({ which: "random", seed: 4 }, [...score].reverse())).toEqual(drawn);
    expect(rows({ which: "random", seed: 5 })).not.toEqual(drawn);
  });

  it("refuses shares outside (0, 1], windows that leave the ranking, other lengths and NaN", () => {
    for (const keep of [0, -0.1, 1.1, Number.NaN]) expect(() => rows({ keep })).toThrow(/keep must lie in \(0, 1\]/);
    expect(() => rows({ keep: 0.01 })).toThrow(/0.01 of 10 examples is none/);
    for (const skipTop of [-0.1, 1]) expect(() => rows({ skipTop })).toThrow(/skipTop must lie in \[0, 1\)/);
    expect(() => rows({ keep: 0.5, skipTop: 0.6 })).toThrow(/window from 0.6 to 1.1 leaves the ranking/);
    expect(() => pruneByScore(data(9), score)).toThrow(/9 examples, but there are 10 scores/);
    expect(() => rows({}, [1, Number.NaN])).toThrow(/example 1 is not a number/);
  });
});

describe("flipLabels", () => {
  it("changes the asked share of labels to other classes and leaves the rest and the original alone", () => {
    const clean = data(200, 4);
    const { data: noisy, flipped } = flipLabels(clean, 0.1, 3);
    expect(flipped.reduce((a, b) => a + b, 0)).toBe(20);
    flipped.forEach((flag, i) => {
      expect(noisy.y.data[i] !== clean.y.data[i]).toBe(flag === 1);
      expect(Number(noisy.y.data[i])).toBeLessThan(4);
    });
    expect(clean.y.data[5]).toBe(1);
    expect(noisy.x).toBe(clean.x);
    expect([...flipLabels(clean, 0.1, 3).flipped]).toEqual([...flipped]);
    expect([...flipLabels(clean, 0.1, 4).flipped]).not.toEqual([...flipped]);
  });

  it("refuses other shares and data without classes", () => {
    expect(() => flipLabels(data(4), 1.5, 0)).toThrow(/\[0, 1\], got 1.5/);
    expect(() => flipLabels({ ...data(4), classes: undefined }, 0.5, 0)).toThrow(/two classes/);
  });
});

describe("scoreNoiseAuc", () => {
  it("is the share of pairs in the right order, ties counting half", () => {
    expect(scoreNoiseAuc([1, 2, 3, 4], [0, 0, 1, 1])).toBe(1);
    expect(scoreNoiseAuc([4, 3, 2, 1], [0, 0, 1, 1])).toBe(0);
    expect(scoreNoiseAuc([1, 1, 1, 1], [true, false, true, false])).toBe(0.5);
    expect(scoreNoiseAuc([1, 3, 2, 4], [0, 0, 1, 1])).toBe(0.75);
    expect(scoreNoiseAuc([1, 2, 2, Infinity], [0, 0, 1, 1])).toBe(0.875);
  });

  it("refuses other lengths, one class and NaN", () => {
    expect(() => scoreNoiseAuc([1], [0, 1])).toThrow(/1 scores came with 2 flags/);
    expect(() => scoreNoiseAuc([1, 2], [1, 1])).toThrow(/flipped and clean/);
    expect(() => scoreNoiseAuc([1, Number.NaN], [0, 1])).toThrow(/example 1 is not a number/);
  });
});
