import type { Operand } from "../tensor.js";
import { Tensor } from "../tensor.js";
import { flattenTree, unflattenTree } from "../tree.js";
import { rademacher } from "./discrete.js";
import { type Key, splitList, uniform } from "./keys.js";
import { normal } from "./normal.js";

/**
 * A tree like `tree`, whose tensors are drawn with one key each, in the order of `flattenTree`:
 * `randomLike(k, params, (key, leaf) => laplace(key, leaf.shape))`. Leaves that are no tensors stay.
 */
export function randomLike<T>(k: Key, tree: T, draw: (key: Key, leaf: Tensor) => Tensor): T {
  const { leaves, def } = flattenTree(tree);
  const keys = splitList(k, leaves.length);
  return unflattenTree(
    def,
    leaves.map((leaf, i) => (leaf instanceof Tensor ? draw(keys[i], leaf) : leaf)),
  );
}

/** A tree of normal numbers, of the shapes and dtypes of `tree`. */
export const normalLike = <T>(k: Key, tree: T, options: { mean?: Operand; sd?: Operand } = {}): T =>
  randomLike(k, tree, (key, { shape, dtype }) => normal(key, shape, { ...options, dtype }));

/** A tree of uniform numbers on [low, high), of the shapes and dtypes of `tree`. */
export const uniformLike = <T>(k: Key, tree: T, options: { low?: Operand; high?: Operand } = {}): T =>
  randomLike(k, tree, (key, { shape, dtype }) => uniform(key, shape, { ...options, dtype }));

/** A tree of -1 and 1, of the shapes and dtypes of `tree`: probes for the traces of matrices (Hutchinson, 1989). */
export const rademacherLike = <T>(k: Key, tree: T): T =>
  randomLike(k, tree, (key, { shape, dtype }) => rademacher(key, shape, { dtype }));
