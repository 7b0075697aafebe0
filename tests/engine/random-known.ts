import { incompleteBeta, studentCdf } from "../../src/lab/student-t.js";

// Distribution functions on the host, as references for samples.

/** log Gamma(x) by Stirling's series after shifting x above 20. */
export function logGamma(x: number): number {
  if (x < 20) return logGamma(x + 1) - Math.log(x);
  return (
    (x - 0.5) * Math.log(x) -
    x +
    0.5 * Math.log(2 * Math.PI) +
    1 / (12 * x) -
    1 / (360 * x ** 3) +
    1 / (1260 * x ** 5) -
    1 / (1680 * x ** 7)
  );
}

/** P(G <= x) for gamma numbers: the power series of the incomplete gamma function. */
export function gammaCdf(x: number, a: number): number {
  if (x <= 0) return 0;
  if (x > a + 12 * Math.sqrt(a) + 40) return 1;
  let term = 1 / a;
  let sum = term;
  for (let i = 1; i < 2000 && term > 1e-17 * sum; i++) sum += term *= x / (a + i);
  return sum * Math.exp(a * Math.log(x) - x - logGamma(a));
}

/** P(Z > t) for standard normal Z, to full relative precision in the tail. */
export function normalTail(t: number): number {
  if (t < 0) return 1 - normalTail(-t);
  if (t < 3) return 0.5 * (1 - gammaCdf((t * t) / 2, 0.5));
  // Laplace's continued fraction.
  let f = t;
  for (let i = 200; i > 0; i--) f = t + i / f;
  return Math.exp((-t * t) / 2) / (f * Math.sqrt(2 * Math.PI));
}
export const normalCdf = (x: number): number => normalTail(-x);
export const betaCdf = (x: number, a: number, b: number): number => incompleteBeta(x, a, b);
export { studentCdf };

/** The largest distance between the sample's distribution function and `cdf`, times sqrt(n) (Kolmogorov and Smirnov). */
export function kolmogorov(sample: readonly number[], cdf: (x: number) => number): number {
  const sorted = [...sample].sort((a, b) => a - b);
  const n = sorted.length;
  let worst = 0;
  sorted.forEach((x, i) => {
    const p = cdf(x);
    worst = Math.max(worst, Math.abs(p - i / n), Math.abs(p - (i + 1) / n));
  });
  return Number.isNaN(worst) ? Number.POSITIVE_INFINITY : worst * Math.sqrt(n);
}

/**
 * Pearson's statistic of counts against probabilities, as standard deviations above its mean; cells that expect fewer
 * than five are put together.
 */
export function chiSquareExcess(sample: readonly number[], probability: (value: number) => number): number {
  const n = sample.length;
  const seen = new Map<number, number>();
  for (const x of sample) seen.set(x, (seen.get(x) ?? 0) + 1);
  let [statistic, cells, restSeen, restExpected] = [0, 0, n, n];
  for (const v of [...seen.keys()].sort((a, b) => a - b)) {
    const expected = n * probability(v);
    if (expected < 5) continue;
    statistic += (seen.get(v)! - expected) ** 2 / expected;
    cells++;
    restSeen -= seen.get(v)!;
    restExpected -= expected;
  }
  if (restExpected > 5) {
    statistic += (restSeen - restExpected) ** 2 / restExpected;
    cells++;
  } else if (restSeen > 25) return Number.POSITIVE_INFINITY;
  return (statistic - (cells - 1)) / Math.sqrt(2 * (cells - 1));
}
