/** A rectangle of a row-major array: element (i, j) is `data[at + i * stride + j]`. */
export interface Matrix {
  readonly data: Float64Array;
  readonly at: number;
  readonly stride: number;
  readonly rows: number;
  readonly cols: number;
}

/** The product of two dense row-major arrays, of which `a` gives m rows after an optional transposition, `b` n columns. */
export type Product = (
  a: Float64Array,
  b: Float64Array,
  sizes: { readonly m: number; readonly k: number; readonly n: number },
  flags: { readonly transposeA: boolean; readonly transposeB: boolean },
) => Promise<Float64Array>;

export const matrix = (rows: number, cols: number, data: Float64Array = new Float64Array(rows * cols)): Matrix => ({
  data,
  at: 0,
  stride: cols,
  rows,
  cols,
});

export function identity(rows: number, cols = rows): Matrix {
  const out = matrix(rows, cols);
  for (let i = 0; i < Math.min(rows, cols); i++) out.data[i * cols + i] = 1;
  return out;
}

/** The rectangle of `rows` by `cols` elements that starts at (i, j); it shares its elements with `a`. */
export const block = (a: Matrix, i: number, j: number, rows: number, cols: number): Matrix => ({
  data: a.data,
  at: a.at + i * a.stride + j,
  stride: a.stride,
  rows,
  cols,
});

/** The elements in row-major order without gaps: shared with `a` where it has none, else a copy. */
export function dense({ data, at, stride, rows, cols }: Matrix): Float64Array {
  if (stride === cols || rows === 1) return data.subarray(at, at + rows * cols);
  const out = new Float64Array(rows * cols);
  for (let i = 0; i < rows; i++) {
    const from = at + i * stride;
    out.set(data.subarray(from, from + cols), i * cols);
  }
  return out;
}

export const copy = (a: Matrix): Matrix => matrix(a.rows, a.cols, dense(a).slice());

/** A copy with rows and columns exchanged, made tile by tile so that both sides stay in cache. */
export function transposed({ data, at, stride, rows, cols }: Matrix): Matrix {
  const out = matrix(cols, rows);
  const step = 32;
  for (let i0 = 0; i0 < rows; i0 += step) {
    for (let j0 = 0; j0 < cols; j0 += step) {
      const [i1, j1] = [Math.min(i0 + step, rows), Math.min(j0 + step, cols)];
      for (let i = i0; i < i1; i++) {
        for (let j = j0; j < j1; j++) out.data[j * rows + i] = data[at + i * stride + j];
      }
    }
  }
  return out;
}

/** Copies the elements of `from` to `to`, which has the same size. */
export function assign(to: Matrix, from: Matrix): void {
  for (let i = 0; i < to.rows; i++) {
    const start = from.at + i * from.stride;
    to.data.set(from.data.subarray(start, start + from.cols), to.at + i * to.stride);
  }
}

/** The columns `order[0]`, `order[1]`, ... of `a`, as a new matrix. */
export function takeColumns(a: Matrix, order: ArrayLike<number>): Matrix {
  const out = matrix(a.rows, order.length);
  for (let i = 0, at = 0; i < a.rows; i++) {
    const row = a.at + i * a.stride;
    for (let j = 0; j < order.length; j++) out.data[at++] = a.data[row + order[j]];
  }
  return out;
}

interface Reading {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/** Products of fewer multiplications than this are faster in plain loops than through the runtime. */
const small = 48 ** 3;

/** a b, or with transposed operands. */
export async function multiply(product: Product, a: Matrix, b: Matrix, flags: Reading = {}): Promise<Matrix> {
  const { transposeA = false, transposeB = false } = flags;
  const [m, k] = transposeA ? [a.cols, a.rows] : [a.rows, a.cols];
  const n = transposeB ? b.rows : b.cols;
  if (m * k * n >= small) {
    return matrix(m, n, await product(dense(a), dense(b), { m, k, n }, { transposeA, transposeB }));
  }
  const out = matrix(m, n);
  addLoops(out, 1, transposeA ? transposed(a) : a, transposeB ? transposed(b) : b);
  return out;
}

/** Results are computed in tiles of this size: a few shapes for all of an algorithm, and little memory between them. */
const tile = 512;

/** Adds `factor` times the product of a and b to c, in place; with `lower`, perhaps not to what is above its diagonal. */
export async function addProduct(
  product: Product,
  c: Matrix,
  factor: number,
  a: Matrix,
  b: Matrix,
  { transposeA = false, transposeB = false, lower = false }: Reading & { readonly lower?: boolean } = {},
): Promise<void> {
  const k = transposeA ? a.rows : a.cols;
  if (c.rows * k * c.cols < small) {
    addLoops(c, factor, transposeA ? transposed(a) : a, transposeB ? transposed(b) : b);
    return;
  }
  const tiles = (size: number) =>
    Array.from({ length: Math.ceil(size / tile) }, (_, i) => ({
      at: i * tile,
      size: Math.min(tile, size - i * tile),
    }));
  const columns = tiles(c.cols).map(({ at, size }) => ({
    at,
    size,
    data: dense(transposeB ? block(b, at, 0, size, k) : block(b, 0, at, k, size)),
  }));
  for (const { at, size } of tiles(c.rows)) {
    const rows = dense(transposeA ? block(a, 0, at, k, size) : block(a, at, 0, size, k));
    for (const column of columns) {
      if (lower && column.at > at) break;
      const sizes = { m: size, k, n: column.size };
      const data = await product(rows, column.data, sizes, { transposeA, transposeB });
      addTile(block(c, at, column.at, size, column.size), factor, data);
    }
  }
}

function addTile({ data, at, stride, rows, cols }: Matrix, factor: number, terms: Float64Array): void {
  for (let i = 0, from = 0; i < rows; i++) {
    const end = at + i * stride + cols;
    for (let to = end - cols; to < end; to++) data[to] += factor * terms[from++];
  }
}

/** Products in plain loops, for matrices that are never large. */
export const loops: Product = async (a, b, { m, k, n }, { transposeA, transposeB }) => {
  const out = matrix(m, n);
  const left = transposeA ? transposed(matrix(k, m, a)) : matrix(m, k, a);
  addLoops(out, 1, left, transposeB ? transposed(matrix(n, k, b)) : matrix(k, n, b));
  return out.data;
};

/** c += factor a b, four rows of b at a time. */
function addLoops(c: Matrix, factor: number, a: Matrix, b: Matrix): void {
  const [cd, ad, bd] = [c.data, a.data, b.data];
  const n = c.cols;
  const step = b.stride;
  for (let i = 0; i < c.rows; i++) {
    const start = c.at + i * c.stride;
    const row = a.at + i * a.stride;
    let p = 0;
    for (; p + 3 < a.cols; p += 4) {
      const a0 = factor * ad[row + p];
      const a1 = factor * ad[row + p + 1];
      const a2 = factor * ad[row + p + 2];
      const a3 = factor * ad[row + p + 3];
      let from = b.at + p * step;
      for (let to = start; to < start + n; to++, from++) {
        cd[to] += a0 * bd[from] + a1 * bd[from + step] + a2 * bd[from + 2 * step] + a3 * bd[from + 3 * step];
      }
    }
    for (; p < a.cols; p++) {
      const ap = factor * ad[row + p];
      let from = b.at + p * step;
      for (let to = start; to < start + n; to++, from++) cd[to] += ap * bd[from];
    }
  }
}

/** The largest absolute value. */
export function largest({ data, at, stride, rows, cols }: Matrix): number {
  let out = 0;
  for (let i = 0; i < rows; i++) {
    for (let p = at + i * stride; p < at + i * stride + cols; p++) out = Math.max(out, Math.abs(data[p]));
  }
  return out;
}

/**
 * The power of two nearest to the reciprocal of the largest absolute value (1 for a zero matrix): multiplying by it is
 * exact and keeps squares of elements in range.
 */
export function unitScale(a: Matrix): number {
  const size = largest(a);
  return size === 0 ? 1 : 2 ** -Math.max(Math.min(Math.floor(Math.log2(size)), 1022), -1022);
}

export function scale(a: Matrix, factor: number): void {
  if (factor === 1) return;
  for (let i = 0; i < a.rows; i++) {
    const start = a.at + i * a.stride;
    for (let p = start; p < start + a.cols; p++) a.data[p] *= factor;
  }
}

/** (a + a') / 2, as a new matrix. */
export function symmetricPart(a: Matrix): Matrix {
  const out = transposed(a);
  const n = a.rows;
  for (let i = 0; i < n; i++) {
    const row = a.at + i * a.stride;
    for (let j = 0; j < n; j++) out.data[i * n + j] = 0.5 * out.data[i * n + j] + 0.5 * a.data[row + j];
  }
  return out;
}
