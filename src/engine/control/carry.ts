import { placeholder } from "../core.js";
import { HebbError, ShapeError } from "../errors.js";
import { sameShape, show } from "../shape.js";
import { Tensor } from "../tensor.js";
import { flattenTree, treeKey, unflattenTree } from "../tree.js";

/** The carry of a loop: a tree of tensors (null where there is nothing) that keeps its structure, shapes and dtypes. */
export interface Carry<C> {
  readonly initial: readonly Tensor[];
  /** Placeholders for the tensors, as the loop's body sees them. */
  readonly params: readonly Tensor[];
  /** A tree like the carry with these tensors. */
  build(tensors: readonly Tensor[]): C;
  /** The tensors of the carry that a step returns. */
  accept(next: unknown): Tensor[];
}

/** Throws `HebbError` when a leaf is neither a tensor nor null; `accept` throws when the next carry is unlike the first. */
export function carryOf<C>(operation: string, init: C): Carry<C> {
  const { leaves, def, paths } = flattenTree(init);
  const at = (i: number) => (paths[i] ? ` at "${paths[i]}"` : "");
  leaves.forEach((leaf, i) => {
    if (leaf === null || leaf instanceof Tensor) return;
    throw new HebbError(
      `${operation}: the carry must hold tensors, but${at(i) || " it"} is ${Array.isArray(leaf) ? "an array" : typeof leaf}.`,
    );
  });
  const initial = leaves.filter((l): l is Tensor => l instanceof Tensor);
  const key = treeKey(def);
  return {
    initial,
    params: initial.map(placeholder),
    build(tensors) {
      let k = 0;
      return unflattenTree(
        def,
        leaves.map((l) => (l === null ? null : tensors[k++])),
      );
    },
    accept(next) {
      const flat = flattenTree(next);
      if (treeKey(flat.def) !== key) {
        const missing = paths.find((p) => !flat.paths.includes(p));
        const extra = flat.paths.find((p) => !paths.includes(p));
        const how = missing ? `"${missing}" is missing` : extra ? `"${extra}" is new` : "it nests differently";
        throw new HebbError(`${operation}: the carry that the function returns differs from the initial one: ${how}.`);
      }
      return flat.leaves.flatMap((t, i) => {
        const before = leaves[i];
        if (before === null && t === null) return [];
        if (!(t instanceof Tensor) || !(before instanceof Tensor)) {
          throw new HebbError(`${operation}: the carry${at(i)} was ${kind(before)} and became ${kind(t)}.`);
        }
        if (!sameShape(t.shape, before.shape) || t.dtype !== before.dtype)
          throw new ShapeError(operation, `the carry${at(i)} was ${kind(before)} and became ${kind(t)}`);
        return [t];
      });
    },
  };
}

const kind = (x: unknown): string =>
  x instanceof Tensor ? `${x.dtype}${show(x.shape)}` : x === null ? "null" : `a ${typeof x}`;
