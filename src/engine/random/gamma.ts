import { ShapeError } from "../errors.js";
import { add, and, div, greater, less, mul, sqrt, sub, where } from "../primitives/elementwise.js";
import { max } from "../primitives/reduce.js";
import { broadcastTo, cast, reshape, slice, sliceAxis, stack } from "../primitives/structure.js";
import { show } from "../shape.js";
import { type Operand, Tensor, tensor } from "../tensor.js";
import { affine, checkDraw, checkPositive, type Options, parameter } from "./check.js";
import { exactExp, exactLog, exactSum } from "./exact.js";
import { type Key, openUniform, splitList } from "./keys.js";
import { normal } from "./normal.js";

// All of these are computed in float64 and rounded to the dtype asked for. No gradient reaches their shape parameters:
// the proposals that are rejected would have to be differentiated through.

/** At worst (a = 1) a proposal is refused with probability 0.0483: ten of them in a row with 7e-14. */
const proposals = 10;

/**
 * A gamma number in two factors, core exp(boost): the second, which is 1 for a >= 1, may be too small for a float.
 *
 * Marsaglia and Tsang, "A simple method for generating gamma variables" (2000): with d = a - 1/3, v = (1 + x / sqrt(9 d))^3
 * and x normal, d v is gamma if log u < x^2 / 2 + d (1 - v + log v). For a < 1 the draw for a + 1 is multiplied by
 * u^(1/a). The proposals are drawn together and the first good one is taken, so that the graph is static.
 */
function gammaParts(k: Key, a: Tensor, shape: readonly number[]): { core: Tensor; boost: Tensor } {
  const [forNormal, forTest, forBoost] = splitList(k, 3);
  const small = less(a, 1);
  const d = sub(where(small, add(a, 1), a), 1 / 3);
  const x = normal(forNormal, [proposals, ...shape], { dtype: "float64" });
  const u = openUniform(forTest, [proposals, ...shape], "float64");
  const root = add(div(x, mul(sqrt(d), 3)), 1);
  const positive = greater(root, 0);
  const v = mul(mul(root, root), root);
  // x is below 8.6 in size and a at least 1, so the root stays below 8.
  const logRoot = add(exactLog(mul(where(positive, root, 1), 1 / 8)), Math.log(8));
  const bound = add(mul(mul(x, x), 0.5), mul(d, add(sub(1, v), mul(logRoot, 3))));
  const good = and(positive, less(exactLog(u), bound));
  const part = (t: Tensor, i: number) => reshape(slice(t, [i], [i + 1]), shape);
  // If none is good, v = 1: the draw is then a - 1/3, about the median.
  let chosen: Tensor | number = 1;
  for (let i = proposals - 1; i >= 0; i--) chosen = where(part(good, i), part(v, i), chosen);
  const boost = div(exactLog(openUniform(forBoost, shape, "float64")), a);
  return { core: mul(d, chosen), boost: where(small, boost, 0) };
}

/** Gamma numbers of shape parameter `a`, in float64; nothing is checked. */
function gamma64(k: Key, a: Tensor, shape: readonly number[]): Tensor {
  const { core, boost } = gammaParts(k, a, shape);
  return mul(core, exactExp(boost));
}

/**
 * Gamma numbers of density x^(a-1) exp(-x) / Gamma(a), for any a > 0 up to about 10^10, by Marsaglia and Tsang's method
 * (2000) with ten proposals for each draw. With a probability below 1e-13 all are refused, and the draw is a - 1/3.
 * Multiply by a scale; no gradient reaches `a`. Throws `HebbError` unless a > 0.
 */
export function gamma(k: Key, a: Operand, shape: readonly number[], { dtype = "float32" }: Options = {}): Tensor {
  checkDraw("gamma", k, shape, dtype);
  checkPositive("gamma", "the shape parameter", a);
  return cast(gamma64(k, parameter("gamma", a, shape), shape), dtype);
}

/** Chi-square numbers with `df` degrees of freedom: 2 gamma(df / 2). No gradient reaches `df`. */
export function chiSquare(k: Key, df: Operand, shape: readonly number[], { dtype = "float32" }: Options = {}): Tensor {
  checkDraw("chiSquare", k, shape, dtype);
  checkPositive("chiSquare", "the degrees of freedom", df);
  return cast(mul(gamma64(k, mul(parameter("chiSquare", df, shape), 0.5), shape), 2), dtype);
}

/**
 * Student's t with `df` degrees of freedom: loc + scale z / sqrt(chi-square / df). Gradients reach `loc` and `scale`, not
 * `df`.
 */
export function studentT(
  k: Key,
  df: Operand,
  shape: readonly number[],
  { loc = 0, scale = 1, dtype = "float32" }: Options & { loc?: Operand; scale?: Operand } = {},
): Tensor {
  checkDraw("studentT", k, shape, dtype);
  checkPositive("studentT", "the degrees of freedom", df);
  checkPositive("studentT", "the scale", scale);
  const [forNormal, forGamma] = splitList(k, 2);
  const half = mul(parameter("studentT", df, shape), 0.5);
  const z = normal(forNormal, shape, { dtype: "float64" });
  return affine("studentT", mul(z, sqrt(div(half, gamma64(forGamma, half, shape)))), loc, scale, dtype);
}

/** Beta numbers G(a) / (G(a) + G(b)) with gamma numbers G: one of two Dirichlet shares. No gradient reaches `a` and `b`. */
export function beta(
  k: Key,
  a: Operand,
  b: Operand,
  shape: readonly number[],
  { dtype = "float32" }: Options = {},
): Tensor {
  checkDraw("beta", k, shape, dtype);
  checkPositive("beta", "a", a);
  checkPositive("beta", "b", b);
  const both = [a, b].map((p) => broadcastTo(parameter("beta", p, shape), shape));
  const shares = dirichlet64(k, stack(both, -1), [...shape, 2]);
  return cast(reshape(sliceAxis(shares, -1, 0, 1), shape), dtype);
}

/** Gamma numbers of shape parameters `a`, divided by their sums over the last axis, in float64. */
function dirichlet64(k: Key, a: Tensor, shape: readonly number[]): Tensor {
  const { core, boost } = gammaParts(k, a, shape);
  // The largest of the second factors is divided out: where all parameters are small, all gamma numbers may be 0.
  const weights = mul(core, exactExp(sub(boost, max(boost, -1, { keepDims: true }))));
  return div(weights, exactSum(weights));
}

/**
 * Dirichlet vectors of parameters `alpha` [..., n]: gamma numbers divided by their sum; result [...shape, n], by default
 * like alpha. No gradient reaches `alpha`. Throws `HebbError` unless all are positive.
 */
export function dirichlet(
  k: Key,
  alpha: Tensor | readonly number[],
  shape?: readonly number[],
  { dtype = "float32" }: Options = {},
): Tensor {
  const a = alpha instanceof Tensor ? alpha : tensor(alpha, { dtype: "float64" });
  if (!(alpha instanceof Tensor)) for (const value of alpha) checkPositive("dirichlet", "alpha", value);
  if (a.rank === 0 || a.shape[a.rank - 1] === 0)
    throw new ShapeError("dirichlet", `alpha ${show(a.shape)} needs at least one class on its last axis`);
  const whole = [...(shape ?? a.shape.slice(0, -1)), a.shape[a.rank - 1]];
  checkDraw("dirichlet", k, whole, dtype);
  return cast(dirichlet64(k, parameter("dirichlet", a, whole), whole), dtype);
}
