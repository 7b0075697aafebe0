import { expect, it } from "vitest";
import { grad, HebbError, linalg, ShapeError, sum, tensor, zeros } from "../../../src/engine/index.js";
import { jacobiEigen } from "../../../src/engine/linalg/host/jacobi.js";
import { matrix } from "../../../src/engine/linalg/host/matrix.js";
import { secularRoots } from "../../../src/engine/linalg/host/secular.js";
import { onEachBackend } from "../helpers.js";

const matrixOf = (...rows: number[][]) =>
  tensor(Float64Array.from(rows.flat()), { shape: [rows.length, rows[0].length] });
const x23 = zeros([2, 3]);
const x33 = zeros([3, 3]);

it("shapes are checked when the graph is built", () => {
  const wrong: readonly (readonly [() => unknown, string])[] = [
    [() => linalg.cholesky(x23), "cholesky: needs square matrices, got shape [2, 3]"],
    [() => linalg.eigh(x23), "eigh: needs square matrices, got shape [2, 3]"],
    [() => linalg.lu(x23), "lu: needs square matrices, got shape [2, 3]"],
    [() => linalg.det(x23), "slogdet: needs square matrices, got shape [2, 3]"],
    [() => linalg.inv(x23), "inv: needs square matrices, got shape [2, 3]"],
    [() => linalg.expm(x23), "expm: needs square matrices, got shape [2, 3]"],
    [() => linalg.matrixPower(x23, 2), "matrixPower: needs square matrices, got shape [2, 3]"],
    [() => linalg.solve(x23, zeros([2])), "solve: needs square matrices, got shape [2, 3]"],
    [() => linalg.solve(x33, zeros([2, 5])), "solve: shapes [3, 3] and [2, 5] do not fit: 3 unknowns, but 2 equations"],
    [
      () => linalg.solveTriangular(x33, zeros([4])),
      "solveTriangular: shapes [3, 3] and [4, 1] do not fit: 3 unknowns, but 4 equations",
    ],
    [() => linalg.solve(x33, zeros([])), "solve: the right-hand side has no axis"],
    [() => linalg.solve(zeros([3]), zeros([3])), "solve: needs a matrix in the last two axes, got shape [3]"],
    [() => linalg.solve(zeros([2, 3, 3]), zeros([5, 3, 1])), "solve: shapes [2] and [5] cannot be broadcast together"],
    [() => linalg.solve(x33, zeros([3], "float64")), "solve: dtypes float32[3, 3] and float64[3, 1] differ"],
    [() => linalg.lstsq(x23, zeros([3])), "lstsq: shapes [2, 3] and [3] do not fit: 2 rows, but 3 values"],
    [() => linalg.lstsq(x23, zeros([2], "float64")), "lstsq: dtypes float32[2, 3] and float64[2] differ"],
    [() => linalg.svd(zeros([3])), "svd: needs a matrix in the last two axes, got shape [3]"],
    [() => linalg.pinv(zeros([3])), "pinv: needs a matrix in the last two axes, got shape [3]"],
    [() => linalg.norm(zeros([3])), "norm: needs a matrix in the last two axes, got shape [3]"],
    [
      () => linalg.expm(zeros([2, 2], "int32")),
      "expm: not defined for dtype int32; convert to float32 or float64 with cast()",
    ],
    [() => linalg.qr(zeros([3])), "qr: needs a matrix in the last two axes, got shape [3]"],
    [
      () => linalg.svd(zeros([2, 2], "int32")),
      "svd: not defined for dtype int32; convert to float32 or float64 with cast()",
    ],
  ];
  for (const [f, message] of wrong) {
    expect(f).toThrow(ShapeError);
    expect(f).toThrow(message);
  }
  expect(() => linalg.matrixPower(x33, 0.5)).toThrow("matrixPower: the exponent 0.5 is not an integer.");
});

it("gradients that do not exist say what to do", () => {
  expect(() => grad((a: typeof x33) => sum(linalg.qr(a, { mode: "complete" }).q))(zeros([3, 2]))).toThrow(
    'qr: the complete factorisation of a tall matrix has no gradient; use the mode "reduced".',
  );
  expect(() => grad((a: typeof x33) => sum(linalg.svd(a, { full: true }).u))(zeros([3, 2]))).toThrow(
    "svd: the additional vectors of the full decomposition have no gradient; leave out { full }.",
  );
});

onEachBackend("values that an algorithm cannot take", () => {
  const wrong: readonly (readonly [string, () => { data(): Promise<unknown> }, string])[] = [
    [
      "an indefinite matrix",
      () => linalg.cholesky(matrixOf([4, 2, 0], [2, 0.8, 0], [0, 0, 1])),
      "cholesky: the matrix is not positive definite: pivot 1 is -0.19999999999999996.",
    ],
    [
      "a large indefinite matrix",
      () =>
        linalg.logdet(
          matrixOf(
            ...Array.from({ length: 70 }, (_, i) =>
              Array.from({ length: 70 }, (_, j) => (i === j ? (i === 66 ? -2 : 1) : 0)),
            ),
          ),
        ),
      "cholesky: the matrix is not positive definite: pivot 66 is -2.",
    ],
    [
      "one matrix of several",
      () => linalg.cholesky(tensor(Float64Array.of(1, 2, -3, 4), { shape: [2, 2, 1, 1] })),
      "cholesky (matrix [1, 0]): the matrix is not positive definite: pivot 0 is -3.",
    ],
    [
      "a singular matrix",
      () => linalg.solve(matrixOf([1, 2], [2, 4]), matrixOf([1], [1])),
      "solve: the matrix is singular: pivot 1 is 0.",
    ],
    [
      "a singular matrix's inverse",
      () => linalg.inv(matrixOf([0, 0], [0, 0])),
      "solve: the matrix is singular: pivot 0 is 0.",
    ],
    [
      "a singular triangle",
      () => linalg.solveTriangular(matrixOf([1, 0], [5, 0]), matrixOf([1], [1])),
      "solveTriangular: the matrix is singular: element 1 of its diagonal is 0.",
    ],
    ["NaN", () => linalg.svd(matrixOf([1, 2, 3], [4, 5, Number.NaN])).s, "svd: element [1, 2] is NaN."],
    [
      "infinity in a batch",
      () => linalg.eigvalsh(tensor(Float64Array.of(1, 2, Number.NEGATIVE_INFINITY), { shape: [3, 1, 1] })),
      "eigh: element [2, 0, 0] is -Infinity.",
    ],
    [
      "infinity on the right",
      () => linalg.solve(matrixOf([1]), matrixOf([Number.POSITIVE_INFINITY])),
      "solve: element [0, 0] is Infinity.",
    ],
  ];
  for (const [what, f, message] of wrong) {
    it(what, async () => {
      const caught = await f()
        .data()
        .catch((error: unknown) => error);
      expect(caught).toBeInstanceOf(HebbError);
      expect((caught as Error).message).toBe(message);
    });
  }

  it("a singular matrix has a determinant of 0", async () => {
    expect(await linalg.det(matrixOf([1, 2], [2, 4])).item()).toBe(0);
    const { sign, logdet } = linalg.slogdet(matrixOf([1, 2], [2, 4]));
    expect([await sign.item(), await logdet.item()]).toEqual([0, Number.NEGATIVE_INFINITY]);
  });
});

it("iterations that do not converge are errors", () => {
  expect(() => jacobiEigen(matrix(2, 2, Float64Array.of(1, Number.NaN, Number.NaN, 1)))).toThrow(
    "Jacobi rotations did not converge in 60 sweeps.",
  );
  expect(() => secularRoots(Float64Array.of(0, 1), false, Float64Array.of(Number.NaN, 1), 1)).toThrow(
    "a secular equation was not solved in 200 iterations.",
  );
});
