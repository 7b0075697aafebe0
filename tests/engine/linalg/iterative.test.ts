import { describe, expect, it } from "vitest";
import {
  grad,
  hostRandom,
  hvp,
  jit,
  linalg,
  matmul,
  mul,
  square,
  sum,
  type Tensor,
  tensor,
} from "../../../src/engine/index.js";
import { assertClose, numbers, onEachBackend } from "../helpers.js";

const { conjugateGradient, hutchinsonTrace, lanczos, lanczosQuadrature, topEigenvalues } = linalg;

interface Point {
  readonly w: Tensor;
  readonly b: Tensor[];
}

/** A tree of 12 numbers, in the order in which `flattenTree` lists them: b, then w. */
const point = (list: readonly number[]): Point => ({
  b: [tensor(Float64Array.from(list.slice(0, 2))), tensor(Float64Array.from(list.slice(2, 6)))],
  w: tensor(Float64Array.from(list.slice(6)), { shape: [2, 3] }),
});
const spectrum = [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 8, -12];
const scales = point(spectrum);
const origin = point(spectrum.map(() => 0));

/** Half the sum of spectrum * x^2: its Hessian is diagonal. */
const quadratic = (x: Point): Tensor =>
  [sum(mul(scales.w, square(x.w))), sum(mul(scales.b[0], square(x.b[0]))), sum(mul(scales.b[1], square(x.b[1])))]
    .reduce((a, b) => a.add(b))
    .mul(0.5);
const hessian = (v: Point): Point => hvp(quadratic, origin, v);
const flat = async (p: Point): Promise<number[]> => [
  ...(await numbers(p.b[0])),
  ...(await numbers(p.b[1])),
  ...(await numbers(p.w)),
];

/** A dense symmetric matrix with the eigenvalues `list`. */
async function dense(list: readonly number[], seed = 1): Promise<Tensor> {
  const n = list.length;
  const random = hostRandom(seed);
  const { q } = linalg.qr(
    tensor(
      Float64Array.from({ length: n * n }, () => random.normal()),
      { shape: [n, n] },
    ),
  );
  const a = matmul(mul(q, tensor(Float64Array.from(list))), q, { transposeB: true });
  return tensor(await a.array());
}

onEachBackend("iterative methods on trees", () => {
  it("conjugate gradients solve in as many steps as there are eigenvalues", async () => {
    const a = await dense([1, 1, 1, 4, 4, 9, 9, 9]);
    const b = tensor(Float64Array.from([1, -2, 3, 0.5, 2, -1, 1, 1]));
    const { x, residuals, converged } = await conjugateGradient((v: Tensor) => matmul(a, v), b, { tolerance: 1e-10 });
    expect(converged).toBe(true);
    expect(residuals).toHaveLength(4);
    assertClose(await numbers(matmul(a, x)), await numbers(b), 1e-9, "A x");
  });

  it("conjugate gradients take a start, a preconditioner and a compiled map", async () => {
    const list = Array.from({ length: 30 }, (_, i) => 1.5 ** i);
    const diagonal = tensor(Float64Array.from(list));
    const b = { x: tensor(Float64Array.from(list, () => 1)) };
    const map = jit((v: { x: Tensor }) => ({ x: mul(diagonal, v.x) }));
    const slow = await conjugateGradient(map, b, { maxIterations: 5 });
    expect(slow.converged).toBe(false);
    expect(slow.residuals).toHaveLength(6);
    const preconditioner = (v: { x: Tensor }) => ({ x: v.x.div(diagonal) });
    const fast = await conjugateGradient(map, b, { preconditioner });
    expect(fast.residuals).toHaveLength(2);
    assertClose(
      await numbers(fast.x.x),
      list.map((x) => 1 / x),
      1e-12,
      "x",
    );
    const done = await conjugateGradient(map, b, { start: fast.x });
    expect(done.residuals).toHaveLength(1);
    expect(done.converged).toBe(true);
  });

  it("power iteration finds the eigenvalues of largest size of a Hessian", async () => {
    const { values, vectors, residuals } = await topEigenvalues(hessian, origin, 3, { tolerance: 1e-7 });
    assertClose(values, [-12, 8, 5], 1e-12, "values");
    expect(Math.max(...residuals)).toBeLessThanOrEqual(1.2e-6);
    const [first, second] = await Promise.all(vectors.map(flat));
    expect(Math.abs(first[11])).toBeCloseTo(1, 12);
    expect(Math.abs(second[10])).toBeCloseTo(1, 12);
  });

  it("Lanczos finds the whole spectrum in as many steps, with orthonormal vectors", async () => {
    const { diagonal, offDiagonal, basis } = await lanczos(hessian, origin, { steps: 50 });
    expect(diagonal).toHaveLength(12);
    expect(offDiagonal).toHaveLength(11);
    const t = Array.from({ length: 144 }, (_, k) => {
      const [i, j] = [Math.floor(k / 12), k % 12];
      return i === j ? diagonal[i] : Math.abs(i - j) === 1 ? offDiagonal[Math.min(i, j)] : 0;
    });
    const w = await numbers(linalg.eigvalsh(tensor(Float64Array.from(t), { shape: [12, 12] })));
    assertClose(
      w,
      spectrum.toSorted((x, y) => x - y),
      1e-12,
      "eigenvalues",
    );
    basis.forEach((q, i) => {
      basis.forEach((p, j) => {
        const inner = q.reduce((s, x, k) => s + x * p[k], 0);
        expect(Math.abs(inner - Number(i === j))).toBeLessThan(1e-13);
      });
    });
  });

  it("Lanczos stops where the space is invariant", async () => {
    const start = point([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    const { diagonal, offDiagonal } = await lanczos(hessian, origin, { steps: 12, start });
    assertClose([...diagonal, ...offDiagonal], [0.75, 0.75, 0.25], 1e-14, "T");
  });
});

describe("estimates", () => {
  it("quadrature with all steps is exact for a function of a multiple of the identity, and near for others", async () => {
    const n = 60;
    const a = await dense(Array.from({ length: n }, (_, i) => (i % 4) + 1));
    const map = (v: Tensor) => matmul(a, v);
    const like = tensor(new Float64Array(n));
    const { trace, density, weights, nodes, size } = await lanczosQuadrature(map, like, { probes: 40, steps: 10 });
    expect(size).toBe(n);
    expect(weights.reduce((x, y) => x + y)).toBeCloseTo(1, 12);
    expect(trace(() => 1)).toBeCloseTo(n, 10);
    // tr log A = 15 log 24; with 40 probes of 60 numbers the standard error is about 1 %.
    expect(trace(Math.log) / (15 * Math.log(24))).toBeCloseTo(1, 1);
    for (const node of nodes) expect(Math.min(...[1, 2, 3, 4].map((w) => Math.abs(node - w)))).toBeLessThan(1e-10);
    for (const w of [1, 2, 3, 4]) {
      // A quarter of the spectrum under each peak.
      expect((density(w, 0.1) * 0.1 * Math.sqrt(2 * Math.PI)) / 0.25).toBeCloseTo(1, 0);
    }
    expect(density(2.5, 0.05)).toBeLessThan(1e-10);
  });

  it("Hutchinson's estimate is exact for a diagonal map, and within its error for another", async () => {
    expect(await hutchinsonTrace(hessian, origin, { probes: 3 })).toEqual({ mean: 23.5, standardError: 0 });
    const list = Array.from({ length: 40 }, (_, i) => i / 10);
    const a = await dense(list, 3);
    const like = tensor(new Float32Array(40));
    const single = a.cast("float32");
    const { mean, standardError } = await hutchinsonTrace((v: Tensor) => matmul(single, v), like, { probes: 64 });
    const trace = list.reduce((x, y) => x + y);
    expect(standardError).toBeGreaterThan(0.1);
    expect(Math.abs(mean - trace)).toBeLessThan(4 * standardError);
  });

  it("depend on the seed alone", async () => {
    const a = await dense([1, 2, 3, 4]);
    const run = (seed: number) => hutchinsonTrace((v: Tensor) => matmul(a, v), tensor(new Float64Array(4)), { seed });
    expect(await run(1)).toEqual(await run(1));
    expect(await run(1)).not.toEqual(await run(2));
  });

  it("find zero eigenvalues where the map vanishes", async () => {
    const a = await dense([3, 0, 0]);
    const { values } = await topEigenvalues((v: Tensor) => matmul(a, v), tensor(new Float64Array(3)), 5, {
      tolerance: 1e-8,
    });
    assertClose(values, [3, 0, 0], 1e-14, "values");
    const none = await topEigenvalues((v: Tensor) => mul(v, 0), tensor(new Float64Array(3)), 1);
    expect(none.values).toEqual([0]);
  });
});

describe("errors of iterative methods", () => {
  const b = tensor(Float64Array.of(1, 1));
  it("name the method and the place", async () => {
    const indefinite = tensor(Float64Array.of(1, -3));
    await expect(conjugateGradient((v: Tensor) => mul(indefinite, v), b)).rejects.toThrow(
      "conjugateGradient: the map is not positive definite: p'Ap is -2 in iteration 0.",
    );
    await expect(conjugateGradient(() => tensor(Float64Array.of(1, 2, 3)), b)).rejects.toThrow(
      "conjugateGradient: shape [3], where vectors have [2]",
    );
    await expect(conjugateGradient((v: any) => [v], b as any)).rejects.toThrow(
      "conjugateGradient: a tree has another structure than the vectors.",
    );
    await expect(lanczos((v) => v, { x: tensor([1], { dtype: "int32" }) }, { steps: 1 })).rejects.toThrow(
      'lanczos: the tensor at "x" has dtype int32; float32 or float64 is needed',
    );
    await expect(topEigenvalues((v) => v, { x: "w" }, 1)).rejects.toThrow(
      'topEigenvalues: the tree holds a string at "x", not a tensor.',
    );
  });
  it("gradients of a quadratic agree with its Hessian's action", async () => {
    // The map of the tests above is linear: its value at v is the gradient there.
    const v = point(spectrum.map((_, i) => i - 5));
    assertClose(await flat(hessian(v)), await flat(grad(quadratic)(v)), 1e-14, "H v");
  });
});
