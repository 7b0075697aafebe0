import { hostRandom } from "../../random/host.js";
import {
  addScaled,
  dot,
  type LinearMap,
  length,
  orthogonalise,
  randomDirection,
  type Vector,
  vectorSpace,
} from "./vectors.js";

export interface TopEigenvaluesOptions {
  /** An eigenpair is done when |A v - w v| is at most this share of |w|. Default 1e-4. */
  readonly tolerance?: number;
  /** For each eigenvalue. Default 1,000. */
  readonly maxIterations?: number;
  /** Seed of the first vectors. Default 0. */
  readonly seed?: number;
}

export interface TopEigenvalues<T> {
  /** Largest size first. */
  readonly values: readonly number[];
  /** Of length one. */
  readonly vectors: readonly T[];
  /** |A v - w v| of each. */
  readonly residuals: readonly number[];
}

/**
 * The `k` eigenvalues of largest size of a symmetric map and their vectors, by power iteration, one after the other in
 * the space orthogonal to those found: `topEigenvalues((v) => hvp(loss, params, v), params, 3)`.
 *
 * The error of a value is about the square of its residual over the gap to the next. It takes about
 * log(1 / tolerance) / log(|w1 / w2|) iterations; where two sizes are nearly equal, use `lanczos`.
 */
export async function topEigenvalues<T>(
  map: LinearMap<T>,
  like: T,
  k: number,
  { tolerance = 1e-4, maxIterations = 1000, seed = 0 }: TopEigenvaluesOptions = {},
): Promise<TopEigenvalues<T>> {
  const space = vectorSpace("topEigenvalues", like);
  const apply = space.onVectors(map);
  const values: number[] = [];
  const residuals: number[] = [];
  const found: Vector[] = [];
  while (found.length < Math.min(k, space.size)) {
    let v = randomDirection(space.size, seed, found.length);
    let value = 0;
    let residual = Number.POSITIVE_INFINITY;
    for (let i = 0; ; i++) {
      orthogonalise(v, found);
      const norm = length(v);
      v = v.map((x) => x / norm);
      const next = await apply(v);
      orthogonalise(next, found);
      value = dot(v, next);
      const rest = next.slice();
      addScaled(rest, -value, v);
      residual = length(rest);
      // Below that size, what is left of the space belongs to the eigenvalue 0, up to rounding.
      const enough = Math.max(tolerance * Math.abs(value), 1e-14 * Math.abs(values[0] ?? 0));
      if (residual <= enough || i + 1 >= maxIterations) break;
      v = next;
    }
    values.push(value);
    residuals.push(residual);
    found.push(v);
  }
  return { values, vectors: found.map(space.toTree), residuals };
}

export interface TraceEstimate {
  readonly mean: number;
  /** Of the mean; NaN for one probe. */
  readonly standardError: number;
}

/**
 * The trace of a map as the mean of v' A v over random vectors of signs (Hutchinson 1990). Each has the variance
 * 2 (|A|^2 - sum of the squared diagonal), in the Frobenius norm, for a symmetric map.
 */
export async function hutchinsonTrace<T>(
  map: LinearMap<T>,
  like: T,
  { probes = 32, seed = 0 }: { probes?: number; seed?: number } = {},
): Promise<TraceEstimate> {
  const space = vectorSpace("hutchinsonTrace", like);
  const apply = space.onVectors(map);
  const samples: number[] = [];
  for (let i = 0; i < probes; i++) {
    const random = hostRandom(seed, i);
    const v = Float64Array.from({ length: space.size }, () => (random.uniform() < 0.5 ? -1 : 1));
    samples.push(dot(v, await apply(v)));
  }
  const mean = samples.reduce((a, b) => a + b, 0) / probes;
  const variance = samples.reduce((s, x) => s + (x - mean) ** 2, 0) / (probes - 1);
  return { mean, standardError: Math.sqrt(variance / probes) };
}
