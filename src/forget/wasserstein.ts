import { HebbError } from "../engine/index.js";

/**
 * The distance between two samples of numbers, in their unit: how far the values of one must move, on average, to
 * become those of the other.
 *
 *     W1(a, b) = ∫ |F_a(t) - F_b(t)| dt,
 *
 * exact from the sorted samples; for equal sizes it is the mean of |a_(i) - b_(i)|. The samples need not be of one size.
 * Throws `HebbError` when one is empty or holds a value that is not finite.
 */
export function wasserstein1(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [x, y] = [ascending(a), ascending(b)];
  let distance = 0;
  // Between two neighbouring values of the union both distribution functions are flat.
  for (let i = 0, j = 0, last = Math.min(x[0], y[0]); i < x.length || j < y.length; ) {
    const next = j >= y.length || x[i] <= y[j] ? x[i] : y[j];
    distance += Math.abs(i / x.length - j / y.length) * (next - last);
    last = next;
    while (x[i] === next) i++;
    while (y[j] === next) j++;
  }
  return distance;
}

function ascending(values: ArrayLike<number>): Float64Array {
  const sorted = Float64Array.from(values).sort();
  if (sorted.length === 0) throw new HebbError("wasserstein1: a sample is empty.");
  const bad = sorted.find((value) => !Number.isFinite(value));
  if (bad !== undefined) throw new HebbError(`wasserstein1: a sample holds ${bad}.`);
  return sorted;
}
