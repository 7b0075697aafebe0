import type { Matrix } from "./matrix.js";

/**
 * Turns each column so that its first element of at least half the largest size is positive, with the same change to the
 * columns of `partner`: a sign that does not depend on rounding where elements tie.
 */
export function fixSigns(vectors: Matrix, partner?: Matrix): void {
  const { data, at, stride, rows, cols } = vectors;
  for (let j = 0; j < cols; j++) {
    let most = 0;
    for (let i = 0; i < rows; i++) most = Math.max(most, Math.abs(data[at + i * stride + j]));
    for (let i = 0; i < rows; i++) {
      const value = data[at + i * stride + j];
      if (Math.abs(value) < most / 2) continue;
      if (value < 0) {
        turn(vectors, j);
        if (partner) turn(partner, j);
      }
      break;
    }
  }
}

function turn({ data, at, stride, rows }: Matrix, j: number): void {
  for (let i = 0; i < rows; i++) data[at + i * stride + j] *= -1;
}
