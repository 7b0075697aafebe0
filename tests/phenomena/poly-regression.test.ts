import { describe, expect, it } from "vitest";
import { add, grad, jvp, mean, mul, random, square, sub, type Tensor, tensor } from "../../src/engine/index.js";
import {
  exactPolyTestLoss,
  featureAlignment,
  outputScaled,
  polyRegressionTask,
  polyTestLossOfMoments,
  quadraticStudent,
  studentMoments,
} from "../../src/phenomena/index.js";

const f64 = { dtype: "float64" } as const;
const numbers = async (t: Tensor) => Array.from(await t.data(), Number);
const normal = (seed: number, ...shape: number[]) => random.normal(random.key(seed), shape, f64);

describe("polyRegressionTask", () => {
  const task = polyRegressionTask({ D: 5, P: 4000, seed: 3 });
  const [x, y, beta] = [task.x, task.y, task.beta].map(({ data }) => Array.from(data as Float64Array));

  it("has y = 0.5 (beta . x)^2 and |beta|^2 = D", () => {
    expect(beta.reduce((s, b) => s + b * b, 0)).toBeCloseTo(5, 12);
    for (const p of [0, 17, 3999]) {
      const projection = beta.reduce((s, b, i) => s + b * x[5 * p + i], 0);
      expect(y[p]).toBeCloseTo(0.5 * projection ** 2, 12);
    }
  });

  it("has inputs of variance 1/D, so that the targets have mean 1/2 and mean square 3/4", () => {
    const average = (values: readonly number[]) => values.reduce((s, v) => s + v, 0) / values.length;
    expect(average(x.map((v) => v * v))).toBeCloseTo(0.2, 2);
    expect(Math.abs(average(y) - 0.5)).toBeLessThan(0.05);
    expect(Math.abs(average(y.map((v) => v * v)) - 0.75)).toBeLessThan(0.2);
  });

  it("repeats for a seed, and a smaller set begins a larger one", () => {
    const small = polyRegressionTask({ D: 5, P: 10, seed: 3 });
    expect(Array.from(small.x.data as Float64Array)).toEqual(x.slice(0, 50));
    expect(small.beta).toEqual(task.beta);
    expect(polyRegressionTask({ D: 5, P: 10, seed: 4 }).beta).not.toEqual(task.beta);
  });

  it("rejects sizes that are no positive integers", () => {
    expect(() => polyRegressionTask({ D: 5, P: 0, seed: 1 })).toThrow(/P must be a positive integer/);
  });
});

describe("quadraticStudent", () => {
  it("is the mean over units of h + (eps/2) h^2", async () => {
    const student = quadraticStudent({ D: 2, N: 4, eps: 0.25 });
    const w = [
      [1, 2],
      [-1, 0.5],
      [0, 3],
      [1, 1],
    ];
    const x = [
      [0.5, -1],
      [2, 1],
    ];
    const phi = (h: number) => h + 0.125 * h * h;
    const expected = x.map(([a, b]) => w.reduce((s, [u, v]) => s + phi(u * a + v * b), 0) / 4);
    const out = await numbers(student.apply({ w: tensor(w, f64) }, tensor(x, f64)));
    out.forEach((v, i) => {
      expect(v).toBeCloseTo(expected[i], 14);
    });
  });

  it("takes the hand-derived gradient step of the paper: w_i -= eta/(alpha P) sum_p r_p phi'(w_i . x_p) x_p", async () => {
    const [D, N, P, eps, alpha, eta] = [2, 4, 8, 0.25, 2, 16];
    const [w, w0, x, y] = [normal(1, N, D), normal(2, N, D), normal(3, P, D), normal(4, P)];
    const model = outputScaled(quadraticStudent({ D, N, eps }), alpha, { centre: { w: w0 } });
    const loss = (p: { w: Tensor }) => mul(mean(square(sub(model.apply(p, x), y))), 0.5);
    const step = mul(grad(loss)({ w }).w, (eta * N) / alpha ** 2);

    const [wv, xv, yv] = [await numbers(w), await numbers(x), await numbers(y)];
    const f = await numbers(model.apply({ w }, x));
    const expected = wv.map((_, index) => {
      const [i, d] = [Math.floor(index / D), index % D];
      let total = 0;
      for (let p = 0; p < P; p++) {
        const h = wv[i * D] * xv[p * D] + wv[i * D + 1] * xv[p * D + 1];
        total += (f[p] - yv[p]) * (1 + eps * h) * xv[p * D + d];
      }
      return (eta / (alpha * P)) * total;
    });
    (await numbers(step)).forEach((v, i) => {
      expect(v).toBeCloseTo(expected[i], 12);
    });
  });

  it("rejects inputs of another dimension", () => {
    const student = quadraticStudent({ D: 3, N: 2, eps: 0.1 });
    expect(() => student.apply({ w: normal(1, 2, 3) }, normal(2, 4, 2))).toThrow(/\[B, 3\]/);
  });
});

describe("exactPolyTestLoss", () => {
  const [D, N, alpha, eps] = [4, 8, 4, 0.5];
  const student = quadraticStudent({ D, N, eps });
  const [w, w0] = [normal(11, N, D), normal(12, N, D)];
  const { beta } = polyRegressionTask({ D, P: 1, seed: 5 });

  it("agrees with the mean over a large sample", async () => {
    const P = 400_000;
    const model = outputScaled(student, alpha, { centre: { w: w0 } });
    const x = mul(normal(13, P, D), 1 / Math.sqrt(D));
    const y = mul(square(x.matmul(tensor(beta))), 0.5);
    const errors = await numbers(square(sub(model.apply({ w }, x), y)));
    const average = errors.reduce((s, e) => s + e, 0) / P;
    const error = Math.sqrt(errors.reduce((s, e) => s + (e - average) ** 2, 0) / P / P);
    const total = await exactPolyTestLoss(w, w0, tensor(beta), alpha, eps).total.item();
    expect(Math.abs(total - average)).toBeLessThan(4 * error);
    expect(error / average).toBeLessThan(0.01);
  });

  it("is 3/4 where nothing has been learned, all of it along the task's direction", async () => {
    const loss = exactPolyTestLoss(w0, w0, tensor(beta), alpha, eps);
    expect(await loss.total.item()).toBeCloseTo(0.75, 14);
    expect(await loss.misalignment.item()).toBeCloseTo(0.75, 14);
    expect(await loss.variance.item()).toBeCloseTo(0, 14);
    expect(await loss.linear.item()).toBe(0);
    expect(await loss.alignment.item()).toBe(0);
  });

  it("is 0 for the task itself, with alignment 1", async () => {
    const first = tensor(new Float64Array(D));
    const b = tensor(beta);
    const second = mul(mul(b.reshape(D, 1), b), 1 / (alpha * eps));
    const loss = polyTestLossOfMoments({ first, second }, b, alpha, eps);
    expect(await loss.total.item()).toBeCloseTo(0, 14);
    expect(await loss.alignment.item()).toBeCloseTo(1, 14);
  });

  it("has the closed form of a purely linear student, 3/4 + alpha^2 |wbar|^2 / D", async () => {
    const first = tensor([1, 2, 0, -1], f64);
    const second = tensor(new Float64Array(D * D), { shape: [D, D] });
    const loss = polyTestLossOfMoments({ first, second }, tensor(beta), alpha, eps);
    expect(await loss.linear.item()).toBeCloseTo((alpha ** 2 * 6) / D, 13);
    expect(await loss.total.item()).toBeCloseTo(0.75 + (alpha ** 2 * 6) / D, 13);
  });

  it("has parts that add up", async () => {
    const { total, linear, misalignment, variance } = exactPolyTestLoss(w, w0, tensor(beta), alpha, eps);
    const sum = add(add(linear, misalignment), variance);
    expect(await sum.item()).toBeCloseTo(await total.item(), 12);
  });

  it("gives the loss of a linearised student from the derivative of the moments", async () => {
    const P = 200_000;
    const x = mul(normal(14, P, D), 1 / Math.sqrt(D));
    const y = mul(square(x.matmul(tensor(beta))), 0.5);
    const move = { w: sub(w, w0) };
    const [, change] = jvp((v: { w: Tensor }) => student.apply(v, x), [{ w: w0 }], [move]);
    const errors = await numbers(square(sub(mul(change, alpha), y)));
    const average = errors.reduce((s, e) => s + e, 0) / P;
    const error = Math.sqrt(errors.reduce((s, e) => s + (e - average) ** 2, 0) / P / P);
    const moments = jvp(studentMoments, [w0], [move.w])[1];
    const total = await polyTestLossOfMoments(moments, tensor(beta), alpha, eps).total.item();
    expect(Math.abs(total - average)).toBeLessThan(4 * error);
  });
});

describe("featureAlignment", () => {
  it("is 1 for a multiple of beta beta' and 1/sqrt(D) for the identity", async () => {
    const beta = tensor([1, 1, 1, -1], f64);
    const outer = mul(beta.reshape(4, 1), beta);
    expect(await featureAlignment(mul(outer, 3), beta).item()).toBeCloseTo(1, 14);
    const eye = tensor(
      [0, 1, 2, 3].map((i) => [0, 1, 2, 3].map((j) => Number(i === j))),
      f64,
    );
    expect(await featureAlignment(eye, beta).item()).toBeCloseTo(0.5, 14);
  });
});
