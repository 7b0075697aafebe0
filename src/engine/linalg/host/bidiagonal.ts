import { ascending, jacobiSvd, rotate, type Singular } from "./jacobi.js";
import { addProduct, assign, block, type Matrix, matrix, type Product, takeColumns } from "./matrix.js";
import { reflector } from "./reflectors.js";
import { combineColumns, secularRoots } from "./secular.js";
import { normaliseRows } from "./tridiagonal.js";

/** A square matrix as U B V': B upper bidiagonal, U and V products of reflectors. */
export interface Bidiagonal {
  readonly diagonal: Float64Array;
  /** Above the diagonal. */
  readonly offDiagonal: Float64Array;
  /** Column j is the vector of left reflector j, zero above row j. */
  readonly left: Matrix;
  readonly tauLeft: Float64Array;
  /** Column j is the vector of right reflector j, zero up to row j. */
  readonly right: Matrix;
  readonly tauRight: Float64Array;
}

const width = 32;

/**
 * Householder bidiagonalisation of a dense square matrix, which is overwritten; as in `tridiagonalise`, corrections
 * V Y' + X U' are kept back until a panel of columns and rows is done.
 */
export async function bidiagonalise(a: Matrix, product: Product): Promise<Bidiagonal> {
  const n = a.rows;
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(n - 1);
  const tauLeft = new Float64Array(n);
  const tauRight = new Float64Array(n - 1);
  const left = matrix(n, n);
  const right = matrix(n, n - 1);
  const [x, y] = [new Float64Array(n), new Float64Array(n)];
  for (let from = 0; from < n; from += width) {
    const size = Math.min(width, n - from);
    // Row i of `low` is [V X] of row i, row j of `high` is [Y U] of column j: corrections are low high'.
    const low = new Float64Array(n * 2 * size);
    const high = new Float64Array(n * 2 * size);
    const sums = new Float64Array(2 * size);
    /** y -= b (c' x), for rows of b and c from `first`, where columns `p` of the first and `q` of the second half count. */
    const correct = (b: Float64Array, c: Float64Array, rowsB: number, rowsC: number, p: number, q: number) => {
      sums.fill(0);
      for (let i = rowsC; i < n; i++) {
        const row = i * 2 * size;
        for (let k = 0; k < p; k++) sums[k] += c[row + k] * x[i];
        for (let k = size; k < size + q; k++) sums[k] += c[row + k] * x[i];
      }
      for (let i = rowsB; i < n; i++) {
        const row = i * 2 * size;
        for (let k = 0; k < p; k++) y[i] -= b[row + k] * sums[k];
        for (let k = size; k < size + q; k++) y[i] -= b[row + k] * sums[k];
      }
    };
    /** The element (i, j) of the matrix with corrections. */
    const element = (i: number, j: number, p: number, q: number) => {
      let value = a.data[i * n + j];
      const [row, col] = [i * 2 * size, j * 2 * size];
      for (let k = 0; k < p; k++) value -= low[row + k] * high[col + k];
      for (let k = size; k < size + q; k++) value -= low[row + k] * high[col + k];
      return value;
    };
    for (let c = 0; c < size; c++) {
      const j = from + c;
      for (let i = j; i < n; i++) x[i] = element(i, j, c, c);
      const column = reflector(x, j, 1, n - j);
      diagonal[j] = column.beta;
      tauLeft[j] = column.tau;
      for (let i = j; i < n; i++) low[i * 2 * size + c] = left.data[i * n + j] = x[i];
      if (j === n - 1) break;
      transposedTimes(a.data, n, j, j + 1, x, y);
      correct(high, low, j + 1, j, c, c);
      for (let i = j + 1; i < n; i++) high[i * 2 * size + c] = column.tau * y[i];

      for (let i = j + 1; i < n; i++) x[i] = element(j, i, c + 1, c);
      const row = reflector(x, j + 1, 1, n - j - 1);
      offDiagonal[j] = row.beta;
      tauRight[j] = row.tau;
      for (let i = j + 1; i < n; i++) high[i * 2 * size + size + c] = right.data[i * (n - 1) + j] = x[i];
      times(a.data, n, j + 1, j + 1, x, y);
      correct(low, high, j + 1, j + 1, c + 1, c);
      for (let i = j + 1; i < n; i++) low[i * 2 * size + size + c] = row.tau * y[i];
    }
    const next = from + size;
    const rest = (data: Float64Array) => block(matrix(n, 2 * size, data), next, 0, n - next, 2 * size);
    await addProduct(product, block(a, next, next, n - next, n - next), -1, rest(low), rest(high), {
      transposeB: true,
    });
  }
  return { diagonal, offDiagonal, left, tauLeft, right, tauRight };
}

/** y = A x for rows from `row` and columns from `col`, four rows at a time. */
function times(a: Float64Array, n: number, row: number, col: number, x: Float64Array, y: Float64Array): void {
  let i = row;
  for (; i + 3 < n; i += 4) {
    const [r0, r1, r2, r3] = [i * n, (i + 1) * n, (i + 2) * n, (i + 3) * n];
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    for (let j = col; j < n; j++) {
      const xj = x[j];
      s0 += a[r0 + j] * xj;
      s1 += a[r1 + j] * xj;
      s2 += a[r2 + j] * xj;
      s3 += a[r3 + j] * xj;
    }
    y[i] = s0;
    y[i + 1] = s1;
    y[i + 2] = s2;
    y[i + 3] = s3;
  }
  for (; i < n; i++) {
    let sum = 0;
    for (let j = col; j < n; j++) sum += a[i * n + j] * x[j];
    y[i] = sum;
  }
}

/** y = A' x for rows from `row` and columns from `col`, four rows at a time. */
function transposedTimes(a: Float64Array, n: number, row: number, col: number, x: Float64Array, y: Float64Array): void {
  y.fill(0, col);
  let i = row;
  for (; i + 3 < n; i += 4) {
    const [r0, r1, r2, r3] = [i * n, (i + 1) * n, (i + 2) * n, (i + 3) * n];
    const [x0, x1, x2, x3] = [x[i], x[i + 1], x[i + 2], x[i + 3]];
    for (let j = col; j < n; j++) y[j] += a[r0 + j] * x0 + a[r1 + j] * x1 + a[r2 + j] * x2 + a[r3 + j] * x3;
  }
  for (; i < n; i++) for (let j = col; j < n; j++) y[j] += a[i * n + j] * x[i];
}

const base = 20;

/** The matrix is scaled to a largest element of about 1; squares of what counts must not underflow. */
const smallest = 2 ** -200;

/** The singular value decomposition of a square upper bidiagonal matrix, by divide and conquer. */
export async function bidiagonalSvd(
  diagonal: Float64Array,
  offDiagonal: Float64Array,
  product: Product,
): Promise<Singular> {
  const { u, s, v } = await divide(diagonal, offDiagonal, product);
  const order = Array.from(s, (_, i) => s.length - 1 - i);
  const values = s.toReversed().map((x) => (x < 1024 * smallest ? 0 : x));
  return { u: takeColumns(u, order), s: values, v: takeColumns(v, order) };
}

/**
 * Values in ascending order of the upper bidiagonal matrix with n rows, and with a column more than that when
 * `offDiagonal` has n elements; the last column of v then spans the null space. A row in the middle is taken out, and
 * the singular values of what is between the two parts' solve a secular equation (Gu and Eisenstat 1995).
 */
async function divide(diagonal: Float64Array, offDiagonal: Float64Array, product: Product): Promise<Singular> {
  const n = diagonal.length;
  const cols = offDiagonal.length + 1;
  if (n <= base) {
    const b = matrix(n, cols);
    for (let i = 0; i < n; i++) {
      b.data[i * cols + i] = diagonal[i];
      if (i + 1 < cols) b.data[i * cols + i + 1] = offDiagonal[i];
    }
    const { u, s, v } = await jacobiSvd(b, product);
    const order = Array.from(s, (_, i) => n - 1 - i);
    return {
      u: takeColumns(u, order),
      s: s.toReversed(),
      v: takeColumns(v, cols > n ? [...order, n] : order),
    };
  }
  const h = n >> 1;
  const upper = await divide(diagonal.subarray(0, h), offDiagonal.subarray(0, h), product);
  const lower = await divide(diagonal.subarray(h + 1), offDiagonal.subarray(h + 1), product);
  return merge(upper, lower, diagonal[h], offDiagonal[h], cols, product);
}

async function merge(
  upper: Singular,
  lower: Singular,
  alpha: number,
  beta: number,
  cols: number,
  product: Product,
): Promise<Singular> {
  const h = upper.s.length;
  const n = h + 1 + lower.s.length;
  // Columns 1 to h belong to the upper part, the others to the lower one; column 0 is the row taken out (of u), and the
  // null spaces' share in it (of v). The remaining null space, if any, is column n of v.
  const u = matrix(n, n);
  u.data[h * n] = 1;
  assign(block(u, 0, 1, h, h), upper.u);
  assign(block(u, h + 1, h + 1, n - h - 1, n - h - 1), lower.u);
  const v = matrix(cols, cols);
  assign(block(v, 0, 1, h + 1, h), block(upper.v, 0, 0, h + 1, h));
  assign(block(v, 0, 0, h + 1, 1), block(upper.v, 0, h, h + 1, 1));
  assign(block(v, h + 1, h + 1, cols - h - 1, cols - h - 1), lower.v);
  const d = new Float64Array(n);
  d.set(upper.s, 1);
  d.set(lower.s, h + 1);
  const z = Float64Array.from({ length: cols }, (_, c) =>
    c <= h ? alpha * v.data[h * cols + c] : beta * v.data[(h + 1) * cols + c],
  );
  const halves = Uint8Array.from({ length: n }, (_, c) => (c <= h ? 1 : 2));
  if (cols > n) {
    const length = Math.hypot(z[0], z[n]);
    if (length > 0) rotate(v.data, 0, n, cols, cols, z[0] / length, -z[n] / length);
    z[0] = length;
    halves[0] = 3;
  }
  const { kept, deflated } = deflate(d, z.subarray(0, n), Math.max(Math.abs(alpha), Math.abs(beta)), u, v, halves);

  const poles = Float64Array.from(kept, (c) => d[c]);
  const { origin, offset, vectors } = secularRoots(
    poles,
    true,
    Float64Array.from(kept, (c) => z[c]),
    1,
  );
  const k = kept.length;
  const values = new Float64Array(n);
  for (let j = 0; j < k; j++) {
    const pole = poles[origin[j]];
    values[j] = pole + offset[j] / (pole + Math.sqrt(pole * pole + offset[j]));
  }
  deflated.forEach((c, i) => {
    values[k + i] = d[c];
  });
  // v_i = z_i / (d_i^2 - s^2) and u_i = d_i v_i, but -1 for the row taken out.
  const leftVectors = matrix(k, k, vectors.data.slice());
  for (let j = 0; j < k; j++) {
    for (let i = 0; i < k; i++) leftVectors.data[j * k + i] *= poles[i];
    leftVectors.data[j * k] = -1;
  }
  normaliseRows(vectors);
  normaliseRows(leftVectors);
  const order = ascending(values);
  const arrange = async (basis: Matrix, rows: Matrix, inUpper: Uint8Array, last: number[]) => {
    const all = matrix(basis.rows, basis.cols);
    assign(block(all, 0, 0, basis.rows, k), await combineColumns(basis, h + 1, inUpper, kept, rows, product));
    assign(block(all, 0, k, basis.rows, basis.cols - k), takeColumns(basis, [...deflated, ...last]));
    return takeColumns(all, [...order, ...last]);
  };
  const inUpperLeft = Uint8Array.from(halves, (bits, c) => (c === 0 ? 1 : bits));
  return {
    u: await arrange(u, leftVectors, inUpperLeft, []),
    s: Float64Array.from(order, (c) => values[c]),
    v: await arrange(v, vectors, halves, cols > n ? [n] : []),
  };
}

/** As in `tridiagonalEigen`, but for rotations on both sides; weights and values too near zero are moved away from it. */
function deflate(
  d: Float64Array,
  z: Float64Array,
  size: number,
  u: Matrix,
  v: Matrix,
  halves: Uint8Array,
): { kept: number[]; deflated: number[] } {
  const tolerance = Math.max(64 * 2 ** -53 * d.reduce((most, x) => Math.max(most, x), size), smallest);
  if (Math.abs(z[0]) <= tolerance) z[0] = z[0] < 0 ? -tolerance : tolerance;
  const kept = [0];
  const deflated: number[] = [];
  let held = -1;
  for (const c of ascending(d)) {
    if (c === 0) continue;
    if (Math.abs(z[c]) <= tolerance) {
      deflated.push(c);
      continue;
    }
    if (held >= 0) {
      if (d[c] - d[held] <= tolerance) {
        const length = Math.hypot(z[held], z[c]);
        const [cosine, sine] = [z[c] / length, z[held] / length];
        [z[held], z[c]] = [0, length];
        rotate(u.data, held, c, u.stride, u.rows, cosine, sine);
        rotate(v.data, held, c, v.stride, v.rows, cosine, sine);
        halves[held] = halves[c] = halves[held] | halves[c];
        deflated.push(held);
      } else kept.push(held);
    }
    held = c;
  }
  if (held >= 0) kept.push(held);
  if (kept.length > 1) d[kept[1]] = Math.max(d[kept[1]], tolerance / 2);
  return { kept, deflated };
}
