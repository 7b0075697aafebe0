import { ShapeError } from "../errors.js";
import { concat, flatten, reshape, sliceAxis } from "../primitives/structure.js";
import { sizeOf } from "../shape.js";
import { Tensor } from "../tensor.js";
import { flattenTree, unflattenTree } from "../tree.js";

/**
 * The tensors of a tree, of one dtype, as one vector; `unravel` puts a vector of that length back into the tree. Throws
 * `ShapeError` when dtypes differ or there is no tensor.
 */
export function ravel<T>(tree: T): { vector: Tensor; unravel: (vector: Tensor) => T } {
  const { leaves, def, paths } = flattenTree(tree);
  const tensors = leaves.filter((l): l is Tensor => l instanceof Tensor);
  if (tensors.length === 0) throw new ShapeError("ravel", "the tree holds no tensor");
  tensors.forEach((t, i) => {
    if (t.dtype !== tensors[0].dtype)
      throw new ShapeError("ravel", `"${paths[i]}" has dtype ${t.dtype}, others have ${tensors[0].dtype}`);
  });
  return {
    vector: concat(tensors.map(flatten)),
    unravel(vector) {
      let at = 0;
      return unflattenTree(
        def,
        leaves.map((l) => {
          if (!(l instanceof Tensor)) return l;
          const start = at;
          at += sizeOf(l.shape);
          return reshape(sliceAxis(vector, 0, start, at), l.shape);
        }),
      );
    },
  };
}
