import { loops } from "../host/matrix.js";
import { tridiagonalEigen } from "../host/tridiagonal.js";
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

export interface LanczosOptions<T> {
  /** Applications of the map, at most the dimension of the space. */
  readonly steps: number;
  /** The first vector, of any length but zero. Default: a random direction. */
  readonly start?: T;
  /** Seed of the random direction. Default 0. */
  readonly seed?: number;
}

export interface LanczosResult {
  /** The diagonal of T, of `steps` elements, or fewer where the vectors span an invariant subspace. */
  readonly diagonal: Float64Array;
  readonly offDiagonal: Float64Array;
  /** Orthonormal vectors q with Q' A Q = T: the numbers of the trees, in the order of `flattenTree`. */
  readonly basis: readonly Float64Array[];
}

/**
 * The tridiagonal matrix T = Q' A Q of a symmetric map in the Krylov space of a vector (Lanczos 1950), with full
 * reorthogonalisation: its extreme eigenvalues approach those of A. It keeps `steps` vectors of the size of the tree.
 */
export async function lanczos<T>(map: LinearMap<T>, like: T, options: LanczosOptions<T>): Promise<LanczosResult> {
  const space = vectorSpace("lanczos", like);
  const { start, seed = 0, steps } = options;
  const first = start === undefined ? randomDirection(space.size, seed) : await space.toVector(start);
  return iterate(space.onVectors(map), first, Math.min(steps, space.size));
}

async function iterate(apply: (v: Vector) => Promise<Vector>, start: Vector, steps: number): Promise<LanczosResult> {
  const basis: Vector[] = [];
  const diagonal: number[] = [];
  const offDiagonal: number[] = [];
  let size = 0;
  let next = start;
  let norm = length(start);
  while (basis.length < steps) {
    const q = next.map((x) => x / norm);
    basis.push(q);
    next = await apply(q);
    const alpha = dot(q, next);
    diagonal.push(alpha);
    addScaled(next, -alpha, q);
    orthogonalise(next, basis);
    norm = length(next);
    size = Math.max(size, Math.abs(alpha), norm);
    // What is left is rounding: the space is invariant.
    if (norm <= 1e-13 * size || basis.length === steps) break;
    offDiagonal.push(norm);
  }
  return { diagonal: Float64Array.from(diagonal), offDiagonal: Float64Array.from(offDiagonal), basis };
}

export interface SpectrumOptions {
  /** Random vectors. Default 8. */
  readonly probes?: number;
  /** Lanczos steps for each. Default 50. */
  readonly steps?: number;
  /** Default 0. */
  readonly seed?: number;
}

export interface Spectrum {
  /** Points of the quadrature, those of all probes together. */
  readonly nodes: Float64Array;
  /** Their shares of the spectrum; they add up to 1. */
  readonly weights: Float64Array;
  /** The dimension of the space. */
  readonly size: number;
  /** An estimate of the trace of f(A): size times the weighted sum of f(node). */
  trace(f: (x: number) => number): number;
  /** The density of eigenvalues at x, smoothed by a Gaussian with this standard deviation; its integral is 1. */
  density(x: number, width: number): number;
}

/**
 * Stochastic Lanczos quadrature: the distribution of the eigenvalues of a symmetric map, from `probes` random vectors
 * (Bai, Fahey and Golub 1996; Ubaru, Chen and Saad 2017). The error falls with the root of probes times dimension.
 */
export async function lanczosQuadrature<T>(
  map: LinearMap<T>,
  like: T,
  { probes = 8, steps = 50, seed = 0 }: SpectrumOptions = {},
): Promise<Spectrum> {
  const space = vectorSpace("lanczosQuadrature", like);
  const apply = space.onVectors(map);
  const nodes: number[] = [];
  const weights: number[] = [];
  for (let i = 0; i < probes; i++) {
    const start = randomDirection(space.size, seed, i);
    const { diagonal, offDiagonal } = await iterate(apply, start, Math.min(steps, space.size));
    const { values, vectors } = await tridiagonalEigen(diagonal, offDiagonal, loops);
    nodes.push(...values);
    for (let j = 0; j < values.length; j++) weights.push(vectors.data[j] ** 2 / probes);
  }
  const sum = (f: (x: number) => number) => nodes.reduce((total, x, i) => total + weights[i] * f(x), 0);
  return {
    nodes: Float64Array.from(nodes),
    weights: Float64Array.from(weights),
    size: space.size,
    trace: (f) => space.size * sum(f),
    density: (x, width) => sum((node) => Math.exp(-0.5 * ((x - node) / width) ** 2) / (width * Math.sqrt(2 * Math.PI))),
  };
}
