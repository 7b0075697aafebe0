import { ShapeError } from "../errors.js";
import { cholesky } from "../linalg/cholesky.js";
import { add, mul, sqrt, sub } from "../primitives/elementwise.js";
import { matmul } from "../primitives/matmul.js";
import { cast, concat, reshape, slice } from "../primitives/structure.js";
import { show, sizeOf } from "../shape.js";
import { type Operand, Tensor } from "../tensor.js";
import { affine, checkDraw, inner, type Options } from "./check.js";
import { exactLog, exactTurn } from "./exact.js";
import { type Key, uniform } from "./keys.js";

/**
 * Normal numbers mean + sd z (Box–Muller on pairs of uniforms), to the last bit the same on every backend. Gradients
 * reach `mean` and `sd`.
 */
export function normal(
  k: Key,
  shape: readonly number[],
  { mean = 0, sd = 1, dtype = "float32" }: Options & { mean?: Operand; sd?: Operand } = {},
): Tensor {
  checkDraw("normal", k, shape, dtype);
  const n = sizeOf(shape);
  const half = Math.ceil(n / 2);
  const u = uniform(k, [2, half], { dtype: inner(dtype) });
  const part = (i: number) => reshape(slice(u, [i], [i + 1]), [half]);
  // 1 - u lies in (0, 1], so the logarithm is finite.
  const radius = sqrt(mul(exactLog(sub(1, part(0))), -2));
  const { cos, sin } = exactTurn(part(1));
  const both = concat([mul(radius, cos), mul(radius, sin)]);
  return affine("normal", reshape(slice(both, [0], [n]), shape), mean, sd, dtype);
}

/**
 * Normal vectors mean + L z, of covariance L L': `mean` [d], and the factor L [d, d] or `{ covariance }` [d, d], of which
 * the Cholesky factor is taken; result [...shape, d]. Gradients reach both. The runtime adds up the product with L, so the
 * last bits may differ between backends.
 */
export function multivariateNormal(
  k: Key,
  mean: Tensor,
  spread: Tensor | { readonly covariance: Tensor },
  shape: readonly number[] = [],
): Tensor {
  checkDraw("multivariateNormal", k, shape, mean.dtype);
  const factor = spread instanceof Tensor ? spread : cholesky(spread.covariance);
  const [d] = mean.shape;
  if (mean.rank !== 1 || factor.rank !== 2 || factor.shape.some((n) => n !== d) || factor.dtype !== mean.dtype) {
    throw new ShapeError(
      "multivariateNormal",
      `a mean [d] needs a factor [d, d] of its dtype, got ${mean.dtype}${show(mean.shape)} and ${factor.dtype}${show(factor.shape)}`,
    );
  }
  const dtype = inner(mean.dtype);
  const z = normal(k, [sizeOf(shape), d], { dtype });
  const drawn = add(matmul(z, cast(factor, dtype), { transposeB: true }), cast(mean, dtype));
  return cast(reshape(drawn, [...shape, d]), mean.dtype);
}
