import { describe, expect, test } from "vitest";
import { log, mean, type Tensor, tensor } from "../../src/engine/index.js";
import { binaryCrossEntropy } from "../../src/nn/index.js";
import { armijo, gradientDescent, type LinePoint, lbfgs, wolfe } from "../../src/optim/index.js";
import { numbers, onEachBackend } from "../engine/helpers.js";

const float64 = { dtype: "float64" } as const;
const rosenbrock = (p: Tensor) => {
  const [x, y] = [p.slice([0], [1]), p.slice([1], [2])];
  return x
    .sub(1)
    .pow(2)
    .add(y.sub(x.mul(x)).pow(2).mul(100))
    .sum();
};

/** A function of one number with its slope, as a line to search. */
const lineOf = (f: (a: number) => number, slope: (a: number) => number) => {
  const tried: number[] = [];
  const at = (rate: number): LinePoint => ({ rate, value: f(rate), slope: slope(rate) });
  const line = async (rate: number) => {
    tried.push(rate);
    return at(rate);
  };
  return { line, start: at(0), tried };
};

describe("line searches", () => {
  // Moré and Thuente's first function: its slope rises from -1/2 to 0 at sqrt(2), and on to 0 again.
  const smooth = () =>
    lineOf(
      (a) => -a / (a * a + 2),
      (a) => (a * a - 2) / (a * a + 2) ** 2,
    );
  test.each([1e-3, 0.1, 1, 10, 1e3])("wolfe finds a flat and lower point from %d", async (first) => {
    const { line, start } = smooth();
    const found = (await wolfe(line, start, first, { curvature: 0.1 }))!;
    expect(Math.abs(found.slope)).toBeLessThanOrEqual(0.1 * Math.abs(start.slope));
    expect(found.value).toBeLessThanOrEqual(start.value + 1e-4 * found.rate * start.slope);
  });
  test("cubic interpolation is exact on a parabola", async () => {
    const { line, start, tried } = lineOf(
      (a) => (a - 3) ** 2,
      (a) => 2 * (a - 3),
    );
    const found = (await wolfe(line, start, 16, { curvature: 1e-6 }))!;
    expect(found.rate).toBeCloseTo(3, 10);
    expect(tried.length).toBeLessThanOrEqual(3);
  });
  test("values that are not finite are too high", async () => {
    const { line, start } = lineOf(
      (a) => (a < 1 ? -a - Math.log(1 - a) / 4 : Number.NaN),
      (a) => (a < 1 ? -1 + 0.25 / (1 - a) : Number.NaN),
    );
    for (const search of [wolfe, armijo]) {
      const found = (await search(line, start, 50))!;
      expect(found.value).toBeLessThan(start.value);
      expect(found.rate).toBeLessThan(1);
    }
  });
  test("within the noise of values, slopes decide", async () => {
    // Near its minimum a rounded parabola looks level, or even a little higher.
    const { line, start } = lineOf(
      (a) => (a > 0 ? 1 + 2 ** -52 : 1),
      (a) => 1e-9 * (a - 1),
    );
    expect(await wolfe(line, start, 4, { curvature: 0.5 })).toBeUndefined();
    const found = (await wolfe(line, start, 4, { curvature: 0.5, noise: 1e-15 }))!;
    expect(Math.abs(found.rate - 1)).toBeLessThanOrEqual(0.5);
  });
  test("armijo shrinks until the value is low enough, or gives up", async () => {
    const steep = lineOf(
      (a) => (a - 1) ** 2,
      (a) => 2 * (a - 1),
    );
    expect((await armijo(steep.line, steep.start, 64))!.rate).toBeLessThan(2);
    const rising = lineOf(
      (a) => a,
      () => -1,
    );
    expect(await armijo(rising.line, rising.start, 1)).toBeUndefined();
    expect(await wolfe(rising.line, rising.start, 1)).toBeUndefined();
    expect(rising.tried).toHaveLength(60);
  });
});

onEachBackend("lbfgs", () => {
  test("finds the bottom of Rosenbrock's valley", async () => {
    const found = await lbfgs(rosenbrock, tensor([-1.2, 1], float64), { gradientTolerance: 1e-9 }).run();
    expect(found.reason).toBe("gradient");
    const [x, y] = await numbers(found.params);
    expect(x).toBeCloseTo(1, 9);
    expect(y).toBeCloseTo(1, 9);
    expect(found.record.length).toBeLessThan(60);
    expect(found.record.at(-1)!.evaluations).toBeLessThan(80);
  });
});

test("lbfgs solves least squares over a tree, step by step", async () => {
  const x = tensor(
    [
      [1, 0, 2],
      [0, 3, 1],
      [2, 1, 0],
      [1, 1, 1],
      [0, 1, 4],
    ],
    float64,
  );
  const truth = tensor([[0.5], [-2], [3]], float64);
  const y = x.matmul(truth).add(0.25);
  const f = (p: { w: Tensor; b: Tensor }) => mean(x.matmul(p.w).add(p.b).sub(y).pow(2));
  const start = { w: tensor([[0], [0], [0]], float64), b: tensor([0], float64) };
  const seen: number[] = [];
  const found = await lbfgs(f, start, { gradientTolerance: 1e-10 }).run(({ step, value }) => {
    expect(step).toBe(seen.length + 1);
    seen.push(value);
  });
  (await numbers(found.params.w)).forEach((w, i) => {
    expect(w).toBeCloseTo([0.5, -2, 3][i], 8);
  });
  expect(await found.params.b.item()).toBeCloseTo(0.25, 8);
  expect(found.record.map((r) => r.value)).toEqual(seen);
  expect(seen.every((v, i) => i === 0 || v < seen[i - 1])).toBe(true);
  expect(await start.b.item()).toBe(0);
});

test("lbfgs agrees with Newton's method on logistic regression", async () => {
  const [x, y] = [
    [-2, -1, 0.5, 1, 3, 0.2],
    [0, 0, 1, 0, 1, 1],
  ];
  // Newton's method in two variables, by hand.
  let [w, b] = [0, 0];
  for (let i = 0; i < 30; i++) {
    let [gw, gb, hww, hwb, hbb] = [0.2 * w, 0, 0.2, 0, 0];
    x.forEach((xi, n) => {
      const p = 1 / (1 + Math.exp(-(w * xi + b)));
      const s = (p * (1 - p)) / 6;
      gw += ((p - y[n]) * xi) / 6;
      gb += (p - y[n]) / 6;
      hww += s * xi * xi;
      hwb += s * xi;
      hbb += s;
    });
    const det = hww * hbb - hwb * hwb;
    [w, b] = [w - (hbb * gw - hwb * gb) / det, b - (hww * gb - hwb * gw) / det];
  }
  const f = ({ w, b }: { w: Tensor; b: Tensor }) =>
    binaryCrossEntropy(tensor(x, float64).mul(w).add(b), tensor(y, float64)).add(w.mul(w).mul(0.1));
  const found = await lbfgs(f, { w: tensor(3, float64), b: tensor(-4, float64) }, { gradientTolerance: 1e-11 }).run();
  expect(await found.params.w.item()).toBeCloseTo(w, 9);
  expect(await found.params.b.item()).toBeCloseTo(b, 9);
});

test("float32 goes to the limit of its rounding, and says so", async () => {
  const start = tensor([-1.2, 1]);
  const found = await lbfgs(rosenbrock, start, { gradientTolerance: 0 }).run();
  expect(found.params.dtype).toBe("float32");
  expect(["stalled", "gradient"]).toContain(found.reason);
  const [x, y] = await numbers(found.params);
  expect(Math.abs(x - 1)).toBeLessThan(1e-3);
  expect(Math.abs(y - 1)).toBeLessThan(2e-3);
});

describe("where minimisation ends", () => {
  const bowl = (p: Tensor) =>
    p
      .mul(p)
      .mul(tensor([1, 30], float64))
      .sum();
  const start = tensor([3, -1], float64);
  test("by gradient, by value, by steps", async () => {
    expect((await lbfgs(bowl, tensor([0, 0], float64)).run()).record).toEqual([]);
    expect((await lbfgs(bowl, start).run()).reason).toBe("gradient");
    const byValue = await gradientDescent(bowl, start, { gradientTolerance: 0, valueTolerance: 1e-3 }).run();
    expect(byValue.reason).toBe("value");
    const bySteps = await lbfgs(bowl, start, { steps: 2 }).run();
    expect([bySteps.reason, bySteps.record.length]).toEqual(["steps", 2]);
  });
  test("gradient descent gets there too, with more steps", async () => {
    const [slow, fast] = [await gradientDescent(bowl, start).run(), await lbfgs(bowl, start).run()];
    expect(slow.reason).toBe("gradient");
    expect(slow.value).toBeLessThan(1e-9);
    expect(slow.record.length).toBeGreaterThan(fast.record.length);
  });
  test("a function without a minimum near where it is not finite", async () => {
    // log is NaN below 0: the search must not leave the domain.
    const f = (p: Tensor) => p.sub(log(p)).sum();
    const found = await lbfgs(f, tensor([40, 0.01], float64)).run();
    (await numbers(found.params)).forEach((x) => {
      expect(x).toBeCloseTo(1, 5);
    });
  });
  test("when the signal says so", async () => {
    const control = new AbortController();
    const run = gradientDescent(bowl, start, { signal: control.signal }).run(({ step }) => {
      if (step === 2) control.abort(new Error("enough"));
    });
    await expect(run).rejects.toThrow("enough");
  });
  test("a loop may leave early", async () => {
    const steps: number[] = [];
    for await (const { step, params } of lbfgs(bowl, start)) {
      steps.push(step);
      expect(params.shape).toEqual([2]);
      if (step === 2) break;
    }
    expect(steps).toEqual([1, 2]);
  });
  test("errors", async () => {
    await expect(lbfgs((p) => log(p).sum(), tensor([-1], float64)).run()).rejects.toThrow(
      "lbfgs: the value at the start is NaN.",
    );
    await expect(lbfgs((p) => p.sqrt().sum(), tensor([4, 0], float64)).run()).rejects.toThrow(
      "lbfgs: the gradient at the start is not finite.",
    );
    await expect(lbfgs(() => tensor(1), {}).run()).rejects.toThrow("lbfgs: there are no parameters.");
    await expect(gradientDescent(() => tensor(1), { a: tensor([1], { dtype: "int32" }) }).run()).rejects.toThrow(
      'gradientDescent: the parameter "a" has dtype int32; make it a float32 or float64 tensor.',
    );
    await expect(lbfgs(() => tensor(1), { a: 1 }).run()).rejects.toThrow('lbfgs: the parameter "a" is a number');
    expect(() => lbfgs(bowl, start, { history: 0 })).toThrow("lbfgs: the history must be");
  });
});
