import { describe, expect, it } from "vitest";
import { interval } from "../../src/lab/stats.js";
import { above, allOf, atLeast, atMost, below, decide, within } from "../../src/lab/verdict.js";

const gain = interval([0.5, 0.6, 0.7]);
const yes = atLeast("Yes", 1, 0);
const no = atLeast("No", 0, 1);

describe("conditions", () => {
  it("bound the mean and the near limit, and say so with the numbers", () => {
    const condition = above("Ticket minus reinit", gain, { mean: 0.4, limit: 0, unit: "pp" });
    expect(condition.holds).toBe(true);
    expect(condition.estimate).toBeCloseTo(0.6);
    expect(condition.interval?.[0]).toBeCloseTo(0.3516, 3);
    expect(condition.detail).toBe("0.60 [0.35, 0.85] pp over 3 seeds (asked: mean at least 0.4, interval above 0).");
    expect(above("a", gain, { mean: 0.61 }).holds).toBe(false);
    expect(above("a", gain, { limit: 0.4 }).holds).toBe(false);
    expect(below("a", gain, { mean: 0.6, limit: 0.9 }).holds).toBe(true);
    expect(below("a", gain, { limit: 0.8 }).holds).toBe(false);
    expect(within("a", gain, 0.9).holds).toBe(true);
    expect(within("a", gain, [0.4, 0.9]).holds).toBe(false);
    expect(atMost("a", 2, 2).holds).toBe(true);
  });

  it("never hold by an interval over a single seed, and leave its limits out", () => {
    const condition = above("a", interval([5]), { limit: 0 });
    expect(condition.holds).toBe(false);
    expect(condition.interval).toBeUndefined();
    expect(condition.detail).toContain("5 over 1 seed ");
  });

  it("do not hold for NaN", () => {
    expect(atLeast("a", Number.NaN, 0).holds).toBe(false);
    expect(above("a", { ...gain, mean: Number.NaN }, { mean: 0 }).holds).toBe(false);
    expect(below("a", { ...gain, low: Number.NaN, high: Number.NaN }, { limit: 0 }).holds).toBe(false);
  });

  it("can be joined", () => {
    expect(allOf("Both", [yes, no])).toMatchObject({ holds: false, detail: expect.stringContaining("No: 0") });
  });
});

describe("decide", () => {
  it.each([
    ["replicated", { gate: yes, primary: yes, rest: [yes] }],
    ["partly", { primary: yes, rest: [yes, no] }],
    ["not at this scale", { primary: no, rest: [yes] }],
    ["not at this scale", { gate: no, primary: yes }],
    ["invalid", { gate: no, gateVerdict: "invalid", primary: yes }],
    ["contradicted", { primary: no, contradicted: yes }],
    ["not at this scale", { gate: no, primary: no, contradicted: yes }],
  ] as const)("says %s", (verdict, criterion) => {
    expect(decide(criterion).verdict).toBe(verdict);
  });

  it("names what failed and never lets side claims count", () => {
    const judgement = decide({ primary: yes, rest: [no], side: [no] });
    expect(judgement.reason).toContain("No: 0 (asked: at least 1)");
    expect(judgement.conditions).toEqual([yes, no]);
    expect(judgement.side).toEqual([no]);
    expect(decide({ primary: yes, side: [no] }).verdict).toBe("replicated");
  });
});
