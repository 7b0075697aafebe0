import { flattenTree, HebbError, type NDArray, Tensor, type TreeDef, tensor, unflattenTree } from "../engine/index.js";

/** A parameter tree read into host memory, leaf by leaf. */
export interface HostTree {
  readonly leaves: readonly NDArray[];
  readonly paths: readonly string[];
  readonly def: TreeDef;
}

/** Reads the tensors of a tree. Throws `HebbError` naming the path of a leaf that is neither tensor nor host array. */
export async function toHost(tree: unknown, what: string): Promise<HostTree> {
  const { leaves, paths, def } = flattenTree(tree);
  const arrays = await Promise.all(
    leaves.map((leaf, i) => {
      if (leaf instanceof Tensor) return leaf.array();
      if (isHostArray(leaf)) return leaf;
      throw new HebbError(`${what}: the leaf "${paths[i]}" is not a tensor.`);
    }),
  );
  return { leaves: arrays, paths, def };
}

/** A tree of tensors with the structure of `like`; `P` is the caller's word for that structure. */
export const fromHost = <P>(def: TreeDef, leaves: readonly NDArray[]): P =>
  unflattenTree(
    def,
    leaves.map((leaf) => tensor(leaf)),
  );

/** Throws `HebbError` naming the first path at which two host trees have other leaves or other shapes. */
export function checkAlike(what: string, a: HostTree, b: HostTree, fits = sameShape): void {
  const path = a.paths.find((p, i) => p !== b.paths[i]) ?? b.paths[a.paths.length];
  if (path !== undefined) throw new HebbError(`${what}: the trees differ in structure at "${path}".`);
  a.leaves.forEach((leaf, i) => {
    if (fits(leaf.shape, b.leaves[i].shape)) return;
    throw new HebbError(
      `${what}: the shapes [${leaf.shape}] and [${b.leaves[i].shape}] at "${a.paths[i]}" do not go together.`,
    );
  });
}

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((n, i) => n === b[i]);

const isHostArray = (leaf: unknown): leaf is NDArray =>
  typeof leaf === "object" && leaf !== null && ArrayBuffer.isView((leaf as NDArray).data) && "shape" in leaf;
