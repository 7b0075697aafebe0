import { ShapeError } from "../errors.js";
import { qr } from "../linalg/qr.js";
import { div, mul, sqrt } from "../primitives/elementwise.js";
import { cast, reshape, sliceAxis, transpose, zeros } from "../primitives/structure.js";
import { show, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { checkDraw, type Options } from "./check.js";
import { exactSum } from "./exact.js";
import type { Key } from "./keys.js";
import { normal } from "./normal.js";

/** Divides rows by their lengths. */
const unit = (x: Tensor): Tensor => div(x, sqrt(exactSum(mul(x, x))));

/** Vectors of length 1 uniform in direction: the last axis of `shape` is the space. */
export function unitSphere(k: Key, shape: readonly number[], { dtype = "float32" }: Options = {}): Tensor {
  checkDraw("unitSphere", k, shape, dtype);
  checkSpace("unitSphere", shape);
  return cast(unit(normal(k, shape, { dtype: "float64" })), dtype);
}

/**
 * Vectors uniform on the ball of radius 1: the last axis of `shape` is the space. They are the shadows of points on the
 * sphere with two more dimensions (Archimedes, for three).
 */
export function unitBall(k: Key, shape: readonly number[], { dtype = "float32" }: Options = {}): Tensor {
  checkDraw("unitBall", k, shape, dtype);
  checkSpace("unitBall", shape);
  const d = shape[shape.length - 1];
  return sliceAxis(unitSphere(k, [...shape.slice(0, -1), d + 2], { dtype }), -1, 0, d);
}

function checkSpace(operation: string, shape: readonly number[]): void {
  if (shape.length === 0 || shape[shape.length - 1] === 0)
    throw new ShapeError(operation, `the last axis of ${show(shape)} is the space, which needs a dimension`);
}

/**
 * `gain` times a random matrix with orthonormal columns (rows, if there are fewer of these), uniform among all such
 * matrices (Haar). Axes after the first count as columns together, as for the kernel of a convolution.
 *
 * The factor Q of a normal matrix whose R has a positive diagonal, as uniformity needs (Mezzadri, 2007). In float64
 * inside; the runtime adds up the products, so that the last bits may differ between backends. Initialisation: Saxe et al.
 * (2014).
 */
export function orthogonal(
  k: Key,
  shape: readonly number[],
  { gain = 1, dtype = "float32" }: Options & { gain?: number } = {},
): Tensor {
  checkDraw("orthogonal", k, shape, dtype);
  if (shape.length < 2) throw new ShapeError("orthogonal", `a matrix has at least two axes, got shape ${show(shape)}`);
  const [rows, columns] = [shape[0], sizeOf(shape.slice(1))];
  if (rows * columns === 0) return zeros(shape, dtype);
  const tall = normal(k, [Math.max(rows, columns), Math.min(rows, columns)], { dtype: "float64" });
  const { q } = qr(tall);
  return cast(mul(reshape(rows < columns ? transpose(q) : q, shape), gain), dtype);
}
