import { HebbError } from "../errors.js";

/** Nodes and weights of a quadrature rule, in host memory. */
export interface Quadrature {
  readonly nodes: Float64Array;
  readonly weights: Float64Array;
}

/**
 * The Gauss–Hermite rule of n nodes (ascending): the sum of weights[i] f(nodes[i]) is the integral of f(x) exp(-x^2),
 * exactly for polynomials of degree below 2n. An expectation over a standard normal number is the sum of
 * weights[i] / sqrt(pi) f(sqrt(2) nodes[i]).
 *
 * The nodes are the eigenvalues of the Jacobi matrix (Golub and Welsch, 1969), found by bisection with Sturm sequences
 * and one Newton step. Throws `HebbError` unless n is a whole number from 1 to 512.
 */
export function gaussHermite(n: number): Quadrature {
  if (!Number.isInteger(n) || n < 1 || n > 512)
    throw new HebbError(`gaussHermite: the number of nodes must be a whole number from 1 to 512, got ${n}.`);
  const nodes = new Float64Array(n);
  const weights = new Float64Array(n);
  const half = Math.floor(n / 2);
  for (let i = half; i < n; i++) {
    const isCentre = 2 * i === n - 1;
    const x = isCentre ? 0 : eigenvalue(n, i);
    const { last, before } = orthonormal(n, x);
    const node = isCentre ? 0 : x - last / (Math.sqrt(2 * n) * before);
    const weight = 1 / orthonormal(n, node).squares;
    nodes[n - 1 - i] = -node;
    nodes[i] = node;
    weights[n - 1 - i] = weight;
    weights[i] = weight;
  }
  return { nodes, weights };
}

/** The Hermite polynomials of degree n and n - 1, orthonormal under exp(-x^2), and the sum of squares below degree n. */
function orthonormal(n: number, x: number): { last: number; before: number; squares: number } {
  let before = 0;
  let last = Math.PI ** -0.25;
  let squares = 0;
  for (let k = 0; k < n; k++) {
    squares += last * last;
    [before, last] = [last, (x * Math.SQRT2 * last - Math.sqrt(k) * before) / Math.sqrt(k + 1)];
  }
  return { last, before, squares };
}

/** The eigenvalue number `index` (from 0) of the Jacobi matrix, whose off-diagonal elements are sqrt(k / 2). */
function eigenvalue(n: number, index: number): number {
  let [low, high] = [0, Math.sqrt(2 * n + 1)];
  for (let step = 0; step < 60; step++) {
    const x = (low + high) / 2;
    let below = 0;
    let pivot = -x;
    for (let k = 1; k <= n; k++) {
      if (pivot < 0) below++;
      pivot = -x - k / 2 / (pivot === 0 ? Number.MIN_VALUE : pivot);
    }
    if (below > index) high = x;
    else low = x;
  }
  return (low + high) / 2;
}
