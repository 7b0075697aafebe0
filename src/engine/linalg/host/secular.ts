import { HebbError } from "../../errors.js";
import { block, type Matrix, matrix, multiply, type Product, takeColumns } from "./matrix.js";

const epsilon = 2 ** -53;
const iterations = 200;

/** The roots of a secular equation: root j is pole `origin[j]` plus `offset[j]`, which has a small relative error. */
export interface Roots {
  readonly origin: Int32Array;
  readonly offset: Float64Array;
  /** Row j holds z_i / (pole_i - root_j), for weights z that make the roots exact: an eigenvector, not normalised. */
  readonly vectors: Matrix;
}

/**
 * The k roots x of 1 + rho sum_i z_i^2 / (pole_i - x) = 0, one right of each pole, for rho > 0, weights that are not
 * zero, and poles in ascending order: `poles`, or their squares with `squared`.
 *
 * Each root is sought as its distance from the nearer pole, by rational interpolation with one pole on either side
 * (Bunch, Nielsen and Sorensen 1978; Li 1993), inside a bracket that shrinks. The weights are then computed anew from the
 * roots, which makes the vectors orthogonal however close roots are (Gu and Eisenstat 1994).
 */
export function secularRoots(poles: Float64Array, squared: boolean, z: Float64Array, rho: number): Roots {
  const k = poles.length;
  const difference = (i: number, j: number) => (poles[i] - poles[j]) * (squared ? poles[i] + poles[j] : 1);
  const weights = z.map((zi) => rho * zi * zi);
  const reach = weights.reduce((a, b) => a + b, 0);
  const origin = new Int32Array(k);
  const offset = new Float64Array(k);
  const vectors = matrix(k, k);
  for (let j = 0; j < k; j++) {
    const distances = vectors.data.subarray(j * k, (j + 1) * k);
    // The two poles of the interpolation; the last root has none on its right.
    const [left, right] = j < k - 1 ? [j, j + 1] : [Math.max(k - 2, 0), k - 1];
    let from = j;
    let [low, high] = [0, 2 * reach];
    let start: number | undefined;
    for (let i = 0; i < k; i++) distances[i] = difference(i, j);
    if (j < k - 1) {
      const half = distances[j + 1] / 2;
      let [middle, rest] = [1, 1];
      for (let i = 0; i < k; i++) {
        const term = weights[i] / (distances[i] - half);
        middle += term;
        if (i !== left && i !== right) rest += term;
      }
      [low, high] = [0, half];
      if (middle < 0) {
        from = j + 1;
        [low, high] = [-half, 0];
        for (let i = 0; i < k; i++) distances[i] = difference(i, from);
      }
      // The root if all other terms stayed as they are in the middle.
      const [dl, dr] = [distances[left], distances[right]];
      const b = weights[left] * dr + weights[right] * dl;
      start = rootBetween(rest, rest * (dl + dr) + weights[left] + weights[right], rest * dl * dr + b, low, high);
    }
    origin[j] = from;
    offset[j] = findRoot(distances, weights, left, right, low, high, start);
    for (let i = 0; i < k; i++) distances[i] -= offset[j];
  }
  const exact = new Float64Array(k).fill(1);
  for (let j = 0; j < k; j++) {
    for (let i = 0; i < k; i++) {
      exact[i] *= i === j ? -vectors.data[j * k + i] : vectors.data[j * k + i] / difference(i, j);
    }
  }
  for (let i = 0; i < k; i++) exact[i] = Math.sign(z[i]) * Math.sqrt(Math.abs(exact[i]));
  for (let j = 0; j < k; j++) for (let i = 0; i < k; i++) vectors.data[j * k + i] = exact[i] / vectors.data[j * k + i];
  return { origin, offset, vectors };
}

/** A root of c x^2 - a x + b that lies strictly between `low` and `high`, if there is one. */
function rootBetween(c: number, a: number, b: number, low: number, high: number): number | undefined {
  const root = Math.sqrt(Math.max(a * a - 4 * b * c, 0));
  const q = (a + (a < 0 ? -root : root)) / 2;
  return [b / q, q / c].find((x) => x > low && x < high);
}

/** The zero of the increasing function f(x) = 1 + sum_i w_i / (d_i - x) between `low` and `high`. */
function findRoot(
  d: Float64Array,
  w: Float64Array,
  left: number,
  right: number,
  low: number,
  high: number,
  start = (low + high) / 2,
): number {
  const k = d.length;
  let x = start;
  for (let step = 0; step < iterations; step++) {
    let [psi, slopeLeft, phi, slopeRight] = [0, 0, 0, 0];
    for (let i = 0; i <= left; i++) {
      const inverse = 1 / (d[i] - x);
      const term = w[i] * inverse;
      psi += term;
      slopeLeft += term * inverse;
    }
    for (let i = left + 1; i < k; i++) {
      const inverse = 1 / (d[i] - x);
      const term = w[i] * inverse;
      phi += term;
      slopeRight += term * inverse;
    }
    const f = 1 + psi + phi;
    const noise = epsilon * (8 * (1 + Math.abs(psi) + Math.abs(phi)) + Math.abs(x) * (slopeLeft + slopeRight));
    if (Math.abs(f) <= noise) return x;
    if (f < 0) low = x;
    else high = x;
    if (high - low <= 2 * epsilon * Math.min(Math.abs(low), Math.abs(high))) return x;
    const [dl, dr] = [d[left] - x, d[right] - x];
    const moved =
      left === right
        ? (dl * f) / (f - dl * slopeLeft)
        : rootBetween(
            f - dl * slopeLeft - dr * slopeRight,
            (dl + dr) * f - dl * dr * (slopeLeft + slopeRight),
            dl * dr * f,
            low - x,
            high - x,
          );
    const next = x + (moved ?? Number.NaN);
    x = next > low && next < high ? next : (low + high) / 2;
  }
  throw new HebbError(`a secular equation was not solved in ${iterations} iterations.`);
}

/**
 * Columns of an orthogonal matrix whose first `split` rows and other rows have different columns that are not zero:
 * `halves[c]` has bit 1 for a column that lives in the first, bit 2 in the others. Returns basis[:, columns] times the
 * transpose of `rows`.
 */
export async function combineColumns(
  basis: Matrix,
  split: number,
  halves: Uint8Array,
  columns: readonly number[],
  rows: Matrix,
  product: Product,
): Promise<Matrix> {
  const out = matrix(basis.rows, rows.rows);
  for (const [bit, from, to] of [
    [1, 0, split],
    [2, split, basis.rows],
  ]) {
    const used = columns.flatMap((c, i) => (halves[c] & bit ? [i] : []));
    if (used.length === 0 || to === from) continue;
    const part = takeColumns(
      block(basis, from, 0, to - from, basis.cols),
      used.map((i) => columns[i]),
    );
    const combined = await multiply(product, part, takeColumns(rows, used), { transposeB: true });
    out.data.set(combined.data, from * out.cols);
  }
  return out;
}
