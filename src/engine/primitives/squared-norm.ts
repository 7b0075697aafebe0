import { normalAxes } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { mul, mulPrimitive } from "./elementwise.js";
import { matmul, matmulPrimitive } from "./matmul.js";
import { sum } from "./reduce.js";

/**
 * The sum of the squares of an outer product a b' over both its axes (and others) as |a|^2 |b|^2, without the product. The
 * norms of the gradients of single examples are of this kind (Goodfellow, 2015). Undefined where `x` is no such square,
 * and in float16, whose range is too small for the factors' own squares.
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
  const list = normalAxes("sum", axes, x.shape);
  // For products of rank above one, <A'A, B B'> would do, but it loses half of the digits where the product cancels.
  const outer = a.shape[a.rank - (transposeA ? 2 : 1)] === 1;
  if (!outer || !list.includes(x.rank - 1) || !list.includes(x.rank - 2)) return undefined;
  const left = matmul(a, a, { transposeA: !transposeA, transposeB: transposeA });
  const right = matmul(b, b, { transposeA: transposeB, transposeB: !transposeB });
  return sum(mul(left, right), list);
}
