import { HebbError } from "../../errors.js";
import { copy, identity, type Matrix, type Product, takeColumns, transposed } from "./matrix.js";
import { formQ, qrFactor } from "./qr.js";

const sweeps = 60;
const epsilon = 2 ** -52;

/** Eigenvalues in ascending order with their vectors in the columns. */
export interface Eigen {
  readonly values: Float64Array;
  readonly vectors: Matrix;
}

/** Indices that sort `values` in ascending order. */
export const ascending = (values: Float64Array): number[] =>
  Array.from(values, (_, i) => i).sort((i, j) => values[i] - values[j]);

/** The eigendecomposition of a small symmetric matrix, by cyclic Jacobi rotations; overwrites `a`. */
export function jacobiEigen(a: Matrix): Eigen {
  const n = a.rows;
  const v = identity(n);
  const at = (i: number, j: number) => a.at + i * a.stride + j;
  let squares = 0;
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) squares += a.data[at(i, j)] ** 2;
  const negligible = 0.01 * epsilon * Math.sqrt(squares);
  for (let sweep = 0, rotated = true; rotated; sweep++) {
    if (sweep === sweeps) throw new HebbError(`Jacobi rotations did not converge in ${sweeps} sweeps.`);
    rotated = false;
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        const apq = a.data[at(p, q)];
        if (Math.abs(apq) <= negligible) continue;
        rotated = true;
        const { c, s } = rotation(a.data[at(p, p)], a.data[at(q, q)], apq);
        rotate(a.data, at(p, 0), at(q, 0), 1, n, c, s);
        rotate(a.data, at(0, p), at(0, q), a.stride, n, c, s);
        rotate(v.data, p * n, q * n, 1, n, c, s);
        a.data[at(p, q)] = a.data[at(q, p)] = 0;
      }
    }
  }
  const diagonal = Float64Array.from({ length: n }, (_, i) => a.data[at(i, i)]);
  const order = ascending(diagonal);
  return { values: Float64Array.from(order, (i) => diagonal[i]), vectors: takeColumns(transposed(v), order) };
}

/** The rotation that makes [[p, x], [x, q]] diagonal, by the smaller of the two angles. */
function rotation(p: number, q: number, x: number): { c: number; s: number } {
  const theta = (q - p) / (2 * x);
  const t = 1 / (Math.abs(theta) + Math.hypot(1, theta));
  const c = 1 / Math.hypot(1, t);
  return { c, s: (theta < 0 ? -t : t) * c };
}

/** Replaces vectors x and y of n elements by c x - s y and s x + c y. */
export function rotate(data: Float64Array, x: number, y: number, step: number, n: number, c: number, s: number): void {
  for (let i = 0; i < n; i++, x += step, y += step) {
    const [dx, dy] = [data[x], data[y]];
    data[x] = c * dx - s * dy;
    data[y] = s * dx + c * dy;
  }
}

/** a = u diag(s) v', values in descending order, with all columns of square orthogonal u and v. */
export interface Singular {
  readonly u: Matrix;
  readonly s: Float64Array;
  readonly v: Matrix;
}

/**
 * The singular value decomposition of a small matrix with no more rows than columns, by one-sided Jacobi rotations:
 * rows are rotated until they are orthogonal. Their QR factorisation then gives v, with columns also where rows vanish.
 */
export async function jacobiSvd(a: Matrix, product: Product): Promise<Singular> {
  const [m, n] = [a.rows, a.cols];
  const g = copy(a);
  const u = identity(m);
  const inner = (p: number, q: number) => {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += g.data[p * n + k] * g.data[q * n + k];
    return sum;
  };
  // A row that is only rounding is turned by the others for ever, and may have any direction.
  const negligible = epsilon * Math.sqrt(g.data.reduce((sum, x) => sum + x * x, 0));
  for (let sweep = 0, rotated = true; rotated; sweep++) {
    if (sweep === sweeps) throw new HebbError(`Jacobi rotations did not converge in ${sweeps} sweeps.`);
    rotated = false;
    for (let p = 0; p < m - 1; p++) {
      for (let q = p + 1; q < m; q++) {
        const [pp, qq, pq] = [inner(p, p), inner(q, q), inner(p, q)];
        const [long, short] = [Math.sqrt(Math.max(pp, qq)), Math.sqrt(Math.min(pp, qq))];
        if (short <= negligible || Math.abs(pq) <= Math.sqrt(n) * epsilon * long * short) continue;
        rotated = true;
        const { c, s } = rotation(pp, qq, pq);
        rotate(g.data, p * n, q * n, 1, n, c, s);
        rotate(u.data, p * m, q * m, 1, m, c, s);
      }
    }
  }
  const norms = Float64Array.from({ length: m }, (_, i) => Math.sqrt(inner(i, i)));
  const order = ascending(norms).reverse();
  const factored = await qrFactor(takeColumns(transposed(g), order), product);
  return {
    u: takeColumns(transposed(u), order),
    s: Float64Array.from(order, (i) => norms[i]),
    v: await formQ(factored, n, product),
  };
}
