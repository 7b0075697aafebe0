import { HebbError } from "../engine/errors.js";
import { Tensor } from "../engine/tensor.js";
import { flattenTree } from "../engine/tree.js";

/**
 * A value of `T` for each parameter: one for all, a tree in which one value may stand for a whole subtree, or a function
 * of a parameter's path (such as `layers[0].w`) and tensor.
 */
export type Prefix<T> =
  | T
  | readonly Prefix<T>[]
  | { readonly [key: string]: Prefix<T> }
  | ((path: string, param: Tensor) => T);

/**
 * The value for each leaf of `params`, in the order of `flattenTree`. Throws `HebbError` naming the first path at which
 * the prefix does not fit; `missing` says what is not there.
 */
export function resolvePrefix<T extends string | boolean>(
  prefix: Prefix<T>,
  params: unknown,
  isValue: (x: unknown) => x is T,
  missing: string,
): T[] {
  const { leaves, paths } = flattenTree(params);
  if (typeof prefix === "function") return leaves.map((leaf, i) => prefix(paths[i], leaf as Tensor));
  const walk = (part: Prefix<T> | undefined, tree: any, path: string): T[] => {
    if (isValue(part)) return flattenTree(tree).leaves.map(() => part);
    if (typeof part !== "object" || tree instanceof Tensor)
      throw new HebbError(`${missing} for the parameter "${path}".`);
    if (Array.isArray(tree)) return tree.flatMap((item, i) => walk((part as any)[i], item, `${path}[${i}]`));
    const keys = Object.keys(tree).sort();
    return keys.flatMap((k) => walk((part as any)[k], tree[k], path ? `${path}.${k}` : k));
  };
  return walk(prefix, params, "");
}
