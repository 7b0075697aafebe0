import { describe, expect, test } from "vitest";
import { tensor } from "../../src/engine/index.js";
import { type Schedule, scheduleAt, schedules } from "../../src/optim/index.js";

const { constant, cosine, exponential, linear, stepDecay, warmup, warmupCosine, wsd } = schedules;

const cases: [string, Schedule, [step: number, value: number][]][] = [
  [
    "constant",
    constant(0.3),
    [
      [0, 0.3],
      [1000, 0.3],
    ],
  ],
  [
    "linear",
    linear({ from: 1, to: 0.5, steps: 10 }),
    [
      [0, 1],
      [5, 0.75],
      [10, 0.5],
      [99, 0.5],
    ],
  ],
  [
    "cosine",
    cosine({ from: 2, to: 1, steps: 6 }),
    [
      [0, 2],
      [2, 1.75],
      [3, 1.5],
      [6, 1],
      [7, 1],
    ],
  ],
  [
    "warmup",
    warmup(constant(2), { steps: 4, from: 1 }),
    [
      [0, 1],
      [1, 1.25],
      [4, 2],
      [5, 2],
    ],
  ],
  ["no warmup", warmup(constant(2), { steps: 0 }), [[0, 2]]],
  [
    "warmupCosine",
    warmupCosine({ peak: 1, warmup: 4, steps: 10, to: 0.1 }),
    [
      [0, 0],
      [2, 0.5],
      [4, 1],
      [7, 0.55],
      [10, 0.1],
      [50, 0.1],
    ],
  ],
  [
    "exponential",
    exponential({ from: 3, rate: 0.25, every: 2 }),
    [
      [0, 3],
      [1, 1.5],
      [2, 0.75],
    ],
  ],
  [
    "stepDecay at",
    stepDecay({ from: 1, factor: 0.1, at: [6, 3] }),
    [
      [0, 1],
      [2, 1],
      [3, 0.1],
      [5, 0.1],
      [6, 0.01],
      [9, 0.01],
    ],
  ],
  [
    "stepDecay every",
    stepDecay({ from: 1, factor: 0.5, every: 3 }),
    [
      [0, 1],
      [2, 1],
      [3, 0.5],
      [8, 0.25],
    ],
  ],
  [
    "wsd",
    wsd({ peak: 1, warmup: 2, steps: 10, decay: 4, to: 0.2 }),
    [
      [0, 0],
      [1, 0.5],
      [2, 1],
      [6, 1],
      [8, 0.6],
      [10, 0.2],
      [11, 0.2],
    ],
  ],
];

describe.each(cases)("%s", (_name, schedule, points) => {
  test.each(points)("at step %d", async (step, value) => {
    expect(await scheduleAt(schedule, step)).toBeCloseTo(value, 6);
  });
  test("keeps the dtype of the step", () => {
    expect(schedule(tensor(3, { dtype: "float64" })).dtype).toBe("float64");
    expect(schedule(tensor(3)).shape).toEqual([]);
  });
});

test("a number is a schedule to scheduleAt", async () => {
  expect(await scheduleAt(0.1, 7)).toBe(0.1);
});

test("counts that make no sense are refused", () => {
  expect(() => linear({ from: 1, to: 0, steps: 0 })).toThrow("linear: steps must be a number of steps above 0, got 0.");
  expect(() => warmupCosine({ peak: 1, warmup: 10, steps: 10 })).toThrow("10 warm-up steps leave nothing of 10 steps");
  expect(() => wsd({ peak: 1, warmup: 5, steps: 10, decay: 6 })).toThrow("need more than 10 steps");
  expect(() => stepDecay({ from: 1, factor: 0.5, every: 0 })).toThrow("stepDecay: every");
});
