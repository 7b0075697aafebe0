import { HebbError } from "../../errors.js";
import { addProduct, assign, block, type Matrix, type Product, transposed } from "./matrix.js";
import { solveTriangularInPlace } from "./triangular.js";

const base = 32;

/**
 * Overwrites a symmetric positive definite matrix, of which only the lower triangle is read, with the lower triangular L
 * of a = L L'; what stands above the diagonal is left. Recursion by halves: L11, then L21 = A21 L11'^-1, then the rest of
 * A22 - L21 L21'. Throws `HebbError` when a pivot is not positive.
 */
export async function choleskyInPlace(a: Matrix, product: Product, first = 0): Promise<void> {
  const n = a.rows;
  if (n <= base) {
    factor(a, first);
    return;
  }
  const h = n >> 1;
  const [a11, a21, a22] = [block(a, 0, 0, h, h), block(a, h, 0, n - h, h), block(a, h, h, n - h, n - h)];
  await choleskyInPlace(a11, product, first);
  const flipped = transposed(a21);
  await solveTriangularInPlace(a11, flipped, { lower: true, transpose: false, unitDiagonal: false }, product);
  assign(a21, transposed(flipped));
  await addProduct(product, a22, -1, a21, flipped, { lower: true });
  await choleskyInPlace(a22, product, first + h);
}

function factor({ data, at, stride, rows }: Matrix, first: number): void {
  for (let i = 0; i < rows; i++) {
    const rowI = at + i * stride;
    for (let j = 0; j <= i; j++) {
      const rowJ = at + j * stride;
      let rest = data[rowI + j];
      for (let p = 0; p < j; p++) rest -= data[rowI + p] * data[rowJ + p];
      if (i > j) data[rowI + j] = rest / data[rowJ + j];
      else if (rest > 0) data[rowI + i] = Math.sqrt(rest);
      else throw new HebbError(`the matrix is not positive definite: pivot ${first + i} is ${rest}.`);
    }
  }
}
