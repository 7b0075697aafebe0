import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromArrays, oneHotLabels, reshapeRows, size, split, take } from "../../src/data/index.js";
import { HebbError } from "../../src/engine/errors.js";

const rows = (n: number) => Array.from({ length: n }, (_, i) => [i, -i, 0.5]);
const counting = (n: number) =>
  fromArrays(
    rows(n),
    Array.from({ length: n }, (_, i) => i % 3),
    { name: "counting" },
  );

describe("fromArrays", () => {
  it("makes float32 inputs and int32 labels", () => {
    const data = fromArrays(
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      [0, 2, 1],
    );
    expect(data.x).toEqual({ data: new Float32Array([1, 2, 3, 4, 5, 6]), shape: [3, 2], dtype: "float32" });
    expect(data.y).toEqual({ data: new Int32Array([0, 2, 1]), shape: [3], dtype: "int32" });
    expect(data.classes).toBe(3);
  });

  it("takes arrays as they are", () => {
    const x = { data: new Float32Array(24), shape: [2, 3, 4], dtype: "float32" } as const;
    const y = { data: new Float32Array([0.5, 1.5]), shape: [2], dtype: "float32" } as const;
    const data = fromArrays(x, y);
    expect(data.x).toBe(x);
    expect(data.y).toBe(y);
    expect(data.classes).toBeUndefined();
  });

  it.each([
    [[[1, 2], [3]], [0, 1], "row 1 of x has 1 values, row 0 has 2"],
    [[[1], [2]], [0], "x has 2 rows, so y needs the shape [2], got [1]"],
    [[[1], [Number.NaN]], [0, 1], "x holds NaN at value 1"],
    [[[1], [2]], [0, 0.5], "the label of row 1 is 0.5, expected a whole number"],
    [[[1], [2]], [0, -1], "the label of row 1 is -1, expected 0 to 0"],
    [{ data: new Float32Array(5), shape: [2, 3], dtype: "float32" }, [0, 1], "x has 5 values, its shape [2,3] needs 6"],
    [
      { data: new Float32Array(2), shape: [2], dtype: "float32" },
      [0, 1],
      "x needs the shape [n, ...features], got [2]",
    ],
    [[[1]], { data: new Uint8Array(1), shape: [1], dtype: "uint8" }, "y must be int32 labels or float32 targets"],
  ] as const)("rejects %j with %j", (x, y, message) => {
    expect(() => fromArrays(x, y)).toThrow(HebbError);
    expect(() => fromArrays(x, y)).toThrow(message);
  });

  it("rejects a label beyond the classes given", () => {
    expect(() => fromArrays([[1]], [3], { classes: 3 })).toThrow("the label of row 0 is 3, expected 0 to 2");
  });
});

describe("take and split", () => {
  it("takes rows in order, with repeats", () => {
    const part = take(counting(5), [4, 0, 4]);
    expect([...part.x.data]).toEqual([4, -4, 0.5, 0, -0, 0.5, 4, -4, 0.5]);
    expect([...part.y.data]).toEqual([1, 0, 1]);
  });

  it.each([[-1], [5], [1.5], [Number.NaN], [2 ** 32]])("rejects index %d", (index) => {
    expect(() => take(counting(5), [0, index])).toThrow(`counting has rows 0 to 4, got index ${index}`);
  });

  it("partitions: parts are disjoint and, as fractions of 1, complete", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 200 }),
        fc.integer(),
        fc.double({ min: 0.1, max: 0.9, noNaN: true }),
        (n, seed, f) => {
          const { a, b } = split(counting(n), { a: f, b: 1 - f }, { seed });
          const first = [a, b].flatMap((part) => [...part.x.data].filter((_, i) => i % 3 === 0));
          expect(size(a) + size(b)).toBe(n);
          expect(new Set(first).size).toBe(n);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("depends on the seed alone, and keeps the order without one", () => {
    const data = counting(50);
    expect(split(data, { a: 20 }, { seed: 3 })).toEqual(split(data, { a: 20 }, { seed: 3 }));
    expect(split(data, { a: 20 }, { seed: 3 })).not.toEqual(split(data, { a: 20 }, { seed: 4 }));
    expect([...split(data, { a: 48, b: 2 }).b.y.data]).toEqual([0, 1]);
  });

  it("rejects impossible parts", () => {
    expect(() => split(counting(5), { a: 3, b: 3 })).toThrow('part "b" ends at example 6, but counting has 5');
    expect(() => split(counting(5), { a: 3, b: 0.4 })).toThrow("all parts as whole numbers or all as fractions");
    expect(() => split(counting(5), { a: 0 })).toThrow('part "a" of counting would be empty');
    expect(() => split(counting(5), { a: Number.NaN })).toThrow(HebbError);
  });
});

it("reshapes rows without a copy", () => {
  const data = counting(4);
  const images = reshapeRows(data, [1, 3]);
  expect(images.x.shape).toEqual([4, 1, 3]);
  expect(images.x.data).toBe(data.x.data);
  expect(() => reshapeRows(data, [4])).toThrow("rows of counting have the shape [3], which is not [4]");
});

it("encodes labels one-hot", () => {
  const labels = { data: new Int32Array([2, 0]), shape: [2], dtype: "int32" } as const;
  expect(oneHotLabels(labels, 3)).toEqual({
    data: new Float32Array([0, 0, 1, 1, 0, 0]),
    shape: [2, 3],
    dtype: "float32",
  });
  expect(() => oneHotLabels(labels, 2)).toThrow("the label of row 0 is 2, expected 0 to 1");
});
