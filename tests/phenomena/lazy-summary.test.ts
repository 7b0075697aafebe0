import { describe, expect, it } from "vitest";
import { summariseRun } from "../../studies/phenomena/lazy-summary.js";

describe("summariseRun", () => {
  const steps = [0, 1, 10, 100, 1000];
  const values = [
    { train: 2, test: 4, featureAlignment: 0.2, relMove: 0 },
    { train: 1, test: 3.6, featureAlignment: 0.3, relMove: 0.1 },
    { train: 0.1, test: 2, featureAlignment: 0.4, relMove: 0.2 },
    { train: 0.02, test: 1, featureAlignment: 0.5, relMove: 0.3 },
    { train: 0.01, test: 0.1, featureAlignment: 0.9, relMove: 0.4 },
  ];

  it("takes the first measured step with train below 2 % as the fit, and losses in % of their start", () => {
    const measures = summariseRun({ steps, values });
    expect(measures).toMatchObject({
      fitStep: 100,
      testAtFit: 25,
      trainEnd: 0.5,
      alignmentAtFit: 0.5,
      alignmentEnd: 0.9,
    });
    expect(measures.testEnd).toBeCloseTo(2.5, 12);
    expect(measures.relMove).toBe(0.4);
    expect(measures.lagIsBound).toBe(0);
    expect(measures.lag).toBeGreaterThan(10);
  });

  it("leaves out what did not happen", () => {
    const flat = summariseRun({ steps: [0, 1], values: [values[0], values[0]] });
    for (const name of ["fitStep", "testAtFit", "lag", "alignmentAtFit"]) expect(flat).not.toHaveProperty(name);
    const bound = summariseRun({ steps, values: values.map((v) => ({ ...v, test: 4 })) });
    expect(bound.lagIsBound).toBe(1);
  });
});
