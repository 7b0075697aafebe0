import { add, div, less, minimum, mul, neg, sub, where } from "../primitives/elementwise.js";
import { cast } from "../primitives/structure.js";
import { type Operand, Tensor } from "../tensor.js";
import { affine, checkDraw, checkPositive, inner, type Options } from "./check.js";
import { exactLog, exactTurn } from "./exact.js";
import { type Key, openUniform, uniform } from "./keys.js";

// Distributions whose distribution function can be inverted in closed form: one uniform number, one draw.

type LocationScale = Options & { loc?: Operand; scale?: Operand };

/** Exponential numbers -log(u) / rate. Gradients reach `rate`. Throws `HebbError` unless the rate is positive. */
export function exponential(
  k: Key,
  shape: readonly number[],
  { rate = 1, dtype = "float32" }: Options & { rate?: Operand } = {},
): Tensor {
  checkDraw("exponential", k, shape, dtype);
  checkPositive("exponential", "the rate", rate);
  const z = neg(exactLog(openUniform(k, shape, inner(dtype))));
  return affine("exponential", z, 0, rate instanceof Tensor ? div(1, rate) : 1 / Number(rate), dtype);
}

/** Laplace numbers of density exp(-|x - loc| / scale) / (2 scale). Gradients reach `loc` and `scale`. */
export function laplace(
  k: Key,
  shape: readonly number[],
  { loc = 0, scale = 1, dtype = "float32" }: LocationScale = {},
): Tensor {
  checkDraw("laplace", k, shape, dtype);
  checkPositive("laplace", "the scale", scale);
  const u = openUniform(k, shape, inner(dtype));
  const size = neg(exactLog(mul(minimum(u, sub(1, u)), 2)));
  return affine("laplace", where(less(u, 0.5), neg(size), size), loc, scale, dtype);
}

/** Logistic numbers loc + scale log(u / (1 - u)). Gradients reach `loc` and `scale`. */
export function logistic(
  k: Key,
  shape: readonly number[],
  { loc = 0, scale = 1, dtype = "float32" }: LocationScale = {},
): Tensor {
  checkDraw("logistic", k, shape, dtype);
  checkPositive("logistic", "the scale", scale);
  const u = openUniform(k, shape, inner(dtype));
  return affine("logistic", sub(exactLog(u), exactLog(sub(1, u))), loc, scale, dtype);
}

/** Cauchy numbers loc + scale tan(pi (u - 1/2)). Gradients reach `loc` and `scale`. */
export function cauchy(
  k: Key,
  shape: readonly number[],
  { loc = 0, scale = 1, dtype = "float32" }: LocationScale = {},
): Tensor {
  checkDraw("cauchy", k, shape, dtype);
  checkPositive("cauchy", "the scale", scale);
  const { cos, sin } = exactTurn(mul(openUniform(k, shape, inner(dtype)), 0.5));
  return affine("cauchy", neg(div(cos, sin)), loc, scale, dtype);
}

/** Standard Gumbel numbers, -log(-log(u)), to the last bit the same on every backend. */
export function gumbel(k: Key, shape: readonly number[], { dtype = "float32" }: Options = {}): Tensor {
  checkDraw("gumbel", k, shape, dtype);
  // Keeps u from 0 and from 1, where the logarithms end.
  const u = add(mul(uniform(k, shape, { dtype: inner(dtype) }), 1 - 1e-7), 1e-7 / 2);
  // The inner logarithm reaches 17; the outer one is taken of numbers up to 1.
  const outer = add(exactLog(mul(exactLog(u), -1 / 32)), Math.log(32));
  return cast(neg(outer), dtype);
}
