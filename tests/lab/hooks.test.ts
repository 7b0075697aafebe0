import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { allHooks, atSteps, earlyStop, every, logSpaced, type StepHook } from "../../src/lab/hooks.js";
import { CostMeter } from "../../src/lab/meter.js";

/** What a trainer does with a hook. */
async function train<Info>(steps: number, info: (step: number) => Info, hook: StepHook<Info>): Promise<number> {
  for (let step = 1; step <= steps; step++) if ((await hook({ step, info: info(step) })) === "stop") return step;
  return steps;
}

describe("logSpaced", () => {
  it("goes from the first step to the last, denser at the start", () => {
    expect(logSpaced(1000, 4)).toEqual([1, 10, 100, 1000]);
    expect(logSpaced(5, 60)).toEqual([1, 2, 3, 4, 5]);
    expect(logSpaced(1, 2)).toEqual([1]);
    expect(() => logSpaced(0, 3)).toThrow(/total >= 1/);
  });

  it("gives exactly as many distinct ascending steps as asked for", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 30_000 }), fc.integer({ min: 2, max: 100 }), (total, count) => {
        const steps = logSpaced(total, count);
        expect(steps).toHaveLength(Math.min(total, count));
        expect(steps[0]).toBe(1);
        expect(steps.at(-1)).toBe(total);
        expect(steps.every((step, i) => Number.isInteger(step) && (i === 0 || step > steps[i - 1]))).toBe(true);
      }),
    );
  });
});

describe("hooks", () => {
  it("run when they should, all of them, and stop training together", async () => {
    const seen: string[] = [];
    const note =
      (name: string): StepHook<number> =>
      ({ step }) => {
        seen.push(`${name}${step}`);
        return undefined;
      };
    const stopAtSix: StepHook<number> = ({ step }) => (step === 6 ? "stop" : undefined);
    const hook = allHooks(atSteps([1, 6], note("a")), stopAtSix, every(3, note("b")));
    expect(await train(10, (step) => step, hook)).toBe(6);
    expect(seen).toEqual(["a1", "b3", "a6", "b6"]);
  });

  it("earlyStop keeps the first best value and stops when patience runs out", async () => {
    const losses = [5, 3, 4, 3, 3.5, 2];
    const kept: number[] = [];
    const stop = earlyStop<number>({
      measure: ({ info }) => info,
      patience: 3,
      onBest: ({ step }) => void kept.push(step),
    });
    expect(await train(6, (step) => losses[step - 1], stop.hook)).toBe(5);
    expect(stop.best).toEqual({ step: 2, value: 3 });
    expect(kept).toEqual([1, 2]);
    expect(stop.history).toHaveLength(5);
  });

  it("earlyStop without patience watches to the end, in either direction", async () => {
    const stop = earlyStop<number>({ measure: ({ info }) => info, better: "higher" });
    expect(await train(4, (step) => [1, 4, 2, 4][step - 1], stop.hook)).toBe(4);
    expect(stop.best).toEqual({ step: 2, value: 4 });
  });
});

describe("CostMeter", () => {
  it("counts a backward pass as two forward passes", () => {
    const meter = new CostMeter();
    meter.forward(10, 100);
    const before = meter.snapshot();
    meter.step(4, 100);
    meter.add({ forwardExamples: 1, backwardExamples: 2, macs: 3, seconds: 1000 });
    expect(meter.snapshot()).toMatchObject({ forwardExamples: 15, backwardExamples: 6, macs: 2203 });
    const since = meter.since(before);
    expect(since).toMatchObject({ forwardExamples: 5, backwardExamples: 6, macs: 1203 });
    expect(since.seconds).toBeGreaterThanOrEqual(1000);
    expect(since.seconds).toBeLessThan(1060);
  });
});
