import { isFloat } from "../dtype.js";
import { normalAxes } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { maximum, mul, mulPrimitive } from "./elementwise.js";
import { matmul, matmulPrimitive } from "./matmul.js";
import { sum } from "./reduce.js";

/**
 * The sum of the squares of a matrix product A B over both its axes (and others), without the product where that is
 * larger than what it is made of: |A B|^2 = <A'A, B B'>, and |a|^2 |b|^2 for an outer product. Norms of the gradients of
 * single examples are of this kind (Goodfellow, 2015). Undefined where `x` is no such square, and in float16, whose range is too
 * small for the factors' own squares.
 */
export function squaredNorm(
  x: Tensor,
  axes: number | readonly number[] | undefined,
  options: { keepDims?: boolean },
): Tensor | undefined {
  const { primitive, inputs } = x.node;
  if (primitive !== mulPrimitive || inputs[0] !== inputs[1] || options.keepDims || x.dtype === "float16")
    return undefined;
  const [product] = inputs;
  if (product.node.primitive !== matmulPrimitive) return undefined;
  const { transposeA, transposeB } = product.node.attrs;
  const [a, b] = product.node.inputs;
  const [m, n] = product.shape.slice(-2);
  const k = a.shape[a.rank - (transposeA ? 2 : 1)];
  const list = normalAxes("sum", axes, x.shape);
  if (!list.includes(x.rank - 1) || !list.includes(x.rank - 2) || k * (m + n) >= m * n) return undefined;
  const left = matmul(a, a, { transposeA: !transposeA, transposeB: transposeA });
  const right = matmul(b, b, { transposeA: transposeB, transposeB: !transposeB });
  const total = sum(mul(left, right), list);
  // Where the product nearly vanishes, rounding can take the sum below zero.
  return isFloat(x.dtype) ? maximum(total, 0) : total;
}
