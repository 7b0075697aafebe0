import { HebbError } from "../../errors.js";
import { addProduct, block, type Matrix, type Product } from "./matrix.js";

export interface Triangle {
  /** Whether `a` is lower triangular; the other triangle is not read. */
  readonly lower: boolean;
  /** Solves with the transpose of `a`. */
  readonly transpose: boolean;
  /** Takes the diagonal as ones without reading it. */
  readonly unitDiagonal: boolean;
}

const base = 32;

/** Overwrites `b` with the solution x of a x = b; recursion by halves, so that almost all work is in products. */
export async function solveTriangularInPlace(
  a: Matrix,
  b: Matrix,
  triangle: Triangle,
  product: Product,
  first = 0,
): Promise<void> {
  const { lower, transpose } = triangle;
  const n = a.rows;
  if (n <= base) {
    substitute(a, b, triangle, first);
    return;
  }
  const h = n >> 1;
  const parts = [
    { a: block(a, 0, 0, h, h), b: block(b, 0, 0, h, b.cols), at: first },
    { a: block(a, h, h, n - h, n - h), b: block(b, h, 0, n - h, b.cols), at: first + h },
  ];
  const [one, two] = lower !== transpose ? parts : parts.reverse();
  const coupling = lower ? block(a, h, 0, n - h, h) : block(a, 0, h, h, n - h);
  await solveTriangularInPlace(one.a, one.b, triangle, product, one.at);
  await addProduct(product, two.b, -1, coupling, one.b, { transposeA: transpose });
  await solveTriangularInPlace(two.a, two.b, triangle, product, two.at);
}

function substitute(a: Matrix, b: Matrix, { lower, transpose, unitDiagonal }: Triangle, first: number): void {
  const n = a.rows;
  const [ad, bd] = [a.data, b.data];
  const [down, across] = transpose ? [1, a.stride] : [a.stride, 1];
  const forward = lower !== transpose;
  for (let step = 0; step < n; step++) {
    const i = forward ? step : n - 1 - step;
    const start = b.at + i * b.stride;
    for (let s = 0; s < step; s++) {
      const p = forward ? s : n - 1 - s;
      const weight = ad[a.at + i * down + p * across];
      let from = b.at + p * b.stride;
      for (let to = start; to < start + b.cols; to++, from++) bd[to] -= weight * bd[from];
    }
    if (unitDiagonal) continue;
    const pivot = ad[a.at + i * a.stride + i];
    if (pivot === 0) {
      throw new HebbError(`the matrix is singular: element ${first + i} of its diagonal is 0.`);
    }
    for (let to = start; to < start + b.cols; to++) bd[to] /= pivot;
  }
}
