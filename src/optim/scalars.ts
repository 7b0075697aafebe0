import type { DType } from "../engine/dtype.js";
import { mul, neg } from "../engine/primitives/elementwise.js";
import { cast } from "../engine/primitives/structure.js";
import type { Operand, Tensor } from "../engine/tensor.js";
import type { Schedule } from "./schedules.js";

/** `x` in `dtype`, without an operation when it is already. */
export const inDType = (x: Tensor, dtype: DType): Tensor => (x.dtype === dtype ? x : cast(x, dtype));

/** The value of a learning rate at `step`, in `dtype`; a number stays a number, which costs nothing. */
export const rateAt = (rate: number | Schedule, step: Tensor, dtype: DType): Operand =>
  typeof rate === "number" ? rate : inDType(rate(inDType(step, dtype)), dtype);

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
