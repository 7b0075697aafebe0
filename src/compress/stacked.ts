import { HebbError, type NDArray } from "../engine/index.js";
import { checkAlike, fromHost, toHost } from "./host.js";

/**
 * Trees of several models as one: each leaf [...] becomes [n, ...], ready for `vmap`. Masks stack like parameters.
 * Throws `HebbError` when the trees differ in structure or shapes.
 */
export async function stackTrees<P>(trees: readonly P[]): Promise<P> {
  if (trees.length === 0) throw new HebbError("stackTrees: there are no trees.");
  const hosts = await Promise.all(trees.map((tree) => toHost(tree, "stackTrees")));
  for (const host of hosts.slice(1)) checkAlike("stackTrees", hosts[0], host);
  return fromHost(
    hosts[0].def,
    hosts[0].leaves.map((first, i) => {
      const data = emptyLike(first, first.data.length * hosts.length);
      hosts.forEach((host, n) => {
        data.set(host.leaves[i].data as Float32Array, n * first.data.length);
      });
      return { data, shape: [hosts.length, ...first.shape], dtype: first.dtype };
    }),
  );
}

/** The models of a stacked tree, one tree each. Throws `HebbError` when the leaves' first axes differ. */
export async function unstackTree<P>(stacked: P): Promise<P[]> {
  const { leaves, paths, def } = await toHost(stacked, "unstackTree");
  const count = leaves[0]?.shape[0];
  leaves.forEach((leaf, i) => {
    if (count !== undefined && leaf.shape[0] === count) return;
    throw new HebbError(`unstackTree: "${paths[i]}" has the shape [${leaf.shape}], expected ${count} models first.`);
  });
  return Array.from({ length: count }, (_, n) =>
    fromHost<P>(
      def,
      leaves.map((leaf) => {
        const size = leaf.data.length / count;
        return { data: leaf.data.slice(n * size, (n + 1) * size), shape: leaf.shape.slice(1), dtype: leaf.dtype };
      }),
    ),
  );
}

const emptyLike = ({ data }: NDArray, length: number): Float32Array =>
  new (data.constructor as new (length: number) => Float32Array)(length);
