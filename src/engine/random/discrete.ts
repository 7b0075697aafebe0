import { isFloat } from "../dtype.js";
import { HebbError, ShapeError } from "../errors.js";
import { add, mul, shiftRight, sub } from "../primitives/elementwise.js";
import { argsort } from "../primitives/indexing.js";
import { argmax } from "../primitives/reduce.js";
import { cast, sliceAxis } from "../primitives/structure.js";
import { show } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { word } from "./block.js";
import { checkDraw, checkKey, type Options } from "./check.js";
import { gumbel } from "./inversion.js";
import { bits, type Key } from "./keys.js";

/** Integers uniform on [low, high), as int32 (bias below (high - low) / 2^32). */
export function integers(k: Key, shape: readonly number[], low: number, high: number): Tensor {
  checkDraw("integers", k, shape);
  if (!Number.isInteger(low) || !Number.isInteger(high) || low >= high || low < -(2 ** 31) || high > 2 ** 31)
    throw new HebbError(`integers: low and high must be int32 numbers with low < high, got ${low} and ${high}.`);
  const scaled = shiftRight(mul(cast(bits(k, shape), "uint64"), high - low), 32);
  return cast(add(cast(scaled, "int64"), low), "int32");
}

/** -1 or 1, with equal probabilities. */
export function rademacher(k: Key, shape: readonly number[], { dtype = "float32" }: Options = {}): Tensor {
  checkDraw("rademacher", k, shape, dtype);
  return sub(mul(cast(shiftRight(bits(k, shape), word(31)), dtype), 2), 1);
}

/** logits + Gumbel numbers: their order is that in which classes come when drawn one after another. */
function perturbed(operation: string, k: Key, logits: Tensor): Tensor {
  checkKey(operation, k);
  if (logits.rank === 0 || !isFloat(logits.dtype))
    throw new ShapeError(operation, `logits are floats [..., classes], got ${logits.dtype}${show(logits.shape)}`);
  return add(logits, gumbel(k, logits.shape, { dtype: logits.dtype }));
}

/** Classes drawn with probabilities softmax(logits) along the last axis, as int32 (the Gumbel-max trick). */
export const categorical = (k: Key, logits: Tensor): Tensor => argmax(perturbed("categorical", k, logits), -1);

/**
 * `count` different classes for each row of logits [..., classes], as int32 [..., count]: each is drawn with probabilities
 * softmax(logits) among those that are left (the Gumbel-top-k trick; Kool et al., 2019).
 */
export function gumbelTopK(k: Key, logits: Tensor, count: number): Tensor {
  const order = argsort(perturbed("gumbelTopK", k, logits), -1, { descending: true });
  const classes = logits.shape[logits.rank - 1];
  if (!Number.isInteger(count) || count < 0 || count > classes)
    throw new HebbError(
      `gumbelTopK: the count must be a whole number from 0 to ${classes}, the classes, got ${count}.`,
    );
  return sliceAxis(order, -1, 0, count);
}
