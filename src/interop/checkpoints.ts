import type { NDArray } from "../engine/dtype.js";
import { HebbError } from "../engine/errors.js";
import { quote } from "../engine/quote.js";
import { realise } from "../engine/run.js";
import { sameShape, show } from "../engine/shape.js";
import { fromValue, Tensor } from "../engine/tensor.js";
import { flattenTree, type Tree, unflattenTree } from "../engine/tree.js";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.js";
import { treeFromPaths } from "./trees.js";

/**
 * A tree of tensors as the bytes of a safetensors file: each tensor under its path, such as `layers[0].w`. `metadata` are
 * texts to keep beside them. Throws `HebbError` when a leaf is not a tensor.
 */
export async function saveSafetensors(
  tree: unknown,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { paths, tensors } = tensorsOf("saveSafetensors", tree);
  const arrays = await realise(tensors);
  return encodeSafetensors(
    arrays.map((array, i): [string, NDArray] => [paths[i], array]),
    metadata,
  );
}

/**
 * The tree of tensors in a safetensors file. With `like`, the file must hold the tensors of that tree and no others, with
 * the same shapes and dtypes. Without it the tree is rebuilt from the names: `layers[0].w` and `conv1.weight` nest; names
 * that are not the paths of one tree are the keys of a flat object.
 *
 * Throws `HebbError` that names the first path at which file and `like` differ, or what is wrong with the file.
 */
export function loadSafetensors<T = Tree>(bytes: Uint8Array, like?: T, what = "safetensors"): T {
  const { tensors } = decodeSafetensors(bytes, what);
  if (like === undefined) {
    return treeFromPaths(Array.from(tensors, ([name, array]) => [name, fromValue(array)] as const)) as T;
  }
  const { def, paths, tensors: expected } = tensorsOf("loadSafetensors", like);
  const leaves = expected.map(({ shape, dtype }, i) => {
    const array = tensors.get(paths[i]);
    if (!array) throw new HebbError(`${what}: there is no tensor "${paths[i]}".`);
    if (array.dtype !== dtype || !sameShape(array.shape, shape)) {
      throw new HebbError(
        `${what}: "${paths[i]}" is ${array.dtype}${show(array.shape)}, but ${dtype}${show(shape)} is needed.`,
      );
    }
    return fromValue(array);
  });
  const wanted = new Set(paths);
  const extra = [...tensors.keys()].find((name) => !wanted.has(name));
  if (extra !== undefined)
    throw new HebbError(`${what}: there is a tensor ${quote(extra)}, for which the tree has no place.`);
  return unflattenTree(def, leaves);
}

function tensorsOf(operation: string, tree: unknown) {
  const { leaves, def, paths } = flattenTree(tree);
  const tensors = leaves.map((leaf, i) => {
    if (leaf instanceof Tensor) return leaf;
    throw new HebbError(
      `${operation}: a tree of tensors is needed, but ${paths[i] ? `at "${paths[i]}" there` : "it"} is ${leaf === null ? "null" : `a ${typeof leaf}`}.`,
    );
  });
  return { def, paths, tensors };
}
