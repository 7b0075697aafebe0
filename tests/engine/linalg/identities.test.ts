import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import {
  abs,
  eye,
  hostRandom,
  linalg,
  matmul,
  max,
  mul,
  setBackend,
  sub,
  swapAxes,
  type Tensor,
  tensor,
  tril,
  triu,
} from "../../../src/engine/index.js";
import { numbers, onEachBackend, values } from "../helpers.js";

const product = (a: Tensor, b: Tensor) => matmul(a, b);
const transposed = (a: Tensor) => swapAxes(a, -1, -2);

function random(shape: readonly number[], seed: number): Tensor {
  const source = hostRandom(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Float64Array.from({ length: size }, () => source.uniform() - 0.5),
    { shape },
  );
}

/** The largest absolute elements, computed together. */
const sizes = async (tensors: readonly Tensor[]): Promise<number[]> =>
  (await values(tensors.map((t) => max(abs(t))))).map(([x]) => x);

async function expectSmall(tensors: readonly Tensor[], bound = 1e-12): Promise<void> {
  for (const size of await sizes(tensors)) expect(size).toBeLessThanOrEqual(bound);
}

const orthogonality = (q: Tensor): Tensor =>
  sub(product(transposed(q), q), eye(q.shape[q.rank - 1], { dtype: "float64" }));
const orthogonal = (n: number, seed: number): Tensor => linalg.qr(random([n, n], seed)).q;
const vector = (list: readonly number[]): Tensor => tensor(Float64Array.from(list));
const range = (n: number, f: (i: number) => number) => Array.from({ length: n }, (_, i) => f(i));

/** A symmetric matrix with these eigenvalues. */
function withEigenvalues(list: readonly number[], seed: number): Tensor {
  const q = orthogonal(list.length, seed);
  return matmul(mul(q, vector(list)), q, { transposeB: true });
}

/** An m by n matrix with these min(m, n) singular values. */
function withSingularValues(m: number, n: number, list: readonly number[], seed: number): Tensor {
  const k = list.length;
  const u = orthogonal(m, seed).slice([0, 0], [m, k]);
  const v = orthogonal(n, seed + 1).slice([0, 0], [n, k]);
  return matmul(mul(u, vector(list)), v, { transposeB: true });
}

async function checkEigh(a: Tensor, bound = 1e-12): Promise<number[]> {
  const { values: w, vectors } = linalg.eigh(a);
  await expectSmall([sub(product(a, vectors), mul(vectors, w)), orthogonality(vectors)], bound);
  const list = await numbers(w);
  expect(list).toEqual(list.toSorted((x, y) => x - y));
  return list;
}

async function checkSvd(a: Tensor, bound = 1e-12): Promise<number[]> {
  const { u, s, vt } = linalg.svd(a);
  const full = linalg.svd(a, { full: true });
  expect(full.u.shape).toEqual([a.shape[0], a.shape[0]]);
  expect(full.vt.shape).toEqual([a.shape[1], a.shape[1]]);
  await expectSmall(
    [
      sub(product(mul(u, s), vt), a),
      orthogonality(u),
      orthogonality(transposed(vt)),
      orthogonality(full.u),
      orthogonality(full.vt),
      sub(full.u.slice([0, 0], u.shape), u),
    ],
    bound,
  );
  const list = await numbers(s);
  expect(list).toEqual(list.toSorted((x, y) => y - x));
  expect(Math.min(...list)).toBeGreaterThanOrEqual(0);
  return list;
}

const expectClose = (actual: readonly number[], expected: readonly number[]) => {
  expect(actual.length).toBe(expected.length);
  const size = Math.max(...expected.map(Math.abs));
  actual.forEach((x, i) => {
    expect(Math.abs(x - expected[i])).toBeLessThanOrEqual(1e-13 * size);
  });
};

onEachBackend("factorisations of large and small matrices", () => {
  for (const n of [1, 7, 33, 130]) {
    it(`give back the matrix, n = ${n}`, async () => {
      const a = random([n, n], n);
      const b = random([n, 3], n + 1);
      const spd = matmul(a, a, { transposeB: true }).add(eye(n, { dtype: "float64" }));
      const l = linalg.cholesky(spd);
      const lu = linalg.lu(a);
      const { q, r } = linalg.qr(a);
      const tall = linalg.qr(random([n + 9, n], n), { mode: "complete" });
      const rows = Array.from(await numbers(lu.permutation), Number);
      expect(rows.toSorted((x, y) => x - y)).toEqual(range(n, (i) => i));
      const source = await numbers(a);
      const permuted = tensor(Float64Array.from(rows.flatMap((i) => source.slice(i * n, (i + 1) * n))), {
        shape: [n, n],
      });
      await expectSmall([
        sub(matmul(l, l, { transposeB: true }), spd),
        triu(l, 1),
        sub(product(lu.l, lu.u), permuted),
        sub(product(q, r), a),
        orthogonality(q),
        tril(r, -1),
        orthogonality(tall.q),
        sub(product(tall.q, tall.r), random([n + 9, n], n)),
        sub(product(spd, linalg.solve(spd, b)), b),
        sub(product(spd, linalg.choleskySolve(l, b)), b),
        sub(linalg.logdet(spd), linalg.slogdet(spd).logdet),
      ]);
      for (const x of await numbers(lu.l)) expect(Math.abs(x)).toBeLessThanOrEqual(1);
      for (let i = 0; i < n; i++) expect((await numbers(r))[i * n + i]).toBeGreaterThanOrEqual(0);
    });
  }

  it("decompose a matrix of 200 rows", async () => {
    await checkEigh(random([200, 200], 5).add(transposed(random([200, 200], 5))));
    await checkSvd(random([200, 130], 6));
  });
});

describe("decompositions", () => {
  beforeAll(() => setBackend("node", { threads: 1 }));

  const spectra: Readonly<Record<string, (n: number) => number[]>> = {
    "all equal": (n) => range(n, () => 2),
    "a projection": (n) => range(n, (i) => Number(i >= n / 2)),
    "three values": (n) => range(n, (i) => Math.floor((3 * i) / n) - 1),
    "a cluster of width 1e-13": (n) => range(n, (i) => 1 + (1e-13 * i) / n),
    "clusters of width 1e-8": (n) => range(n, (i) => Math.floor((4 * i) / n) + 1e-8 * i),
    "many sizes": (n) => range(n, (i) => 10 ** (-(n - 1 - i) / 6)),
  };
  for (const [name, spectrum] of Object.entries(spectra)) {
    for (const n of [5, 70]) {
      it(`have the known eigenvalues: ${name}, n = ${n}`, async () => {
        expectClose(await checkEigh(withEigenvalues(spectrum(n), n)), spectrum(n));
      });
      it(`have the known singular values: ${name}, n = ${n}`, async () => {
        const list = spectrum(n)
          .map(Math.abs)
          .sort((x, y) => y - x);
        expectClose(await checkSvd(withSingularValues(n, n, list, n)), list);
        expectClose(await checkSvd(withSingularValues(n + 7, n, list, n)), list);
        expectClose(await checkSvd(withSingularValues(n, n + 30, list, n)), list);
      });
    }
  }

  it("find the eigenvalues of the second difference, 2 - 2 cos(k pi / (n + 1))", async () => {
    const n = 100;
    const one = eye(n, { dtype: "float64" });
    const beside = eye(n, { dtype: "float64", offset: 1 }).add(eye(n, { dtype: "float64", offset: -1 }));
    const expected = range(n, (i) => 2 - 2 * Math.cos(((i + 1) * Math.PI) / (n + 1)));
    expectClose(await checkEigh(sub(mul(one, 2), beside)), expected);
  });

  it("find n and zeros for a matrix of ones", async () => {
    const n = 90;
    const ones = tensor(new Float64Array(n * n).fill(1), { shape: [n, n] });
    expectClose(
      await checkEigh(ones),
      range(n, (i) => (i === n - 1 ? n : 0)),
    );
    expectClose(
      await checkSvd(ones),
      range(n, (i) => (i === 0 ? n : 0)),
    );
  });

  it("hold for zeros, and for rows and columns", async () => {
    for (const [m, n] of [
      [40, 40],
      [3, 3],
      [1, 1],
      [1, 50],
      [50, 1],
      [30, 60],
    ]) {
      const zero = tensor(new Float64Array(m * n), { shape: [m, n] });
      expect(Math.max(...(await checkSvd(zero)))).toBe(0);
      await checkSvd(random([m, n], m));
    }
    expect(await checkEigh(tensor(new Float64Array(40 * 40), { shape: [40, 40] }))).toEqual(range(40, () => 0));
  });

  it("hold for the largest and smallest numbers", async () => {
    for (const scale of [2 ** -1000, 2 ** 1000]) {
      const a = random([40, 40], 3);
      const s = await numbers(linalg.svdvals(a));
      const w = await numbers(linalg.eigvalsh(a));
      expect(await numbers(linalg.svdvals(mul(a, scale)))).toEqual(s.map((x) => x * scale));
      expect(await numbers(linalg.eigvalsh(mul(a, scale)))).toEqual(w.map((x) => x * scale));
    }
  });

  it("find small integers' values (random matrices)", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 70 }),
        fc.integer({ min: 1, max: 70 }),
        fc.nat(),
        async (m, n, seed) => {
          const source = hostRandom(seed);
          const few = (rows: number, cols: number) =>
            tensor(
              Float64Array.from({ length: rows * cols }, () => source.integer(3) - 1),
              { shape: [rows, cols] },
            );
          const a = few(m, n);
          await checkSvd(a);
          const s = few(n, n);
          await checkEigh(s.add(transposed(s)));
          const rank = await linalg.matrixRank(a).item();
          const twice = tensor(Float64Array.from([...(await numbers(a)), ...(await numbers(a))]), {
            shape: [2 * m, n],
          });
          expect(await linalg.matrixRank(twice).item()).toBe(rank);
        },
      ),
      { numRuns: 12 },
    );
  });
});

describe("signs", () => {
  beforeAll(() => setBackend("node", { threads: 1 }));
  it("make the first large element of each vector positive", async () => {
    const { vectors } = linalg.eigh(random([30, 30], 1));
    const { u } = linalg.svd(random([30, 30], 1));
    for (const columns of [vectors, u]) {
      const list = await numbers(columns);
      for (let j = 0; j < 30; j++) {
        const column = range(30, (i) => list[i * 30 + j]);
        const most = Math.max(...column.map(Math.abs));
        expect(column.find((x) => Math.abs(x) >= most / 2)).toBeGreaterThan(0);
      }
    }
  });
});

describe("least squares and ranks", () => {
  beforeAll(() => setBackend("node", { threads: 1 }));
  it("satisfy the four equations of Moore and Penrose, at any rank", async () => {
    for (const [m, n, rank] of [
      [6, 4, 4],
      [4, 6, 2],
      [5, 5, 3],
      [40, 30, 11],
    ]) {
      const a = product(random([m, rank], m), random([rank, n], n));
      const p = linalg.pinv(a);
      const [ap, pa] = [product(a, p), product(p, a)];
      await expectSmall([
        sub(product(ap, a), a),
        mul(sub(product(pa, p), p), 1e-2),
        sub(ap, transposed(ap)),
        sub(pa, transposed(pa)),
      ]);
      expect(await linalg.matrixRank(a).item()).toBe(rank);
      const b = random([m], 3);
      const x = linalg.lstsq(a, b);
      // The smallest of the solutions has no share in the null space.
      await expectSmall([sub(x, product(p, b)), sub(product(pa, x), x)], 1e-11);
    }
  });

  it("leave out singular values below rcond", async () => {
    const a = tensor(Float64Array.of(1, 0, 0, 0, 0.1, 0, 0, 0, 0.001), { shape: [3, 3] });
    const b = tensor(Float64Array.of(1, 1, 1));
    expect(await numbers(linalg.lstsq(a, b, { rcond: 0.01 }))).toEqual([1, 10, 0]);
    expect(await linalg.matrixRank(a, { rcond: 0.01 }).item()).toBe(2);
    expect(await linalg.matrixRank(a).item()).toBe(3);
  });
});

onEachBackend("float32", () => {
  it("is computed in float64 and rounded", async () => {
    const a = random([30, 30], 8);
    const single = tensor(Float32Array.from(await numbers(a)), { shape: [30, 30] });
    const exact = tensor(Float64Array.from(await numbers(single)), { shape: [30, 30] });
    const results = (x: Tensor) => {
      const { u, s, vt } = linalg.svd(x);
      const { values: w, vectors } = linalg.eigh(x);
      return [u, s, vt, w, vectors, linalg.inv(x), linalg.qr(x).q, linalg.slogdet(x).logdet];
    };
    expect(results(single).map((t) => t.dtype)).toEqual(results(single).map(() => "float32"));
    const [rounded, full] = [await values(results(single)), await values(results(exact))];
    rounded.forEach((list, i) => {
      expect(list).toEqual(full[i].map(Math.fround));
    });
  });
});

describe("functions of matrices", () => {
  beforeAll(() => setBackend("node", { threads: 1 }));
  it("turn rotations by adding angles", async () => {
    for (const angle of [1e-9, 0.5, 3, 100, 1000]) {
      const generator = tensor(Float64Array.of(0, -angle, angle, 0), { shape: [2, 2] });
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      const actual = await numbers(linalg.expm(generator));
      [c, -s, s, c].forEach((x, i) => {
        expect(Math.abs(actual[i] - x)).toBeLessThan(1e-15 * (1 + 10 * angle));
      });
    }
  });
  it("give NaN where more squarings are needed", async () => {
    const a = tensor(Float64Array.of(11), { shape: [1, 1] });
    expect(await numbers(linalg.expm(a, { maxSquarings: 1 }))).toEqual([Number.NaN]);
    expect((await numbers(linalg.expm(a, { maxSquarings: 2 })))[0]).toBeCloseTo(Math.exp(11), 6);
  });
  it("choose squarings for each matrix of a batch", async () => {
    const a = tensor(Float64Array.of(1e-3, 20), { shape: [2, 1, 1] });
    const [small, large] = await numbers(linalg.expm(a));
    expect(small).toBeCloseTo(Math.exp(1e-3), 15);
    expect(large / Math.exp(20)).toBeCloseTo(1, 13);
  });
});
