import { where } from "../engine/primitives/elementwise.js";
import { zeros } from "../engine/primitives/structure.js";
import type { Tensor } from "../engine/tensor.js";
import { treeMap } from "../engine/tree.js";

/** `treeMap` from trees of tensors to one of their kind. */
export const mapTree = treeMap as unknown as <P>(
  f: (leaf: any, ...others: any[]) => Tensor,
  tree: P,
  ...rest: readonly unknown[]
) => P;

/** Zeros in the shapes and dtypes of a tree. */
export const zerosLike = <P>(tree: P): P => mapTree((t) => zeros(t.shape, t.dtype), tree);

/** The tree `a` where the scalar condition holds, else `b`. */
export const treeWhere = <P>(condition: Tensor, a: P, b: P): P =>
  mapTree((x, y) => (x === y ? x : where(condition, x, y)), a, b);

/** decay average + (1 - decay) x, leaf by leaf. */
export const movingAverage = <P>(decay: number, average: P, tree: P): P =>
  mapTree((m, x) => m.mul(decay).add(x.mul(1 - decay)), average, tree);

/** decay average + (1 - decay) x^2, leaf by leaf. */
export const movingAverageOfSquares = <P>(decay: number, average: P, tree: P): P =>
  movingAverage(
    decay,
    average,
    mapTree((x) => x.mul(x), tree),
  );
