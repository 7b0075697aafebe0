import {
  abs,
  add,
  and,
  cast,
  div,
  eye,
  type Feed,
  greater,
  jit,
  less,
  linalg,
  matmul,
  max,
  mean,
  mul,
  relu,
  sign,
  sqrt,
  square,
  sub,
  swapAxes,
  type Tensor,
  tensor,
  whileLoop,
  zeros,
} from "../engine/index.js";

export type Regulariser = "ridge" | "lasso";

export interface Penalty {
  readonly regulariser: Regulariser;
  readonly lambda: number;
}

/** A linear fit of several outputs to one design: y = bias + s . weights. */
export interface LinearFit {
  /** [features, outputs]. */
  readonly weights: Tensor;
  /** [outputs]. */
  readonly bias: Tensor;
}

/**
 * For each output on its own, but all in one solution since they share the design, the w and b that minimise
 *
 *     mean_i (s_i . w + b - y_i)^2 + lambda |w|^2  (ridge)   or   + lambda |w|_1  (lasso).
 *
 * `design` float64 [m, N], `outputs` [m, K], whose dtype the fit has. Throws `HebbError` when ridge has no unique solution.
 */
export const linearFit = (design: Tensor, outputs: Tensor, { regulariser, lambda }: Penalty): Promise<LinearFit> =>
  solvers[regulariser](design as Feed<Tensor>, outputs as Feed<Tensor>, tensor([lambda], { dtype: "float64" }));

/** Mean squared error of a fit on other rows of the design, a scalar. */
export const fitError = jit(({ weights, bias }: LinearFit, design: Tensor, outputs: Tensor) =>
  mean(square(sub(add(matmul(cast(design, weights.dtype), weights), bias), outputs))),
);

/** Columns with their means taken out: those need no penalty, and give the bias at the end. */
function centred(design: Tensor, outputs: Tensor) {
  const [meanOfDesign, meanOfOutputs] = [design, outputs].map((t) => mean(t, 0, { keepDims: true }));
  return {
    s: sub(design, meanOfDesign),
    y: sub(outputs, meanOfOutputs),
    withBias: (weights: Tensor): LinearFit => ({
      weights,
      bias: sub(meanOfOutputs, matmul(cast(meanOfDesign, weights.dtype), weights)).reshape(outputs.shape[1]),
    }),
  };
}

/** s's / m. */
const gram = (s: Tensor): Tensor => div(matmul(s, s, { transposeA: true }), s.shape[0]);

/** The solution as a product with the outputs, so that only the design needs float64. */
const ridgeFit = jit(
  (design: Tensor, outputs: Tensor, lambda: Tensor): LinearFit => {
    const { s, y, withBias } = centred(design, outputs);
    const [m, n] = s.shape;
    const factor = linalg.cholesky(add(gram(s), mul(eye(n, { dtype: s.dtype }), lambda)));
    const solution = div(linalg.choleskySolve(factor, swapAxes(s, 0, 1)), m);
    return withBias(matmul(cast(solution, y.dtype), y));
  },
  { name: "ridge" },
);

/** Proximal gradient steps with momentum (FISTA: Beck and Teboulle, 2009), until no weight changes any more. */
const lassoFit = jit(
  (design: Tensor, outputs: Tensor, lambda: Tensor): LinearFit => {
    const { s, y, withBias } = centred(design, outputs);
    const [m, n] = s.shape;
    const curvature = gram(s);
    const correlation = div(matmul(s, cast(y, s.dtype), { transposeA: true }), m);
    const rate = div(0.5, max(linalg.eigvalsh(curvature)));
    const scalar = (value: number) => tensor(value, { dtype: s.dtype });
    const none = zeros([n, y.shape[1]], s.dtype);
    const start = { weights: none, ahead: none, t: scalar(1), change: scalar(1), steps: tensor(0, { dtype: "int32" }) };
    const { weights } = whileLoop(
      ({ change, steps }: typeof start) => and(greater(change, 1e-10), less(steps, 20_000)),
      ({ weights, ahead, t, steps }) => {
        const moved = sub(ahead, mul(sub(matmul(curvature, ahead), correlation), mul(rate, 2)));
        const next = mul(sign(moved), relu(sub(abs(moved), mul(lambda, rate))));
        const step = sub(next, weights);
        const later = div(add(sqrt(add(mul(square(t), 4), 1)), 1), 2);
        return {
          weights: next,
          ahead: add(next, mul(step, div(sub(t, 1), later))),
          t: later,
          change: max(abs(step)),
          steps: add(steps, 1),
        };
      },
      start,
    );
    return withBias(cast(weights, y.dtype));
  },
  { name: "lasso" },
);

const solvers = { ridge: ridgeFit, lasso: lassoFit };
