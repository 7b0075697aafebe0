import { addProduct, assign, block, type Matrix, matrix, multiply, type Product } from "./matrix.js";

/**
 * The Householder reflector H = I - tau v v' that maps the vector x of `n` elements, `step` apart from `at`, to beta e1.
 * x is overwritten with v, whose first element is 1. A vector that is already a multiple of e1 has tau 0.
 */
export function reflector(
  x: Float64Array,
  at: number,
  step: number,
  n: number,
): { readonly tau: number; readonly beta: number } {
  const alpha = x[at];
  let squares = 0;
  for (let i = 1, p = at + step; i < n; i++, p += step) squares += x[p] * x[p];
  x[at] = 1;
  if (squares === 0) {
    for (let i = 1, p = at + step; i < n; i++, p += step) x[p] = 0;
    return { tau: 0, beta: alpha };
  }
  const beta = -Math.sign(alpha || 1) * Math.sqrt(alpha * alpha + squares);
  const factor = 1 / (alpha - beta);
  for (let i = 1, p = at + step; i < n; i++, p += step) x[p] *= factor;
  return { tau: (beta - alpha) / beta, beta };
}

const base = 32;

/**
 * The upper triangular T of H1 H2 ... Hk = I - V T V', where reflector j has the vector in column j of V and `tau[j]`
 * (Schreiber and Van Loan 1989). Of two halves, with T1 and T2 on the diagonal, the coupling is -T1 V1' V2 T2.
 */
export async function blockReflector(v: Matrix, tau: Float64Array, product: Product): Promise<Matrix> {
  const k = v.cols;
  const t = matrix(k, k);
  if (k > base) {
    const h = k >> 1;
    const [left, right] = [block(v, 0, 0, v.rows, h), block(v, 0, h, v.rows, k - h)];
    const first = await blockReflector(left, tau.subarray(0, h), product);
    const second = await blockReflector(right, tau.subarray(h), product);
    const inner = await multiply(product, left, right, { transposeA: true });
    assign(block(t, 0, 0, h, h), first);
    assign(block(t, h, h, k - h, k - h), second);
    await addProduct(product, block(t, 0, h, h, k - h), -1, first, await multiply(product, inner, second));
    return t;
  }
  const inner = await multiply(product, v, v, { transposeA: true });
  for (let j = 0; j < k; j++) {
    t.data[j * k + j] = tau[j];
    for (let i = 0; i < j; i++) {
      let sum = 0;
      for (let p = i; p < j; p++) sum += t.data[i * k + p] * inner.data[p * k + j];
      t.data[i * k + j] = -tau[j] * sum;
    }
  }
  return t;
}

const width = 96;

/** z := H1 H2 ... Hk z, for reflectors whose vectors are the columns of `v` (zero above row `offset` + their column). */
export async function applyReflectors(
  v: Matrix,
  tau: Float64Array,
  offset: number,
  z: Matrix,
  product: Product,
): Promise<void> {
  const last = Math.floor((v.cols - 1) / width) * width;
  for (let j = last; j >= 0; j -= width) {
    const k = Math.min(width, v.cols - j);
    const top = j + offset;
    const panel = block(v, top, j, v.rows - top, k);
    const part = block(z, top, 0, z.rows - top, z.cols);
    const t = await blockReflector(panel, tau.subarray(j, j + k), product);
    const inner = await multiply(product, t, await multiply(product, panel, part, { transposeA: true }));
    await addProduct(product, part, -1, panel, inner);
  }
}
