import { linalg, matmul, mul, square, type Tensor, tril, triu } from "../../../src/engine/index.js";
import type { Fill } from "../helpers.js";
import type { PrimitiveCase } from "../primitive-cases.js";

/** Far from singular: the diagonal outweighs the rest. */
const regular: Fill = { shape: [3, 3], values: [4, 1, -0.5, 0.7, -3.5, 1.2, -1.1, 0.4, 2.9] };
const right: Fill = { shape: [3, 2], range: [-1, 1] };
const positive = (x: Tensor): Tensor => matmul(x, x, { transposeB: true });

const invert = ([a, b, c, d, e, f, g, h, i]: number[]): number[] => {
  const det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  const adjugate = [e * i - f * h, c * h - b * i, b * f - c * e];
  adjugate.push(f * g - d * i, a * i - c * g, c * d - a * f, d * h - e * g, b * g - a * h, a * e - b * d);
  return adjugate.map((x) => x / det);
};
const times = (a: number[], b: number[]): number[] =>
  [0, 1, 2].flatMap((i) => [0, 1].map((j) => [0, 1, 2].reduce((s, k) => s + a[3 * i + k] * b[2 * k + j], 0)));

export const linalgCases: readonly PrimitiveCase[] = [
  { primitive: "cholesky", label: "of A A'", inputs: [regular], f: (x) => linalg.cholesky(positive(x)) },
  {
    primitive: "solveTriangular",
    label: "lower",
    inputs: [regular, right],
    f: (a, b) => linalg.solveTriangular(a, b),
    expected: ([a, , , d, e, , g, h, i], b) => times(invert([a, 0, 0, d, e, 0, g, h, i]), b),
  },
  {
    primitive: "solveTriangular",
    label: "upper, transposed",
    inputs: [regular, right],
    f: (a, b) => linalg.solveTriangular(a, b, { lower: false, transpose: true }),
  },
  {
    primitive: "solveTriangular",
    label: "unit diagonal",
    inputs: [regular, right],
    f: (a, b) => linalg.solveTriangular(a, b, { unitDiagonal: true }),
  },
  {
    primitive: "solve",
    label: "three unknowns",
    inputs: [regular, right],
    f: linalg.solve,
    expected: (a, b) => times(invert(a), b),
  },
  {
    primitive: "lu",
    label: "both factors",
    inputs: [regular],
    f: (a) => {
      const { l, u } = linalg.lu(a);
      return tril(square(l), -1).add(triu(mul(u, 2)));
    },
  },
  {
    primitive: "slogdet",
    label: "logarithm",
    inputs: [regular],
    f: (a) => linalg.slogdet(a).logdet,
    expected: ([a, b, c, d, e, f, g, h, i]) => [
      Math.log(Math.abs(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g))),
    ],
  },
  {
    primitive: "qr",
    label: "both factors",
    inputs: [{ shape: [4, 3] }],
    f: (a) => {
      const { q, r } = linalg.qr(a);
      return matmul(q, square(r));
    },
  },
  {
    primitive: "eigh",
    label: "values and vectors",
    inputs: [regular],
    f: (a) => {
      const { values, vectors } = linalg.eigh(a);
      return matmul(mul(vectors, values), square(vectors));
    },
  },
  {
    primitive: "svd",
    label: "values and vectors",
    inputs: [{ shape: [3, 4] }],
    f: (a) => {
      const { u, s, vt } = linalg.svd(a);
      return matmul(mul(square(u), s), square(vt));
    },
    gradientTolerance: 1e-6,
  },
];
