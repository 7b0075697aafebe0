import { addProduct, block, type Matrix, type Product } from "./matrix.js";
import { solveTriangularInPlace } from "./triangular.js";

const base = 16;

export interface Permutation {
  /** Row i of L U is row `rows[i]` of the matrix. */
  readonly rows: Int32Array;
  /** Its sign: the determinant of the permutation. */
  readonly sign: number;
}

/**
 * Overwrites a square matrix with its factors, L (unit lower triangular) below the diagonal and U on and above it, such
 * that the permuted rows of the matrix are those of L U. Gaussian elimination with partial pivoting; columns are halved
 * recursively (Toledo 1997). A zero pivot is left in U.
 */
export async function luInPlace(a: Matrix, product: Product): Promise<Permutation> {
  const rows = Int32Array.from({ length: a.rows }, (_, i) => i);
  const swaps = { rows, sign: 1 };
  await eliminate(a, 0, a.cols, swaps, product);
  return swaps;
}

interface Swaps {
  readonly rows: Int32Array;
  sign: number;
}

/** Eliminates below the diagonal in columns `from` to `to`; whole rows are exchanged. */
async function eliminate(a: Matrix, from: number, to: number, swaps: Swaps, product: Product): Promise<void> {
  const n = a.rows;
  if (to - from <= base) {
    eliminatePanel(a, from, to, swaps);
    return;
  }
  const mid = (from + to) >> 1;
  await eliminate(a, from, mid, swaps, product);
  const right = block(a, from, mid, mid - from, to - mid);
  const unit = { lower: true, transpose: false, unitDiagonal: true };
  await solveTriangularInPlace(block(a, from, from, mid - from, mid - from), right, unit, product);
  await addProduct(product, block(a, mid, mid, n - mid, to - mid), -1, block(a, mid, from, n - mid, mid - from), right);
  await eliminate(a, mid, to, swaps, product);
}

function eliminatePanel({ data, at, stride, rows: n, cols }: Matrix, from: number, to: number, swaps: Swaps): void {
  for (let j = from; j < to; j++) {
    let best = j;
    for (let i = j + 1; i < n; i++) {
      if (Math.abs(data[at + i * stride + j]) > Math.abs(data[at + best * stride + j])) best = i;
    }
    const pivotRow = at + j * stride;
    if (best !== j) {
      const other = at + best * stride;
      const held = data.slice(pivotRow, pivotRow + cols);
      data.copyWithin(pivotRow, other, other + cols);
      data.set(held, other);
      [swaps.rows[j], swaps.rows[best]] = [swaps.rows[best], swaps.rows[j]];
      swaps.sign = -swaps.sign;
    }
    const pivot = data[pivotRow + j];
    if (pivot === 0) continue;
    for (let i = j + 1; i < n; i++) {
      const row = at + i * stride;
      const weight = (data[row + j] /= pivot);
      for (let k = j + 1; k < to; k++) data[row + k] -= weight * data[pivotRow + k];
    }
  }
}
