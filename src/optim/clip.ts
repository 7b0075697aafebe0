import { clip } from "../engine/composites/elementary.js";
import { mean } from "../engine/composites/statistics.js";
import { HebbError } from "../engine/errors.js";
import { add, div, maximum, mul, sqrt } from "../engine/primitives/elementwise.js";
import { sum } from "../engine/primitives/reduce.js";
import type { Tensor } from "../engine/tensor.js";
import { treeLeaves } from "../engine/tree.js";
import type { Optimizer } from "./optimizer.js";
import { inDType, perDType } from "./scalars.js";
import { mapTree } from "./trees.js";

type Stateless = Optimizer<Record<string, never>>;

/** The square root of the sum of squares of all values of a tree, a scalar. Throws `HebbError` for an empty tree. */
export const globalNorm = (tree: unknown): Tensor => sqrt(sumOfSquares("globalNorm", tree));

/** The sum of squares of all values of a tree, in the dtype of its first tensor. */
export function sumOfSquares(operation: string, tree: unknown): Tensor {
  const leaves = treeLeaves(tree);
  if (leaves.length === 0) throw new HebbError(`${operation}: the tree holds no tensor.`);
  const squares = leaves.map((t) => inDType(sum(mul(t, t)), leaves[0].dtype));
  return squares.reduce((a, b) => add(a, b));
}

/** Scales all gradients by min(1, limit / globalNorm(grads)), so that their joint norm is at most `limit` (Pascanu et al., 2013). */
export function clipByGlobalNorm(limit: number): Stateless {
  checkLimit("clipByGlobalNorm", "the largest norm", limit);
  return {
    init: () => ({}),
    update(grads, state) {
      const excess = above1(mul(sumOfSquares("clipByGlobalNorm", grads), limit ** -2));
      const at = perDType((dtype) => inDType(excess, dtype));
      return [mapTree((g) => div(g, at(g.dtype)), grads), state];
    },
  };
}

/** Every entry of every gradient cut to [-limit, limit]. */
export function clipByValue(limit: number): Stateless {
  checkLimit("clipByValue", "the largest value", limit);
  return {
    init: () => ({}),
    update: (grads, state) => [mapTree((g) => clip(g, -limit, limit), grads), state],
  };
}

/**
 * Each gradient u divided by max(1, rms(u) / limit), so that the root mean square of no tensor's update exceeds `limit`
 * (Shazeer and Stern, 2018, section 6).
 */
export function clipByBlockRms(limit: number): Stateless {
  checkLimit("clipByBlockRms", "the largest root mean square", limit);
  return {
    init: () => ({}),
    update: (grads, state) => [mapTree((u) => div(u, above1(mul(mean(mul(u, u)), limit ** -2))), grads), state],
  };
}

/** The root of a square, or 1 where it is less: under the root, whose slope is infinite at 0. */
const above1 = (square: Tensor): Tensor => sqrt(maximum(square, 1));

function checkLimit(method: string, what: string, limit: number): void {
  if (!(limit > 0)) throw new HebbError(`${method}: ${what} must be above 0, got ${limit}.`);
}
