import { HebbError } from "../../errors.js";
import { addScaled, dot, type LinearMap, length, vectorSpace } from "./vectors.js";

export interface ConjugateGradientOptions<T> {
  /** Where to start. Default: zero. */
  readonly start?: T;
  /** An approximation of the inverse, symmetric and positive definite. */
  readonly preconditioner?: LinearMap<T>;
  /** Stops when the residual is this small relative to b. Default 1e-6. */
  readonly tolerance?: number;
  /** Default: the number of unknowns. */
  readonly maxIterations?: number;
}

export interface ConjugateGradientResult<T> {
  readonly x: T;
  /** |b - A x| before each iteration and at the end. */
  readonly residuals: readonly number[];
  readonly converged: boolean;
}

/**
 * Solves A x = b for a symmetric positive definite map of trees, by (preconditioned) conjugate gradients (Hestenes and
 * Stiefel 1952): `conjugateGradient((v) => hvp(loss, params, v), gradient)`. One application of the map an iteration.
 *
 * Throws `HebbError` when a direction of no or negative curvature shows that A is not positive definite.
 */
export async function conjugateGradient<T>(
  map: LinearMap<T>,
  b: T,
  options: ConjugateGradientOptions<T> = {},
): Promise<ConjugateGradientResult<T>> {
  const name = "conjugateGradient";
  const space = vectorSpace(name, b);
  const { start, preconditioner, tolerance = 1e-6, maxIterations = space.size } = options;
  const apply = space.onVectors(map);
  const precondition = preconditioner ? space.onVectors(preconditioner) : async (v: Float64Array) => v;
  const r = await space.toVector(b);
  const enough = tolerance * length(r);
  let x = new Float64Array(space.size);
  if (start !== undefined) {
    x = (await space.toVector(start)) as typeof x;
    addScaled(r, -1, await apply(x));
  }
  const residuals = [length(r)];
  let z = await precondition(r);
  let rz = dot(r, z);
  const p = z.slice();
  for (let i = 0; i < maxIterations && residuals[i] > enough; i++) {
    const ap = await apply(p);
    const curvature = dot(p, ap);
    if (!(curvature > 0))
      throw new HebbError(`${name}: the map is not positive definite: p'Ap is ${curvature} in iteration ${i}.`);
    const step = rz / curvature;
    addScaled(x, step, p);
    addScaled(r, -step, ap);
    residuals.push(length(r));
    z = await precondition(r);
    const next = dot(r, z);
    const keep = next / rz;
    for (let k = 0; k < p.length; k++) p[k] = z[k] + keep * p[k];
    rz = next;
  }
  return { x: space.toTree(x), residuals, converged: residuals[residuals.length - 1] <= enough };
}
