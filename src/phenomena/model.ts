import type { random, Tensor } from "../engine/index.js";

/** A model: a pure function of a tree of parameters. */
export interface Model<P> {
  /** Fresh parameters. */
  init(key: random.Key): P;
  /** The outputs of a batch: `x` [B, ...], result [B] or [B, C]. */
  apply(params: P, x: Tensor): Tensor;
}
