import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { tensor } from "../../src/engine/index.js";
import { type Schedule, scheduleAt, schedules } from "../../src/optim/index.js";

const {
  constant,
  cosine,
  cosineRestarts,
  exponential,
  interpolate,
  inverseSquareRoot,
  join,
  linear,
  oneCycle,
  piecewise,
  polynomial,
  stepDecay,
  warmup,
  warmupCosine,
  wsd,
} = schedules;
const torch = JSON.parse(readFileSync(new URL("../fixtures/optim-torch.json", import.meta.url), "utf8")) as {
  schedules: Record<string, number[]>;
};

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
  [
    "wsd by a cosine",
    wsd({ peak: 1, warmup: 0, steps: 10, decay: 4, to: 0.2, shape: "cosine" }),
    [
      [0, 1],
      [6, 1],
      [7, 0.2 + 0.8 * 0.8535534],
      [8, 0.6],
      [10, 0.2],
      [11, 0.2],
    ],
  ],
  [
    "wsd by a square root",
    wsd({ peak: 2, warmup: 2, steps: 10, decay: 4, shape: "sqrt" }),
    [
      [1, 1],
      [6, 2],
      [7, 1],
      [10, 0],
      [20, 0],
    ],
  ],
  [
    "inverseSquareRoot",
    inverseSquareRoot({ peak: 0.5, warmup: 4 }),
    [
      [0, 0.125],
      [3, 0.5],
      [15, 0.25],
      [399, 0.05],
    ],
  ],
  [
    "join",
    join([constant(1), linear({ from: 5, to: 0, steps: 5 }), constant(9)], [3, 6]),
    [
      [0, 1],
      [2, 1],
      [3, 5],
      [5, 3],
      [6, 9],
    ],
  ],
  [
    "piecewise",
    piecewise({ values: [3, 1, 2], at: [2, 5] }),
    [
      [1, 3],
      [2, 1],
      [4, 1],
      [5, 2],
    ],
  ],
  [
    "interpolate",
    interpolate([
      [2, 1],
      [4, 3],
      [8, -1],
    ]),
    [
      [0, 1],
      [2, 1],
      [3, 2],
      [4, 3],
      [7, 0],
      [50, -1],
    ],
  ],
  ["interpolate a point", interpolate([[2, 7]]), [[0, 7]]],
  ["oneCycle", oneCycle({ peak: 0.5, warmup: 5, steps: 19 }), [...torch.schedules.oneCycle.entries()]],
  [
    "cosineRestarts",
    cosineRestarts({ from: 1, to: 0.1, steps: 3, factor: 2 }),
    [...torch.schedules.restarts.entries()],
  ],
  ["cosineRestarts of one length", cosineRestarts({ from: 1, steps: 4 }), [...torch.schedules.restartsEqual.entries()]],
  ["polynomial", polynomial({ from: 1, steps: 12, power: 2 }), [...torch.schedules.polynomial.entries()]],
];

test("cosine restarts begin exactly at their steps, however late", async () => {
  const schedule = cosineRestarts({ from: 1, steps: 5, factor: 3 });
  for (let n = 1, start = 5; n < 9; start += 5 * 3 ** n++) {
    expect(await scheduleAt(schedule, start)).toBe(1);
    expect(await scheduleAt(schedule, start - 1)).toBeLessThan(0.12);
  }
});

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
  expect(() => oneCycle({ peak: 1, warmup: 5, steps: 5 })).toThrow("5 warm-up steps leave nothing of 5 steps");
  expect(() => cosineRestarts({ from: 1, steps: 3, factor: 0.5 })).toThrow("the factor must be at least 1, got 0.5");
  expect(() => join([constant(1), constant(2)], [])).toThrow("join: 2 schedules need 1 boundaries, got 0.");
  expect(() => piecewise({ values: [1, 2, 3], at: [5, 5] })).toThrow("piecewise: the steps [5, 5] must increase.");
  expect(() => piecewise({ values: [1], at: [5] })).toThrow("piecewise: 1 values need 0 steps, got 1.");
  expect(() => interpolate([])).toThrow("interpolate: there are no points.");
});
