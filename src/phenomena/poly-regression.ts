import {
  add,
  type DType,
  HebbError,
  hostRandom,
  matmul,
  mean,
  mul,
  type NDArray,
  type Operand,
  random,
  ShapeError,
  sum,
  type Tensor,
} from "../engine/index.js";
import type { Model } from "../nn/model.js";

/** Quadratic regression on Gaussian inputs, float64. */
export interface PolyRegressionTask {
  /** Inputs [P, D], each component normal with variance 1/D. */
  readonly x: NDArray;
  /** Targets [P]: `0.5 * (beta . x)^2`. */
  readonly y: NDArray;
  /** The direction of the task [D], of squared length D. */
  readonly beta: NDArray;
}

export interface PolyRegressionOptions {
  /** The dimension of the inputs. */
  readonly D: number;
  /** The number of examples. A smaller set is the beginning of a larger one of the same seed. */
  readonly P: number;
  readonly seed: number;
}

/**
 * The data of polynomial regression: x ~ N(0, I/D), |beta|^2 = D, `y = 0.5 (beta . x)^2`. A network must find one
 * direction among D; a kernel that treats all directions alike needs of the order of D^2 examples.
 *
 * Throws `HebbError` unless D and P are positive integers.
 *
 * Source: Kumar et al., "Grokking as the transition from lazy to rich training dynamics", 2024, section 4.
 */
export function polyRegressionTask({ D, P, seed }: PolyRegressionOptions): PolyRegressionTask {
  for (const [name, value] of Object.entries({ D, P })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new HebbError(`polyRegressionTask: ${name} must be a positive integer, got ${value}.`);
    }
  }
  const root = hostRandom(seed);
  const direction = root.fork("beta");
  const beta = Float64Array.from({ length: D }, () => direction.normal());
  const scale = Math.sqrt(D) / Math.hypot(...beta);
  for (let i = 0; i < D; i++) beta[i] *= scale;
  const inputs = root.fork("x");
  const x = Float64Array.from({ length: P * D }, () => inputs.normal() / Math.sqrt(D));
  const y = Float64Array.from({ length: P }, (_, p) => {
    let projection = 0;
    for (let i = 0; i < D; i++) projection += beta[i] * x[p * D + i];
    return 0.5 * projection ** 2;
  });
  return {
    x: { data: x, shape: [P, D], dtype: "float64" },
    y: { data: y, shape: [P], dtype: "float64" },
    beta: { data: beta, shape: [D], dtype: "float64" },
  };
}

export interface QuadraticStudentOptions {
  /** The dimension of the inputs. */
  readonly D: number;
  /** The number of hidden units. */
  readonly N: number;
  /** The weight of the quadratic part: the initial kernel sees linear functions with weight 1, quadratic with eps^2. */
  readonly eps: Operand;
  /** Default: float64. */
  readonly dtype?: DType;
}

/** The weights of a `quadraticStudent`: `w` [N, D]. */
export interface StudentParams {
  readonly w: Tensor;
}

/**
 * A committee of N quadratic units with a fixed second layer:
 * `f(x) = (1/N) sum_i phi(w_i . x)`, `phi(h) = h + (eps/2) h^2`, w_i ~ N(0, I).
 *
 * `apply(params, x)` takes x [B, D] and gives [B]. The sum over units is taken first, which is exact for this phi: with
 * m = mean(w_i) and M = mean(w_i w_i'), `f(x) = m . x + (eps/2) x' M x`. That costs B D^2 + N D^2 products instead of
 * B N D.
 *
 * Scale it with `outputScaled` for the student of the paper. Throws `ShapeError` for inputs that are not [B, D].
 *
 * Source: Kumar et al., "Grokking as the transition from lazy to rich training dynamics", 2024, section 4.
 */
export function quadraticStudent({ D, N, eps, dtype = "float64" }: QuadraticStudentOptions): Model<StudentParams> {
  return {
    init: (key) => ({ w: random.normal(key, [N, D], { dtype }) }),
    apply({ w }, x) {
      if (x.rank !== 2 || x.shape[1] !== D) {
        throw new ShapeError("quadraticStudent", `inputs must be [B, ${D}], got [${x.shape.join(", ")}]`);
      }
      const { first, second } = studentMoments(w);
      return sum(mul(add(matmul(x, mul(mul(second, eps), 0.5)), first), x), 1);
    },
  };
}

/** What the function of a `quadraticStudent` depends on: `first` = mean(w_i) [D], `second` = mean(w_i w_i') [D, D]. */
export interface StudentMoments {
  readonly first: Tensor;
  readonly second: Tensor;
}

/** The moments of weights `w` [N, D] over units. */
export const studentMoments = (w: Tensor): StudentMoments => ({
  first: mean(w, 0),
  second: mul(matmul(w, w, { transposeA: true }), 1 / w.shape[0]),
});

/**
 * The tangent kernel of a `quadraticStudent` in closed form, equal to `ntk(quadraticStudent(...), { w }, x1, x2)` and
 * far cheaper: `K(x, x') = (x . x') / N * [1 + eps (m . x + m . x') + eps^2 x' M x']`, with the moments m and M of w.
 *
 * `w` [N, D], `x1` [P1, D], `x2` [P2, D]; the result is [P1, P2].
 */
export function quadraticStudentKernel(w: Tensor, x1: Tensor, x2: Tensor, eps: Operand): Tensor {
  const { first, second } = studentMoments(w);
  const linear = add(matmul(x1, first).reshape(x1.shape[0], 1), matmul(x2, first));
  const quadratic = matmul(matmul(x1, second), x2, { transposeB: true });
  const slopes = add(add(mul(linear, eps), mul(mul(quadratic, eps), eps)), 1);
  return mul(mul(matmul(x1, x2, { transposeB: true }), slopes), 1 / w.shape[0]);
}
