import { addProduct, assign, block, identity, type Matrix, matrix, multiply, type Product } from "./matrix.js";
import { applyReflectors, blockReflector, reflector } from "./reflectors.js";

const base = 24;

export interface QR {
  /** The reflectors' vectors, zero above the diagonal. */
  readonly v: Matrix;
  readonly tau: Float64Array;
  /** Upper triangular, with a diagonal that is not negative. */
  readonly r: Matrix;
  /** +1 or -1: the sign of each column of Q relative to that of the product of the reflectors. */
  readonly signs: Float64Array;
}

/** Householder QR of a matrix with at least as many rows as columns, which is overwritten. */
export async function qrFactor(a: Matrix, product: Product): Promise<QR> {
  const n = a.cols;
  const v = matrix(a.rows, n);
  const tau = new Float64Array(n);
  await factor(a, v, tau, product);
  const r = matrix(n, n);
  const signs = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const row = a.at + i * a.stride;
    signs[i] = a.data[row + i] < 0 ? -1 : 1;
    for (let j = i; j < n; j++) r.data[i * n + j] = signs[i] * a.data[row + j];
  }
  return { v, tau, r, signs };
}

/** q z, for the square orthogonal q of the factorisation and z with as many rows; only the first n rows are signed. */
export async function applyQ({ v, tau, signs }: QR, z: Matrix, product: Product): Promise<void> {
  signs.forEach((sign, i) => {
    if (sign < 0) for (let p = 0; p < z.cols; p++) z.data[z.at + i * z.stride + p] *= -1;
  });
  await applyReflectors(v, tau, 0, z, product);
}

/** The first `cols` columns of q. */
export async function formQ(factored: QR, cols: number, product: Product): Promise<Matrix> {
  const q = identity(factored.v.rows, cols);
  await applyQ(factored, q, product);
  return q;
}

/** Left half, update of the right half, right half (Elmroth and Gustavson 2000). */
async function factor(a: Matrix, v: Matrix, tau: Float64Array, product: Product): Promise<void> {
  const [m, n] = [a.rows, a.cols];
  if (n <= base) {
    factorPanel(a, v, tau);
    return;
  }
  const h = n >> 1;
  const left = block(v, 0, 0, m, h);
  await factor(block(a, 0, 0, m, h), left, tau.subarray(0, h), product);
  const right = block(a, 0, h, m, n - h);
  const t = await blockReflector(left, tau.subarray(0, h), product);
  const inner = await multiply(product, left, right, { transposeA: true });
  await addProduct(product, right, -1, left, await multiply(product, t, inner, { transposeA: true }));
  await factor(block(a, h, h, m - h, n - h), block(v, h, h, m - h, n - h), tau.subarray(h), product);
}

function factorPanel(a: Matrix, v: Matrix, tau: Float64Array): void {
  const [m, n] = [a.rows, a.cols];
  const sums = new Float64Array(n);
  for (let j = 0; j < n; j++) {
    assign(block(v, j, j, m - j, 1), block(a, j, j, m - j, 1));
    const made = reflector(v.data, v.at + j * v.stride + j, v.stride, m - j);
    tau[j] = made.tau;
    a.data[a.at + j * a.stride + j] = made.beta;
    sums.fill(0);
    for (let i = j; i < m; i++) {
      const vi = v.data[v.at + i * v.stride + j];
      const row = a.at + i * a.stride;
      for (let k = j + 1; k < n; k++) sums[k] += vi * a.data[row + k];
    }
    for (let i = j; i < m; i++) {
      const vi = made.tau * v.data[v.at + i * v.stride + j];
      const row = a.at + i * a.stride;
      for (let k = j + 1; k < n; k++) a.data[row + k] -= vi * sums[k];
    }
  }
}
