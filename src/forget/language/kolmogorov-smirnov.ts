import { HebbError } from "../../engine/index.js";

/** The outcome of a two-sample Kolmogorov–Smirnov test. */
export interface KsTest {
  /** The largest distance between the two empirical distribution functions. */
  readonly statistic: number;
  /** The probability of such a distance or a larger one, had both samples come from one distribution. */
  readonly pValue: number;
}

/**
 * The two-sample Kolmogorov–Smirnov test, two-sided, with its exact p-value (for samples without ties; conservative with
 * them): the share of the lattice paths from (0, 0) to (n, m) that leave the band |i / n - j / m| < statistic.
 *
 * A high p-value says that the samples were not told apart, which small samples never are: report n with it. Throws
 * `HebbError` for an empty sample or a value that is not a number.
 */
export function ksTest(a: ArrayLike<number>, b: ArrayLike<number>): KsTest {
  const [x, y] = [a, b].map((sample) => {
    const sorted = Float64Array.from(sample).sort();
    if (sorted.length === 0) throw new HebbError("ksTest: a sample is empty.");
    if (sorted.some(Number.isNaN)) throw new HebbError("ksTest: a sample holds NaN.");
    return sorted;
  });
  const [n, m] = [x.length, y.length];
  // Distances are counted in units of 1 / (n m), where they are whole numbers.
  let most = 0;
  for (let i = 0, j = 0; i < n && j < m; ) {
    const value = Math.min(x[i], y[j]);
    while (i < n && x[i] === value) i++;
    while (j < m && y[j] === value) j++;
    most = Math.max(most, Math.abs(i * m - j * n));
  }
  return { statistic: most / (n * m), pValue: outside(n, m, most) };
}

/** The probability that a random path from (0, 0) to (n, m) leaves the band. */
function outside(n: number, m: number, most: number): number {
  if (most === 0) return 1;
  // left[j]: the probability that a path to (i, j) has left the band. Every path to a point outside has.
  const left = new Float64Array(m + 1);
  for (let i = 0; i <= n; i++) {
    for (let j = 0; j <= m; j++) {
      if (Math.abs(i * m - j * n) >= most) left[j] = 1;
      else if (i + j > 0) left[j] = (i * left[j] + j * (j > 0 ? left[j - 1] : 0)) / (i + j);
    }
  }
  return left[m];
}
