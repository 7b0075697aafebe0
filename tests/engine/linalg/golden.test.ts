import { expect, it } from "vitest";
import { linalg, type Tensor, tensor } from "../../../src/engine/index.js";
import cases from "../../fixtures/linalg.json" with { type: "json" };
import { assertClose, onEachBackend, values } from "../helpers.js";

const {
  cholesky,
  solve,
  solveTriangular,
  lu,
  qr,
  svd,
  pinv,
  lstsq,
  norm,
  cond,
  eigh,
  slogdet,
  det,
  logdet,
  inv,
  expm,
} = linalg;

/** The results for the inputs of a case, in the order of the fixture. */
const operations: Readonly<Record<string, (inputs: Tensor[], words: string[]) => Tensor[]>> = {
  cholesky: ([a]) => [cholesky(a)],
  solve: ([a, b]) => [solve(a, b)],
  solveTriangular([a, b], words) {
    const [lower, transpose, unitDiagonal] = words.map((w) => w === "True");
    return [solveTriangular(a, b, { lower, transpose, unitDiagonal })];
  },
  lu([a]) {
    const { permutation, l, u } = lu(a);
    return [permutation, l, u];
  },
  qr([a]) {
    const { q, r } = qr(a);
    return [q, r];
  },
  svd([a]) {
    const { u, s, vt } = svd(a);
    return [u, s, vt];
  },
  pinv: ([a]) => [pinv(a)],
  lstsq: ([a, b]) => [lstsq(a, b)],
  norms: ([a]) => [norm(a), norm(a, "nuc"), norm(a, 2), cond(a)],
  eigh([a]) {
    const { values: w, vectors } = eigh(a);
    return [w, vectors];
  },
  slogdet([a]) {
    const { sign, logdet: log } = slogdet(a);
    return [sign, log];
  },
  det: ([a]) => [det(a)],
  logdet: ([a]) => [logdet(a)],
  inv: ([a]) => [inv(a)],
  expm: ([a]) => [expm(a)],
  matrixPower: ([a], [exponent]) => [linalg.matrixPower(a, Number(exponent))],
  large() {
    const n = 150;
    const data = Float64Array.from({ length: n * n }, (_, k) =>
      Math.sin((1 + 3 * Math.floor(k / n) + 7 * (k % n) ** 2) % 1000),
    );
    const a = tensor(data, { shape: [n, n] });
    return [linalg.eigvalsh(a), linalg.svdvals(a)];
  },
};

onEachBackend("NumPy and SciPy", () => {
  for (const { name, inputs, outputs } of cases) {
    const [operation, ...words] = name.split(" ");
    it(name, async () => {
      const given = inputs.map(({ shape, data }) => tensor(Float64Array.from(data), { shape }));
      const results = operations[operation](given, words);
      expect(results.map((r) => r.shape)).toEqual(outputs.map((o) => o.shape));
      const actual = await values(results);
      outputs.forEach(({ data }, i) => {
        assertClose(actual[i], data, 2e-13, `result ${i}`);
      });
    });
  }
});
