import type { Key } from "../engine/random/keys.js";
import type { Tensor } from "../engine/tensor.js";
import { treeLeaves } from "../engine/tree.js";

/**
 * A model or a layer: a way to make parameters, and a pure function of them. `P` is a tree of tensors.
 *
 * Tensors are lazy, so `init` costs nothing until the parameters are used.
 */
export interface Model<P = any, X = Tensor, Y = Tensor> {
  /** Fresh parameters; the same key gives the same ones. */
  init(key: Key): P;
  apply(params: P, x: X): Y;
}

/** How many numbers the tensors of a tree hold. */
export const countParameters = (params: unknown): number => treeLeaves(params).reduce((n, t) => n + t.size, 0);
