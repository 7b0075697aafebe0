import { describe, expect, it } from "vitest";
import { readOnce, tune } from "../../src/lab/tune.js";

/** A score that is best at `optimum`. */
const peak = (x: number, optimum: number) => -Math.abs(Math.log(x / optimum));

describe("tune", () => {
  it("gives every arm the same trials and freezes the best point", async () => {
    const calls: string[] = [];
    const result = await tune({
      grids: { ours: { lr: [0.01, 0.1, 1], kind: ["a", "b"] }, baseline: { lr: [0.001, 0.01, 0.1], kind: ["a", "b"] } },
      seeds: [100, 101],
      verdictSeeds: [0, 1, 2],
      better: "higher",
      evaluate: async (arm, point, seed) => {
        calls.push(`${arm} ${point.lr} ${point.kind} ${seed}`);
        return peak(point.lr as number, arm === "ours" ? 0.1 : 0.01) + (point.kind === "b" ? 1 : 0) + seed / 1000;
      },
    });
    expect(result.best).toEqual({ ours: { lr: 0.1, kind: "b" }, baseline: { lr: 0.01, kind: "b" } });
    expect(Object.isFrozen(result.best.ours)).toBe(true);
    expect(result).toMatchObject({ trialsPerArm: 6, extended: [], atEdge: [] });
    expect(new Set(calls).size).toBe(calls.length);
    expect(calls).toHaveLength(24);
  });

  it("extends an axis for every arm when one arm is best at its end", async () => {
    const optimum = { ours: 10, baseline: 0.1 };
    const result = await tune({
      grids: { ours: { lr: [0.01, 0.1, 1] }, baseline: { lr: [0.01, 0.1, 1] } },
      seeds: [100],
      better: "lower",
      evaluate: async (arm, { lr }) => -peak(lr as number, optimum[arm]),
    });
    expect(result.extended).toEqual([{ name: "lr", end: "high" }]);
    expect(result.trialsPerArm).toBe(4);
    expect(result.trials.filter((trial) => trial.arm === "baseline").map((trial) => trial.point.lr)).toEqual([
      0.01, 0.1, 1, 10,
    ]);
    expect(result.best).toEqual({ ours: { lr: 10 }, baseline: { lr: 0.1 } });
    expect(result.atEdge).toEqual(["ours"]);
  });

  it("counts divergence as the worst score", async () => {
    const { best } = await tune({
      grids: { ours: { steps: [1, 2, 3] } },
      seeds: [100, 101],
      better: "higher",
      evaluate: async (_arm, { steps }, seed) => (steps === 3 && seed === 101 ? Number.NaN : (steps as number)),
      extend: () => 0,
    });
    expect(best.ours).toEqual({ steps: 2 });
    const nothing = tune({
      grids: { ours: { lr: [1] } },
      seeds: [1],
      better: "higher",
      evaluate: async () => Number.NaN,
    });
    await expect(nothing).rejects.toThrow(/no trial of arm "ours" gave a finite score/);
  });

  it("refuses unequal effort, shared seeds and unordered axes", async () => {
    const base = { seeds: [100], better: "higher" as const, evaluate: async () => 0 };
    await expect(tune({ ...base, grids: { a: { lr: [1, 2] }, b: { lr: [1] } } })).rejects.toThrow(
      /same number of trials/,
    );
    await expect(tune({ ...base, grids: { a: { lr: [1] } }, verdictSeeds: [100] })).rejects.toThrow(
      /also verdict seeds/,
    );
    await expect(tune({ ...base, grids: { a: { lr: [2, 1] } } })).rejects.toThrow(/must ascend/);
    await expect(tune({ ...base, grids: { a: { lr: [] } } })).rejects.toThrow(/empty/);
  });
});

describe("readOnce", () => {
  it("hands data out once per reader", () => {
    const test = readOnce([1, 2], "the test split");
    expect(test("ticket, seed 0")).toEqual([1, 2]);
    expect(test("ticket, seed 1")).toEqual([1, 2]);
    expect(() => test("ticket, seed 0")).toThrow(/the test split was read twice by ticket, seed 0/);
  });
});
