import { HebbError, linalg, matmul, realise, type Tensor } from "../engine/index.js";

/** The objective theta' H theta / 2 - b' theta, and where descent begins and should end. */
export interface QuadraticDescent {
  /** H, symmetric [d, d]; it need not be positive definite, and then descent diverges. */
  readonly hessian: Tensor;
  /** b, [d]. */
  readonly linear: Tensor;
  /** [d]. */
  readonly start: Tensor;
  /** The parameters that the distance is measured from, [d]; not 0. */
  readonly target: Tensor;
  readonly steps: number;
  /** Default: 1 over the largest eigenvalue of H. */
  readonly stepSize?: number;
}

/**
 * How far gradient descent on a quadratic objective is from `target`, before the first step and after each:
 * ||theta_t - target|| / ||target||, [steps + 1], with theta_{t+1} = theta_t - stepSize (H theta_t - b).
 *
 * The steps are taken in the basis of H's eigenvectors, where one costs d operations, so convex methods can be compared to
 * the last of many thousand steps. Throws `HebbError` when H has no positive eigenvalue to take a step size from.
 */
export async function quadraticDescent(descent: QuadraticDescent): Promise<Float64Array> {
  const { hessian, linear, start, target, steps } = descent;
  const { values, vectors } = linalg.eigh(hessian);
  await realise([values, vectors]);
  const host = async (t: Tensor) => Float64Array.from((await t.data()) as Float64Array);
  const rotated = (v: Tensor) => host(matmul(vectors, v.reshape(v.size, 1), { transposeA: true }));
  const [curvatures, b, now, end] = await Promise.all([host(values), rotated(linear), rotated(start), rotated(target)]);
  const largest = curvatures[curvatures.length - 1];
  if (descent.stepSize === undefined && !(largest > 0))
    throw new HebbError("quadraticDescent: the Hessian has no positive eigenvalue; give the step size.");
  const rate = descent.stepSize ?? 1 / largest;
  const length = Math.hypot(...end);
  const errors = new Float64Array(steps + 1);
  for (let step = 0; ; step++) {
    let apart = 0;
    for (let k = 0; k < now.length; k++) apart += (now[k] - end[k]) ** 2;
    errors[step] = Math.sqrt(apart) / length;
    if (step === steps) return errors;
    for (let k = 0; k < now.length; k++) now[k] -= rate * (curvatures[k] * now[k] - b[k]);
  }
}
