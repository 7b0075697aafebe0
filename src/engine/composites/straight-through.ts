import { customGradient } from "../autodiff.js";
import { ShapeError } from "../errors.js";
import { round } from "../primitives/elementwise.js";
import { sameShape, show } from "../shape.js";
import type { Tensor } from "../tensor.js";

const pass = customGradient(
  (hard: Tensor, _soft: Tensor) => hard,
  (g) => [undefined, g],
);

/**
 * The value of `hard` with the gradient of `soft`: the straight-through estimator (Bengio, Léonard and Courville, 2013).
 * Throws `ShapeError` when their shapes or dtypes differ.
 */
export function straightThrough(hard: Tensor, soft: Tensor): Tensor {
  if (!sameShape(hard.shape, soft.shape) || hard.dtype !== soft.dtype) {
    throw new ShapeError(
      "straightThrough",
      `hard ${hard.dtype}${show(hard.shape)} and soft ${soft.dtype}${show(soft.shape)} must be alike`,
    );
  }
  return pass(hard, soft);
}

/** The nearest integer (halves to even), with the gradient of x itself. */
export const roundStraightThrough = (x: Tensor): Tensor => straightThrough(round(x), x);
