import { HebbError, ShapeError } from "../errors.js";
import { bitOr, div, shiftLeft, shiftRight } from "../primitives/elementwise.js";
import { argsort, gather, takeAlongAxis } from "../primitives/indexing.js";
import { cast, reshape, slice, zeros } from "../primitives/structure.js";
import { normalAxis, show, sizeOf } from "../shape.js";
import { Tensor, tensor } from "../tensor.js";
import { checkDraw } from "./check.js";
import { integers } from "./discrete.js";
import { exponential } from "./inversion.js";
import { bits, type Key } from "./keys.js";
import { drawByWeight } from "./table.js";

/** Random orders along `axis`, independent over the other axes: 63 random bits for each place, sorted. */
function orders(k: Key, shape: readonly number[], axis: number): Tensor {
  const words = cast(bits(k, [2, ...shape]), "uint64");
  const [high, low] = [0, 1].map((i) => reshape(slice(words, [i], [i + 1]), shape));
  return argsort(cast(shiftRight(bitOr(shiftLeft(high, 32), low), 1), "int64"), axis);
}

/** A random permutation of 0..n-1, as int32. */
export function permutation(k: Key, n: number): Tensor {
  checkDraw("permutation", k, [n]);
  return orders(k, [n], 0);
}

/** `x` in a random order along `axis`: one order for all, or with `independent` another at each place of the other axes. */
export function shuffle(
  k: Key,
  x: Tensor,
  { axis = 0, independent = false }: { axis?: number; independent?: boolean } = {},
): Tensor {
  checkDraw("shuffle", k, x.shape);
  const at = normalAxis("shuffle", axis, x.shape);
  return independent ? takeAlongAxis(x, orders(k, x.shape, at), at) : gather(x, orders(k, [x.shape[at]], 0), at);
}

/**
 * Draws from 0..n-1 (as int32), or from the rows of a tensor: result [...shape] or [...shape, ...row]. `p` gives each its
 * probability, or a number proportional to that. Without replacement, draws follow one another with the probabilities of
 * those that are left. Throws `HebbError` for more draws than there are to choose from, and for bad probabilities, if they
 * are plain numbers.
 */
export function choice(
  k: Key,
  from: number | Tensor,
  shape: readonly number[],
  { replace = true, p }: { replace?: boolean; p?: Tensor | readonly number[] } = {},
): Tensor {
  checkDraw("choice", k, shape);
  const n = from instanceof Tensor ? from.shape[0] : from;
  if (from instanceof Tensor && from.rank === 0) throw new ShapeError("choice", "a scalar has no rows to choose from");
  if (!Number.isInteger(n) || n < 0) throw new HebbError(`choice: n must be a whole number from 0, got ${n}.`);
  const count = sizeOf(shape);
  checkChoice(n, count, replace, p);
  const weights = p && cast(p instanceof Tensor ? p : tensor(p, { dtype: "float64" }), "float64");
  const some = () => {
    if (count === 0) return zeros(shape, "int32");
    if (replace) return weights ? drawByWeight(k, weights, shape) : integers(k, shape, 0, n);
    // Exponential numbers divided by the weights, in order: the waiting times of a race.
    const order = weights ? argsort(div(exponential(k, [n], { dtype: "float64" }), weights)) : permutation(k, n);
    return reshape(slice(order, [0], [count]), shape);
  };
  return from instanceof Tensor ? gather(from, some(), 0) : some();
}

function checkChoice(n: number, count: number, replace: boolean, p: Tensor | readonly number[] | undefined): void {
  const [length, rank] = p instanceof Tensor ? [p.shape[0], p.rank] : [p?.length, 1];
  if (p && (length !== n || rank !== 1))
    throw new ShapeError(
      "choice",
      `${n} things need as many probabilities, got ${p instanceof Tensor ? show(p.shape) : length}`,
    );
  const bad = p instanceof Tensor ? undefined : p?.find((v) => !(v >= 0 && v < Number.POSITIVE_INFINITY));
  if (bad !== undefined) throw new HebbError(`choice: probabilities are finite and not negative, got ${bad}.`);
  const possible = p && !(p instanceof Tensor) ? p.filter((v) => v > 0).length : n;
  if (count > (replace && possible > 0 ? count : possible)) {
    throw new HebbError(
      `choice: ${count} draws${replace ? "" : " without replacement"} from ${possible} things of positive probability.`,
    );
  }
}
