import { describe, expect, it } from "vitest";
import { grokLag } from "../../src/phenomena/index.js";

/** Powers of two from 1 to 4096, after the start. */
const steps = [0, ...Array.from({ length: 13 }, (_, i) => 2 ** i)];

describe("grokLag", () => {
  it("finds the exact times of power laws between the measured steps", () => {
    const falls = (from: number) => steps.map((s) => Math.min(1, (s / from) ** -2));
    // 0.1 is reached at from * sqrt(10); from lies on a measured step, so the curves are straight on log axes.
    const { lag, trainStep, testStep, censored } = grokLag({ steps, train: falls(4), test: falls(64) });
    expect(trainStep).toBeCloseTo(4 * Math.sqrt(10), 10);
    expect(testStep).toBeCloseTo(64 * Math.sqrt(10), 9);
    expect(lag).toBeCloseTo(16, 10);
    expect(censored).toBe(false);
  });

  it("is 1 where both losses fall together, at any scale of the losses", () => {
    const train = steps.map((s) => 1 / (1 + s));
    const { lag } = grokLag({ steps, train, test: train.map((l) => 40 * l) });
    expect(lag).toBeCloseTo(1, 12);
  });

  it("bounds the lag from below when the test loss never falls so far", () => {
    const train = steps.map((s) => Math.min(1, (s / 4) ** -2));
    const result = grokLag({ steps, train, test: steps.map(() => 1) });
    expect(result.censored).toBe(true);
    expect(result.testStep).toBeUndefined();
    expect(result.lag).toBeCloseTo(4096 / (4 * Math.sqrt(10)), 9);
  });

  it("has no lag when the train loss never falls so far", () => {
    const test = steps.map((s) => 1 / (1 + s));
    const result = grokLag({ steps, train: steps.map(() => 1), test });
    expect(result.lag).toBeUndefined();
    expect(result.trainStep).toBeUndefined();
    expect(result.testStep).toBeGreaterThan(8);
  });

  it("takes other fractions, and losses that reach zero", () => {
    const train = [1, 0, 0];
    const { trainStep, testStep } = grokLag(
      { steps: [0, 10, 20], train, test: [1, 0.5, 0.25] },
      { trainFrac: 0.5, testFrac: 0.4 },
    );
    expect(trainStep).toBeCloseTo(5, 12);
    expect(testStep).toBeCloseTo(10 * 2 ** (Math.log(0.5 / 0.4) / Math.log(2)), 10);
  });

  it("counts the first crossing, not a later one", () => {
    const { trainStep } = grokLag({ steps: [0, 1, 2, 3], train: [1, 0.01, 1, 0.01], test: [1, 1, 1, 1] });
    expect(trainStep).toBeLessThan(1);
  });

  it("rejects curves that it cannot read", () => {
    expect(() => grokLag({ steps: [0, 1], train: [1], test: [1, 1] })).toThrow(/lists of one length/);
    expect(() => grokLag({ steps: [0, 2, 1], train: [1, 1, 1], test: [1, 1, 1] })).toThrow(/ascend/);
    expect(() => grokLag({ steps: [0, 1], train: [1, Number.NaN], test: [1, 1] })).toThrow(/train loss at step 1/);
    expect(() => grokLag({ steps: [0, 1], train: [0, 0], test: [1, 1] })).toThrow(/initial train loss is 0/);
    expect(() => grokLag({ steps: [0, 1], train: [1, 1], test: [1, 1] }, { trainFrac: 2 })).toThrow(/trainFrac/);
  });
});
