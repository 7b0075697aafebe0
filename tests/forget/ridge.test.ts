import { describe, expect, it } from "vitest";
import { add, eye, hostRandom, linalg, matmul, mul, sub, type Tensor, tensor } from "../../src/engine/index.js";
import { quadraticDescent, ridge, ridgeLeaveOut } from "../../src/forget/index.js";
import { assertClose, numbers, onEachBackend } from "../engine/helpers.js";

const [n, d, lambda] = [30, 6, 0.3];
const draw = hostRandom(11);
const xs = Array.from({ length: n }, () => Array.from({ length: d }, () => draw.normal()));
const ys = xs.map((row) => row.reduce((sum, value, k) => sum + value * (k - 2), draw.normal()));
const f64 = { dtype: "float64" as const };
const [x, y] = [tensor(xs, f64), tensor(ys, f64)];
const without = <T>(list: readonly T[], rows: readonly number[]) => list.filter((_, i) => !rows.includes(i));

onEachBackend("ridge regression", () => {
  it("solves its normal equations", async () => {
    const theta = ridge(x, y, lambda).reshape(d, 1);
    const gradient = add(matmul(x, sub(matmul(x, theta), y.reshape(n, 1)), { transposeA: true }), mul(theta, lambda));
    assertClose(await numbers(gradient), new Array(d).fill(0), 1e-10, "gradient");
  });

  it("leaves rows out exactly as training without them does", async () => {
    for (const rows of [[4], [0, 7, 8, 29], Array.from({ length: 26 }, (_, i) => i)]) {
      const { params, outputs } = ridgeLeaveOut(x, y, lambda, rows);
      const retrained = ridge(tensor(without(xs, rows), f64), tensor(without(ys, rows), f64), lambda);
      assertClose(await numbers(params), await numbers(retrained), 1e-9, "parameters");
      assertClose(await numbers(outputs), await numbers(matmul(x, retrained.reshape(d, 1))), 1e-9, "outputs");
    }
  });
});

describe("ridge regression", () => {
  it("refuses rows that are not there, twice there or none, and data that do not fit", () => {
    expect(() => ridgeLeaveOut(x, y, lambda, [])).toThrow("ridgeLeaveOut: there are no rows to leave out.");
    expect(() => ridgeLeaveOut(x, y, lambda, [1, 1])).toThrow("ridgeLeaveOut: a row is named twice.");
    expect(() => ridgeLeaveOut(x, y, lambda, [30])).toThrow("ridgeLeaveOut: there is no row 30 among 30.");
    expect(() => ridgeLeaveOut(x, y, lambda, [1.5])).toThrow("ridgeLeaveOut: there is no row 1");
    expect(() => ridge(x, tensor([1, 2], f64), lambda)).toThrow("x must be [n, d] and y [n], got [30,6] and [2]");
  });
});

describe("descent on a quadratic", () => {
  const hessian = add(matmul(x, x, { transposeA: true }), mul(eye(d, f64), lambda));
  const linear = matmul(x, y.reshape(n, 1), { transposeA: true }).reshape(d);
  const target = ridge(x, y, lambda);
  const start = tensor(Float64Array.from({ length: d }, () => draw.normal()));

  it("is gradient descent, step by step", async () => {
    const largest = Number((await linalg.eigvalsh(hessian).data())[d - 1]);
    const errors = await quadraticDescent({ hessian, linear, start, target, steps: 20 });
    const end = await numbers(target);
    const length = Math.hypot(...end);
    let theta: Tensor = start;
    for (const error of errors) {
      const apart = Math.hypot(...(await numbers(sub(theta, target)))) / length;
      expect(error).toBeCloseTo(apart, 10);
      const gradient = sub(matmul(hessian, theta.reshape(d, 1)).reshape(d), linear);
      theta = tensor(await sub(theta, mul(gradient, 1 / largest)).array());
    }
    expect(errors[20]).toBeLessThan(errors[0]);
  });

  it("reaches the optimum of a sphere in one step, and diverges where the objective falls for ever", async () => {
    const sphere = { hessian: mul(eye(d, f64), 3), linear: mul(target, 3), start, target, steps: 2 };
    const [before, after] = await quadraticDescent(sphere);
    expect(before).toBeGreaterThan(0.1);
    expect(after).toBeLessThan(1e-12);
    const falling = { ...sphere, hessian: mul(eye(d, f64), -1) };
    const errors = await quadraticDescent({ ...falling, stepSize: 1, steps: 5 });
    expect(errors[5]).toBeGreaterThan(errors[4]);
    await expect(quadraticDescent(falling)).rejects.toThrow("the Hessian has no positive eigenvalue");
  });
});
