import { beforeAll, describe, expect, it } from "vitest";
import {
  eye,
  grad,
  jit,
  linalg,
  matmul,
  mul,
  setBackend,
  square,
  sum,
  type Tensor,
  tensor,
  trace,
  vmap,
} from "../../../src/engine/index.js";
import { assertClose, checkBatching, checkGradients, fill, numbers } from "../helpers.js";

const positive = (x: Tensor) => matmul(x, x, { transposeB: true }).add(eye(x.shape[0], { dtype: "float64" }));
const rankTwo = (x: Tensor) => matmul(x, x, { transposeB: true });

/** [what, function, shapes of the inputs] */
const cases: readonly (readonly [string, (...inputs: Tensor[]) => Tensor, ...number[][]])[] = [
  ["cholesky of the symmetric part", (x) => linalg.cholesky(x.add(mul(eye(3, { dtype: "float64" }), 9))), [3, 3]],
  ["logdet", (x) => linalg.logdet(positive(x)), [3, 3]],
  ["det", (x) => linalg.det(x), [3, 3]],
  ["inv", (x) => linalg.inv(positive(x)), [3, 3]],
  ["solve with a vector", (x, b) => linalg.solve(positive(x), b), [3, 3], [3]],
  ["choleskySolve", (x, b) => linalg.choleskySolve(linalg.cholesky(positive(x)), b), [3, 3], [3, 2]],
  ["qr of a wide matrix", (x) => matmul(linalg.qr(x).q, square(linalg.qr(x).r)), [2, 4]],
  ["svd of a tall matrix", (x) => matmul(mul(linalg.svd(x).u, linalg.svd(x).s), square(linalg.svd(x).vt)), [4, 2]],
  ["left vectors", (x) => square(linalg.svd(x).u), [4, 2]],
  ["right vectors", (x) => square(linalg.svd(x).vt), [2, 4]],
  ["eigvalsh", (x) => linalg.eigvalsh(x), [3, 3]],
  ["svdvals", (x) => linalg.svdvals(x), [3, 2]],
  ["nuclear norm", (x) => linalg.norm(x, "nuc"), [3, 2]],
  ["spectral norm", (x) => linalg.norm(x, 2), [3, 2]],
  ["cond", (x) => linalg.cond(x), [3, 2]],
  ["pinv", (x) => linalg.pinv(x), [4, 3]],
  ["lstsq of a tall matrix", (x, b) => linalg.lstsq(x, b), [4, 2], [4]],
  ["lstsq of a wide matrix", (x, b) => linalg.lstsq(x, b), [2, 4], [2, 2]],
  ["lstsq at rank two", (x, b) => linalg.lstsq(rankTwo(x), b), [4, 2], [4]],
  ["expm", (x) => linalg.expm(x, { maxSquarings: 3 }), [3, 3]],
  ["matrixPower", (x) => linalg.matrixPower(x, 3), [3, 3]],
];

describe("gradients", () => {
  beforeAll(() => setBackend("node", { threads: 1 }));
  for (const [what, f, ...shapes] of cases) {
    it(what, async () => {
      const inputs = shapes.map((shape, i) => fill({ shape }, 20 + i));
      await checkGradients(f, inputs, { tolerance: 1e-6 });
    });
  }

  it("of a trace of a function of a matrix are right where eigenvalues are repeated", async () => {
    // tr A^4 = sum of w^4, also through the vectors; its gradient is 4 A^3.
    const a = tensor(Float64Array.of(2, 0, 0, 0, 2, 0, 0, 0, -1), { shape: [3, 3] });
    const power = (x: Tensor) => {
      const { values, vectors } = linalg.eigh(x);
      return trace(matmul(mul(vectors, square(square(values))), vectors, { transposeB: true }));
    };
    const viaSvd = (x: Tensor) => {
      const { u, s, vt } = linalg.svd(x);
      return sum(square(matmul(mul(u, s), vt)));
    };
    assertClose(await numbers(grad(power)(a)), [32, 0, 0, 0, 32, 0, 0, 0, -4], 1e-13, "eigh");
    assertClose(await numbers(grad(viaSvd)(a)), [4, 0, 0, 0, 4, 0, 0, 0, -2], 1e-13, "svd");
    const low = tensor(Float64Array.of(1, 2, 2, 4), { shape: [2, 2] });
    assertClose(
      await numbers(grad((x: Tensor) => sum(linalg.svdvals(x).slice([0], [1])))(low)),
      [0.2, 0.4, 0.4, 0.8],
      1e-13,
      "svdvals",
    );
  });
});

describe("leading axes", () => {
  beforeAll(() => setBackend("node", { threads: 1 }));
  it("broadcast between matrices and right-hand sides", async () => {
    const a = fill({ shape: [2, 1, 3, 3] }, 1);
    const b = fill({ shape: [4, 3, 2] }, 2);
    const x = linalg.solve(a, b);
    expect(x.shape).toEqual([2, 4, 3, 2]);
    const back = await numbers(matmul(a, x));
    const expected = await numbers(b);
    assertClose(back, [...expected, ...expected], 1e-12, "a x");
    expect(linalg.solve(a, fill({ shape: [3] }, 3)).shape).toEqual([2, 1, 3]);
    expect(linalg.pinv(fill({ shape: [2, 3, 4] }, 4)).shape).toEqual([2, 4, 3]);
    expect(linalg.svd(fill({ shape: [0, 3, 4] }, 4)).s.shape).toEqual([0, 3]);
    expect(await linalg.svd(fill({ shape: [0, 3, 4] }, 4)).s.tolist()).toEqual([]);
  });

  it("are what vmap adds, for functions made of several operations", async () => {
    const many = (shape: number[]) => [1, 2].map((seed) => fill({ shape }, seed));
    await checkBatching((a, b) => linalg.lstsq(a, b), [many([4, 2]), many([4])], { size: 2, tolerance: 1e-11 });
    await checkBatching((a) => linalg.expm(a), [many([3, 3])], { size: 2 });
    await checkBatching((a) => linalg.logdet(positive(a)), [many([3, 3])], { size: 2 });
  });

  it("work inside a compiled function between other operations", async () => {
    const step = jit((a: Tensor, b: Tensor) => sum(linalg.solve(matmul(a, a), linalg.svdvals(a).add(b))));
    const [a, b] = [fill({ shape: [3, 3] }, 1), fill({ shape: [3] }, 2)];
    const twice = linalg.solve(a, linalg.solve(a, linalg.svdvals(a).add(b)));
    assertClose(await numbers(await step(a, b)), [await sum(twice).item()], 1e-11, "value");
    const mapped = vmap(linalg.det)(fill({ shape: [5, 2, 2] }, 3));
    const list = await numbers(fill({ shape: [5, 2, 2] }, 3));
    const expected = [0, 1, 2, 3, 4].map((i) => list[4 * i] * list[4 * i + 3] - list[4 * i + 1] * list[4 * i + 2]);
    assertClose(await numbers(mapped), expected, 1e-13, "determinants");
  });
});
