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

/**
 * A model that carries state beside its parameters, such as running statistics. Training returns the state that
 * follows; applying reads it.
 */
export interface StatefulModel<P = any, S = any, X = Tensor, Y = Tensor> {
  init(key: Key): P;
  initState(): S;
  train(params: P, x: X, state: S): [y: Y, state: S];
  apply(params: P, x: X, state: S): Y;
}

/** What a call of a model may be given when it trains. */
export interface Training {
  /** Turns on what is random in training, such as dropout; without it the model evaluates. Use each key once. */
  readonly key?: Key;
}

/** How many numbers the tensors of a tree hold. */
export const countParameters = (params: unknown): number => treeLeaves(params).reduce((n, t) => n + t.size, 0);
