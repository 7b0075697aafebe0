import { describe, expect, it } from "vitest";
import { matmul, mul, random, reshape, sub, sum, type Tensor, tanh, tensor } from "../../src/engine/index.js";
import {
  kernelTaskAlignment,
  laziness,
  ntk,
  quadraticStudent,
  quadraticStudentKernel,
} from "../../src/phenomena/index.js";

const f64 = { dtype: "float64" } as const;
const numbers = async (t: Tensor) => Array.from(await t.data(), Number);
const normal = (seed: number, ...shape: number[]) => random.normal(random.key(seed), shape, f64);

type Params = { a: Tensor; b: Tensor };
const net = {
  init: (): Params => ({ a: normal(1, 2, 3), b: normal(2, 3, 2) }),
  apply: (p: Params, x: Tensor) => matmul(tanh(matmul(x, p.a)), p.b),
};

/** The Jacobian by central differences, a row for each example and output. */
async function explicitJacobian(params: Params, x: Tensor): Promise<number[][]> {
  const names = ["a", "b"] as const;
  const columns: number[][] = [];
  for (const name of names) {
    const values = await numbers(params[name]);
    for (let i = 0; i < values.length; i++) {
      const at = async (by: number) => {
        const moved = values.map((v, j) => (i === j ? v + by : v));
        return numbers(net.apply({ ...params, [name]: tensor(moved, f64).reshape(params[name].shape) }, x));
      };
      const [up, down] = [await at(1e-5), await at(-1e-5)];
      columns.push(up.map((u, k) => (u - down[k]) / 2e-5));
    }
  }
  return columns[0].map((_, row) => columns.map((column) => column[row]));
}

describe("ntk", () => {
  const params = net.init();
  const [x1, x2] = [normal(3, 4, 2), normal(4, 3, 2)];
  const product = (a: readonly number[], b: readonly number[]) => a.reduce((s, v, i) => s + v * b[i], 0);

  it("equals the product of explicit Jacobians, for all pairs of outputs", async () => {
    const [j1, j2] = [await explicitJacobian(params, x1), await explicitJacobian(params, x2)];
    const full = ntk(net, params, x1, x2, { outputs: "full" });
    expect(full.shape).toEqual([4, 3, 2, 2]);
    const values = await numbers(full);
    for (let p = 0; p < 4; p++)
      for (let q = 0; q < 3; q++)
        for (let c = 0; c < 2; c++)
          for (let d = 0; d < 2; d++)
            expect(values[((p * 3 + q) * 2 + c) * 2 + d]).toBeCloseTo(product(j1[p * 2 + c], j2[q * 2 + d]), 7);
  });

  it("averages each output with itself by default", async () => {
    const j = await explicitJacobian(params, x1);
    const kernel = ntk(net, params, x1);
    expect(kernel.shape).toEqual([4, 4]);
    const values = await numbers(kernel);
    for (let p = 0; p < 4; p++)
      for (let q = 0; q < 4; q++) {
        const expected = (product(j[2 * p], j[2 * q]) + product(j[2 * p + 1], j[2 * q + 1])) / 2;
        expect(values[p * 4 + q]).toBeCloseTo(expected, 7);
      }
  });

  it("is X X' for a linear model with one output", async () => {
    const linear = { init: () => ({ w: normal(5, 2) }), apply: (p: { w: Tensor }, x: Tensor) => matmul(x, p.w) };
    const kernel = ntk(linear, linear.init(), x1, x2);
    const expected = matmul(x1, x2, { transposeB: true });
    expect(Math.max(...(await numbers(sub(kernel, expected))).map(Math.abs))).toBeLessThan(1e-14);
  });

  it("equals the closed form of the quadratic student", async () => {
    const student = quadraticStudent({ D: 2, N: 8, eps: 0.25 });
    const weights = student.init(random.key(6));
    const difference = sub(ntk(student, weights, x1, x2), quadraticStudentKernel(weights.w, x1, x2, 0.25));
    expect(Math.max(...(await numbers(difference)).map(Math.abs))).toBeLessThan(1e-14);
  });

  it("rejects outputs that are neither [B] nor [B, C]", () => {
    const odd = { init: () => ({ w: normal(5, 2) }), apply: (p: { w: Tensor }, x: Tensor) => sum(mul(x, p.w)) };
    expect(() => ntk(odd, odd.init(), x1)).toThrow(/\[B\] or \[B, C\]/);
  });
});

describe("kernelTaskAlignment", () => {
  const y = tensor([1, -2, 3, 0.5], f64);
  const outer = (v: Tensor) => mul(v.reshape(v.size, 1), v);

  it("is 1 for K = y y', and for several targets K = Y Y'", async () => {
    expect(await kernelTaskAlignment(outer(y), y).item()).toBeCloseTo(1, 14);
    expect(await kernelTaskAlignment(outer(y), y, { centre: true }).item()).toBeCloseTo(1, 14);
    const Y = normal(7, 4, 2);
    expect(await kernelTaskAlignment(matmul(Y, Y, { transposeB: true }), Y).item()).toBeCloseTo(1, 14);
  });

  it("is 1/sqrt(P) for the identity and 0 for an orthogonal kernel", async () => {
    const eye = tensor(
      [0, 1, 2, 3].map((i) => [0, 1, 2, 3].map((j) => Number(i === j))),
      f64,
    );
    expect(await kernelTaskAlignment(eye, y).item()).toBeCloseTo(0.5, 14);
    expect(await kernelTaskAlignment(outer(tensor([2, 1, 0, 0], f64)), y).item()).toBeCloseTo(0, 14);
  });

  it("does not count the constant function when centred", async () => {
    const ones = tensor([1, 1, 1, 1], f64);
    const nearlyConstant = tensor([10, 10.1, 9.9, 10.2], f64);
    const kernel = outer(ones).add(mul(outer(y), 0.01));
    expect(await kernelTaskAlignment(kernel, nearlyConstant).item()).toBeGreaterThan(0.9);
    // Centred, K is 0.01 (Hy)(Hy)', so the alignment is the squared correlation of y and the targets.
    expect(await kernelTaskAlignment(kernel, nearlyConstant, { centre: true }).item()).toBeCloseTo(
      0.525 ** 2 / 0.05 / 12.6875,
      10,
    );
  });

  it("rejects sizes that do not fit", () => {
    expect(() => kernelTaskAlignment(outer(y), normal(8, 3))).toThrow(/\[P, P\]/);
  });
});

describe("laziness", () => {
  const start = { a: tensor([3, 0], f64), b: tensor([[4]], f64) };
  const now = { a: tensor([3, 3], f64), b: tensor([[0]], f64) };

  it("is the relative move of all parameters together", async () => {
    const { relMove } = laziness(now, start);
    expect(await relMove.item()).toBeCloseTo(1, 14);
    expect(await laziness(start, start).relMove.item()).toBe(0);
  });

  it("measures the kernel's move where it is given one", async () => {
    const kernel = (p: typeof start) => reshape(mul(p.a, p.a), [1, 2]);
    const { kernelMove } = laziness(now, start, kernel);
    expect(await kernelMove.item()).toBeCloseTo(1, 14);
  });
});
