import { ascending, type Eigen, jacobiEigen, rotate } from "./jacobi.js";
import { addProduct, assign, block, type Matrix, matrix, type Product, takeColumns } from "./matrix.js";
import { reflector } from "./reflectors.js";
import { combineColumns, secularRoots } from "./secular.js";

/** A symmetric matrix as Q T Q': T tridiagonal, Q = H1 H2 ... the product of reflectors. */
export interface Tridiagonal {
  readonly diagonal: Float64Array;
  readonly offDiagonal: Float64Array;
  /** Column j is the vector of reflector j, zero up to row j. */
  readonly v: Matrix;
  readonly tau: Float64Array;
}

const width = 32;

/**
 * Householder tridiagonalisation of a dense symmetric matrix, of which the lower triangle is read and overwritten. Within
 * a panel of columns the rest of the matrix stays as it was and corrections are kept as a product V W' + W V', which is
 * subtracted at the panel's end (Dongarra, Sorensen and Hammarling 1989). The other half of the work is one product with
 * a vector for each column.
 */
export async function tridiagonalise(a: Matrix, product: Product): Promise<Tridiagonal> {
  const n = a.rows;
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(n - 1);
  const tau = new Float64Array(n - 1);
  const v = matrix(n, n - 1);
  const x = new Float64Array(n);
  const y = new Float64Array(n);
  for (let from = 0; from < n - 1; from += width) {
    const size = Math.min(width, n - 1 - from);
    // Row i of `low` is [V W] of row i, of `high` [W V]: corrections are low high'.
    const low = new Float64Array(n * 2 * size);
    const high = new Float64Array(n * 2 * size);
    const sums = new Float64Array(2 * size);
    for (let c = 0; c < size; c++) {
      const j = from + c;
      const pivot = j * 2 * size;
      for (let i = j; i < n; i++) {
        let value = a.data[i * n + j];
        const row = i * 2 * size;
        for (let p = 0; p < c; p++) {
          value -= low[row + p] * high[pivot + p] + low[row + size + p] * high[pivot + size + p];
        }
        x[i] = value;
      }
      diagonal[j] = x[j];
      const made = reflector(x, j + 1, 1, n - j - 1);
      offDiagonal[j] = made.beta;
      tau[j] = made.tau;
      // w = tau (A - V W' - W V') v - (tau / 2) (w' v) v
      symmetricTimes(a.data, n, j + 1, x, y);
      sums.fill(0);
      for (let i = j + 1; i < n; i++) {
        const row = i * 2 * size;
        for (let p = 0; p < c; p++) {
          sums[p] += high[row + p] * x[i];
          sums[size + p] += high[row + size + p] * x[i];
        }
      }
      let inner = 0;
      for (let i = j + 1; i < n; i++) {
        const row = i * 2 * size;
        for (let p = 0; p < c; p++) y[i] -= low[row + p] * sums[p] + low[row + size + p] * sums[size + p];
        y[i] *= made.tau;
        inner += y[i] * x[i];
      }
      const shift = (made.tau / 2) * inner;
      for (let i = j + 1; i < n; i++) {
        const row = i * 2 * size + c;
        const w = y[i] - shift * x[i];
        low[row] = high[row + size] = x[i];
        low[row + size] = high[row] = w;
        v.data[i * (n - 1) + j] = x[i];
      }
    }
    const next = from + size;
    const rest = (data: Float64Array) => block(matrix(n, 2 * size, data), next, 0, n - next, 2 * size);
    await addProduct(product, block(a, next, next, n - next, n - next), -1, rest(low), rest(high), {
      transposeB: true,
      lower: true,
    });
  }
  diagonal[n - 1] = a.data[n * n - 1];
  return { diagonal, offDiagonal, v, tau };
}

/** y = A x for rows and columns from `first`; reads each element of the lower triangle once, four rows at a time. */
function symmetricTimes(a: Float64Array, n: number, first: number, x: Float64Array, y: Float64Array): void {
  y.fill(0, first);
  let i = first;
  for (; i + 3 < n; i += 4) {
    const [r0, r1, r2, r3] = [i * n, (i + 1) * n, (i + 2) * n, (i + 3) * n];
    const [x0, x1, x2, x3] = [x[i], x[i + 1], x[i + 2], x[i + 3]];
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    for (let j = first; j < i; j++) {
      const xj = x[j];
      const a0 = a[r0 + j];
      const a1 = a[r1 + j];
      const a2 = a[r2 + j];
      const a3 = a[r3 + j];
      s0 += a0 * xj;
      s1 += a1 * xj;
      s2 += a2 * xj;
      s3 += a3 * xj;
      y[j] += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3;
    }
    y[i] += s0;
    y[i + 1] += s1;
    y[i + 2] += s2;
    y[i + 3] += s3;
    for (let p = i; p < i + 4; p++) symmetricRow(a, n, i, p, x, y);
  }
  for (; i < n; i++) symmetricRow(a, n, first, i, x, y);
}

/** The share of row i of the lower triangle, from column `first` to the diagonal, and of its mirror image. */
function symmetricRow(a: Float64Array, n: number, first: number, i: number, x: Float64Array, y: Float64Array): void {
  let sum = a[i * n + i] * x[i];
  for (let j = first; j < i; j++) {
    sum += a[i * n + j] * x[j];
    y[j] += a[i * n + j] * x[i];
  }
  y[i] += sum;
}

const base = 24;

/**
 * The eigendecomposition of a symmetric tridiagonal matrix by divide and conquer (Cuppen 1981; Gu and Eisenstat 1995):
 * T is a block diagonal matrix of two halves plus rho u u', so that its eigenvalues solve a secular equation.
 */
export async function tridiagonalEigen(
  diagonal: Float64Array,
  offDiagonal: Float64Array,
  product: Product,
): Promise<Eigen> {
  const n = diagonal.length;
  if (n <= base) {
    const t = matrix(n, n);
    for (let i = 0; i < n; i++) {
      t.data[i * n + i] = diagonal[i];
      if (i + 1 < n) t.data[i * n + i + 1] = t.data[(i + 1) * n + i] = offDiagonal[i];
    }
    return jacobiEigen(t);
  }
  const h = n >> 1;
  const coupling = offDiagonal[h - 1];
  const d = diagonal.slice();
  d[h - 1] -= Math.abs(coupling);
  d[h] -= Math.abs(coupling);
  const left = await tridiagonalEigen(d.subarray(0, h), offDiagonal.subarray(0, h - 1), product);
  const right = await tridiagonalEigen(d.subarray(h), offDiagonal.subarray(h), product);
  return merge(left, right, coupling, product);
}

async function merge(left: Eigen, right: Eigen, coupling: number, product: Product): Promise<Eigen> {
  const [h, n] = [left.values.length, left.values.length + right.values.length];
  const q = matrix(n, n);
  assign(block(q, 0, 0, h, h), left.vectors);
  assign(block(q, h, h, n - h, n - h), right.vectors);
  const d = new Float64Array(n);
  d.set(left.values);
  d.set(right.values, h);
  // u = (last row of the left half, first row of the right half): of length sqrt(2), so it is halved in square.
  const z = new Float64Array(n);
  const sign = coupling < 0 ? -1 : 1;
  for (let c = 0; c < n; c++) z[c] = (c < h ? q.data[(h - 1) * n + c] : sign * q.data[h * n + c]) * Math.SQRT1_2;
  const rho = 2 * Math.abs(coupling);
  const { kept, deflated, halves } = deflate(d, z, rho, q, h);

  const roots = secularRoots(
    Float64Array.from(kept, (c) => d[c]),
    false,
    Float64Array.from(kept, (c) => z[c]),
    rho,
  );
  normaliseRows(roots.vectors);
  const combined = await combineColumns(q, h, halves, kept, roots.vectors, product);
  const k = kept.length;
  const values = new Float64Array(n);
  for (let j = 0; j < k; j++) values[j] = d[kept[roots.origin[j]]] + roots.offset[j];
  deflated.forEach((c, i) => {
    values[k + i] = d[c];
  });
  const all = matrix(n, n);
  assign(block(all, 0, 0, n, k), combined);
  assign(block(all, 0, k, n, n - k), takeColumns(q, deflated));
  const order = ascending(values);
  return { values: Float64Array.from(order, (c) => values[c]), vectors: takeColumns(all, order) };
}

/**
 * Finds the columns of q that are eigenvectors already, to rounding: those with a negligible weight, and one of each pair
 * with nearly equal values once a rotation has moved its weight to the other.
 */
function deflate(
  d: Float64Array,
  z: Float64Array,
  rho: number,
  q: Matrix,
  h: number,
): { kept: number[]; deflated: number[]; halves: Uint8Array } {
  const size = (values: Float64Array) => values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const tolerance = 8 * 2 ** -53 * Math.max(size(d), size(z));
  const halves = Uint8Array.from(d, (_, c) => (c < h ? 1 : 2));
  const kept: number[] = [];
  const deflated: number[] = [];
  let held = -1;
  for (const c of ascending(d)) {
    if (rho * Math.abs(z[c]) <= tolerance) {
      deflated.push(c);
      continue;
    }
    if (held >= 0) {
      const length = Math.hypot(z[held], z[c]);
      const [cosine, sine] = [z[c] / length, z[held] / length];
      if (Math.abs((d[c] - d[held]) * cosine * sine) <= tolerance) {
        [z[held], z[c]] = [0, length];
        rotate(q.data, held, c, q.stride, q.rows, cosine, sine);
        halves[held] = halves[c] = halves[held] | halves[c];
        [d[held], d[c]] = [d[held] * cosine ** 2 + d[c] * sine ** 2, d[held] * sine ** 2 + d[c] * cosine ** 2];
        deflated.push(held);
      } else kept.push(held);
    }
    held = c;
  }
  if (held >= 0) kept.push(held);
  return { kept, deflated, halves };
}

export function normaliseRows({ data, rows, cols }: Matrix): void {
  for (let i = 0; i < rows; i++) {
    const row = data.subarray(i * cols, (i + 1) * cols);
    let squares = 0;
    for (let p = 0; p < cols; p++) squares += row[p] * row[p];
    const factor = 1 / Math.sqrt(squares);
    for (let p = 0; p < cols; p++) row[p] *= factor;
  }
}
