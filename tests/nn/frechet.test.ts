import { describe, expect, it } from "vitest";
import { tensor } from "../../src/engine/index.js";
import { frechetDistance } from "../../src/nn/index.js";
import { onEachBackend } from "../engine/helpers.js";

onEachBackend("frechetDistance", () => {
  const distance = (a: number[][], b: number[][]) => frechetDistance(tensor(a), tensor(b)).item();

  it("is 0 between a set and itself, and the square of a shift", async () => {
    const a = [
      [1, 2],
      [3, -1],
      [0, 4],
      [2, 2],
    ];
    expect(await distance(a, a)).toBeCloseTo(0, 10);
    expect(
      await distance(
        a,
        a.map(([x, y]) => [x + 3, y - 4]),
      ),
    ).toBeCloseTo(25, 10);
  });

  it("compares deviations axis by axis", async () => {
    // Deviations 2 and 5 in one dimension; then 1 and 3 along one axis and 2 and 2 along the other.
    expect(await distance([[-Math.SQRT2], [Math.SQRT2]], [[-5 / Math.SQRT2], [5 / Math.SQRT2]])).toBeCloseTo(9, 5);
    const cross = (x: number, y: number) => [
      [x, 0],
      [-x, 0],
      [0, y],
      [0, -y],
    ];
    const share = Math.sqrt(2 / 3);
    expect(await distance(cross(1, 2), cross(3, 2))).toBeCloseTo((2 * share) ** 2, 5);
  });

  it("takes fewer rows than columns", async () => {
    expect(
      await distance(
        [
          [1, 0, 0],
          [0, 1, 0],
        ],
        [
          [1, 0, 0],
          [0, 1, 0],
        ],
      ),
    ).toBeCloseTo(0, 10);
  });
});

describe("frechetDistance", () => {
  it("needs rows of one width", () => {
    expect(() =>
      frechetDistance(
        tensor([
          [1, 2],
          [3, 4],
        ]),
        tensor([[1], [2]]),
      ),
    ).toThrow("needs [n, d] and [m, d], n and m at least 2, got [2, 2] and [2, 1]");
  });
});
