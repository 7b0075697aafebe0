import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { averagePool2x2, fromArrays, scale01, standardise, standardScaling } from "../../src/data/index.js";

const labels = (n: number) => new Array<number>(n).fill(0);
const data = (rows: number[][]) => fromArrays(rows, labels(rows.length));
const train = data([
  [1, 10, 7],
  [3, 30, 7],
  [5, 20, 7],
]);
const test = data([[9, 40, 8]]);

describe("standardise", () => {
  it("uses the training part's mean and standard deviation for all parts", () => {
    const parts = standardise({ train, test }, { per: "feature" });
    const std = Math.sqrt(8 / 3);
    [(1 - 3) / std, -1 / Math.sqrt(2 / 3), 0].forEach((value, i) => {
      expect(parts.train.x.data[i]).toBeCloseTo(value, 6);
    });
    [(9 - 3) / std, 20 / Math.sqrt(200 / 3), 1].forEach((value, i) => {
      expect(parts.test.x.data[i]).toBeCloseTo(value, 6);
    });
  });

  it("gives mean 0 and standard deviation 1 over the data set, also far from zero", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 4, maxLength: 4 }), { minLength: 2 }),
        fc.integer({ min: -100_000, max: 100_000 }),
        (rows, offset) => {
          fc.pre(new Set(rows.flat()).size > 1);
          const shifted = data(rows.map((row) => row.map((value) => value + offset)));
          const { shift, scale } = standardScaling(standardise({ train: shifted }).train);
          expect(shift[0]).toBeCloseTo(0, 5);
          expect(scale[0]).toBeCloseTo(1, 5);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("rejects parts of another width", () => {
    expect(() => standardise({ train, test: data([[1, 2]]) }, { per: "feature" })).toThrow(
      "rows of shape [2] do not fit a scaling of 3 features",
    );
  });
});

it("scale01 maps the training range to [0, 1]", () => {
  const parts = scale01({ train, test }, { per: "feature" });
  expect([...parts.train.x.data]).toEqual([0, 0, 0, 0.5, 1, 0, 1, 0.5, 0]);
  expect([...parts.test.x.data]).toEqual([2, 1.5, 1]);
  expect([...scale01({ train: data([[0, 5, 10]]) }).train.x.data]).toEqual([0, 0.5, 1]);
});

describe("averagePool2x2", () => {
  it("averages blocks of each image", () => {
    const values = Float32Array.from({ length: 2 * 2 * 4 }, (_, i) => i);
    const images = fromArrays({ data: values, shape: [2, 2, 4], dtype: "float32" }, [0, 1]);
    expect(averagePool2x2(images).x).toEqual({
      data: new Float32Array([2.5, 4.5, 10.5, 12.5]),
      shape: [2, 1, 2],
      dtype: "float32",
    });
  });

  it("rejects what has no even sides", () => {
    const odd = fromArrays({ data: new Float32Array(6), shape: [1, 2, 3], dtype: "float32" }, [0]);
    expect(() => averagePool2x2(odd)).toThrow("inputs of shape [1,2,3], expected images with even sides");
    expect(() => averagePool2x2(train)).toThrow("expected images with even sides");
  });
});
