import { HebbError } from "./errors.js";
import { isNDArray, Tensor } from "./tensor.js";

/** Nested plain objects and arrays with leaves of type L. */
export type Tree<L = Tensor> = L | readonly Tree<L>[] | { readonly [key: string]: Tree<L> };

/** The structure of a tree without its leaves. */
export type TreeDef =
  | { readonly kind: "leaf" }
  | { readonly kind: "array"; readonly items: readonly TreeDef[] }
  | { readonly kind: "object"; readonly keys: readonly string[]; readonly items: readonly TreeDef[] };

const leaf: TreeDef = { kind: "leaf" };

export const isTreeLeaf = (x: unknown): boolean =>
  x instanceof Tensor || x === null || typeof x !== "object" || ArrayBuffer.isView(x) || isNDArray(x);

/** The keys of an object in a tree, in the order of `flattenTree`; undefined for what is no plain object. */
export function treeKeys(node: object): string[] | undefined {
  const prototype = Object.getPrototypeOf(node);
  return prototype === Object.prototype || prototype === null ? Object.keys(node).sort() : undefined;
}

/** The leaves of a tree in a fixed order (object keys sorted), and its structure. */
export function flattenTree(tree: unknown, path = ""): { leaves: unknown[]; def: TreeDef; paths: string[] } {
  const leaves: unknown[] = [];
  const paths: string[] = [];
  const walk = (node: unknown, at: string): TreeDef => {
    if (isTreeLeaf(node)) {
      leaves.push(node);
      paths.push(at);
      return leaf;
    }
    if (Array.isArray(node)) return { kind: "array", items: node.map((item, i) => walk(item, `${at}[${i}]`)) };
    const keys = treeKeys(node as object);
    if (!keys) {
      throw new HebbError(
        `A tree holds plain objects, arrays and tensors, but at "${at || "its root"}" there is a ${(node as object).constructor?.name ?? "class instance"}.`,
      );
    }
    return { kind: "object", keys, items: keys.map((k) => walk((node as any)[k], at ? `${at}.${k}` : k)) };
  };
  const def = walk(tree, path);
  return { leaves, def, paths };
}

/** Puts leaves back into a structure. */
export function unflattenTree(def: TreeDef, leaves: readonly unknown[]): any {
  let at = 0;
  const build = (d: TreeDef): unknown => {
    if (d.kind === "leaf") return leaves[at++];
    if (d.kind === "array") return d.items.map(build);
    return Object.fromEntries(d.keys.map((k, i) => [k, build(d.items[i])]));
  };
  return build(def);
}

/** Equal strings mean equal structures. */
export function treeKey(def: TreeDef): string {
  if (def.kind === "leaf") return "*";
  if (def.kind === "array") return `[${def.items.map(treeKey).join(",")}]`;
  return `{${def.keys.map((k, i) => `${JSON.stringify(k)}:${treeKey(def.items[i])}`).join(",")}}`;
}

type Mapped<T, L, R> = T extends L
  ? R
  : T extends readonly unknown[]
    ? { [K in keyof T]: Mapped<T[K], L, R> }
    : T extends object
      ? { [K in keyof T]: Mapped<T[K], L, R> }
      : T;

/** The type of a tree like `T` with its tensors replaced by `R`. */
export type TreeLike<T, R> = Mapped<T, Tensor, R>;

/**
 * Applies `f` to corresponding leaves of trees of one structure: `treeMap((p, g) => p.sub(g), params, grads)`.
 * Throws `HebbError` naming the first path at which the structures differ.
 */
export function treeMap<T, R = Tensor>(
  f: (leaf: any, ...others: any[]) => R,
  tree: T,
  ...rest: readonly unknown[]
): TreeLike<T, R> {
  const { leaves, def, paths } = flattenTree(tree);
  const others = rest.map((other, i) => {
    const flat = flattenTree(other);
    if (treeKey(flat.def) !== treeKey(def)) {
      const missing = paths.find((p) => !flat.paths.includes(p));
      const extra = flat.paths.find((p) => !paths.includes(p));
      const where =
        missing !== undefined
          ? `"${missing}" is only in the first`
          : extra !== undefined
            ? `"${extra}" is only in tree ${i + 2}`
            : "they nest differently";
      throw new HebbError(`treeMap: the trees differ in structure: ${where}.`);
    }
    return flat.leaves;
  });
  return unflattenTree(
    def,
    leaves.map((l, i) => f(l, ...others.map((o) => o[i]))),
  );
}

/** The tensors of a tree, in the order of `flattenTree`. */
export const treeLeaves = (tree: unknown): Tensor[] =>
  flattenTree(tree).leaves.filter((l): l is Tensor => l instanceof Tensor);

/** Paths such as `layers[0].w` with their tensors. */
export function treeEntries(tree: unknown): [path: string, tensor: Tensor][] {
  const { leaves, paths } = flattenTree(tree);
  return leaves.flatMap((l, i) => (l instanceof Tensor ? [[paths[i], l] as [string, Tensor]] : []));
}
