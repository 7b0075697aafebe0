import type { DType } from "../engine/dtype.js";
import { add, div, mul, neg, tanh } from "../engine/primitives/elementwise.js";
import { cast, zeros } from "../engine/primitives/structure.js";
import { type Operand, Tensor } from "../engine/tensor.js";
import { treeLeaves } from "../engine/tree.js";
import type { Rate } from "./schedules.js";

/** `x` in `dtype`, without an operation when it is already. */
export const inDType = (x: Tensor, dtype: DType): Tensor => (x.dtype === dtype ? x : cast(x, dtype));

/** float64 when a tree has a float64 tensor, else float32: what its scalars need. */
export const scalarDType = (tree: unknown): DType =>
  treeLeaves(tree).some((t) => t.dtype === "float64") ? "float64" : "float32";

/** The step count before the first step. */
export const firstStep = (): Tensor => zeros([], "float32");

/** The value of a learning rate at `step`, in `dtype`; a number stays a number, which costs nothing. */
export function rateAt(rate: Rate, step: Tensor, dtype: DType): Operand {
  if (typeof rate === "number") return rate;
  return inDType(rate instanceof Tensor ? rate : rate(inDType(step, dtype)), dtype);
}

/** factor * x, where numbers are multiplied at once. */
export function times(x: Operand, factor: number): Operand {
  if (typeof x === "number") return x * factor;
  return factor === -1 ? neg(x) : mul(x, factor);
}

/** Calls `f` once for each dtype: the scalars of a step are shared by all parameters of one dtype. */
export function perDType<T>(f: (dtype: DType) => T): (dtype: DType) => T {
  const known = new Map<DType, T>();
  return (dtype) => {
    if (!known.has(dtype)) known.set(dtype, f(dtype));
    return known.get(dtype)!;
  };
}

/** 1 - beta^t without cancellation: with h = -t log(beta) / 2 it is 2 tanh(h) / (1 + tanh(h)). */
export function oneMinusPower(beta: number, t: Tensor): Tensor {
  const h = tanh(mul(t, beta === 0 ? 1e3 : -Math.log(beta) / 2));
  return div(mul(h, 2), add(h, 1));
}
