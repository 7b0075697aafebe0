import { HebbError } from "../engine/errors.js";
import { add, div, minimum, mul, sqrt } from "../engine/primitives/elementwise.js";
import { sum } from "../engine/primitives/reduce.js";
import type { Tensor } from "../engine/tensor.js";
import { treeLeaves, treeMap } from "../engine/tree.js";
import type { Optimizer } from "./optimizer.js";
import { inDType, perDType } from "./scalars.js";

/** The square root of the sum of squares of all values of a tree, a scalar. Throws `HebbError` for an empty tree. */
export function globalNorm(tree: unknown): Tensor {
  const leaves = treeLeaves(tree);
  if (leaves.length === 0) throw new HebbError("globalNorm: the tree holds no tensor.");
  const squares = leaves.map((t) => inDType(sum(mul(t, t)), leaves[0].dtype));
  return sqrt(squares.reduce((a, b) => add(a, b)));
}

/** Scales all gradients by min(1, maximum / globalNorm(grads)), so that their joint norm is at most `maximum` (Pascanu et al., 2013). */
export function clipByGlobalNorm(maximum: number): Optimizer<Record<string, never>> {
  if (!(maximum > 0)) throw new HebbError(`clipByGlobalNorm: the largest norm must be above 0, got ${maximum}.`);
  return {
    init: () => ({}),
    update(grads, state) {
      const factor = minimum(div(maximum, globalNorm(grads)), 1);
      const at = perDType((dtype) => inDType(factor, dtype));
      return [treeMap((g) => mul(g, at(g.dtype)), grads) as typeof grads, state];
    },
  };
}
