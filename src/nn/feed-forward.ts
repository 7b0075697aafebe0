import type { DType } from "../engine/dtype.js";
import { splitList } from "../engine/random/keys.js";
import type { Tensor } from "../engine/tensor.js";
import { type Activation, activationOf } from "./activations.js";
import { dropout } from "./dropout.js";
import { glu } from "./gated.js";
import type { Init } from "./initializers.js";
import { type LinearParams, linear } from "./linear.js";
import type { Model, Training } from "./model.js";

export interface FeedForwardParams {
  /** [width, hidden], or [width, 2 hidden] when gated. */
  readonly up: LinearParams;
  /** [hidden, width]. */
  readonly down: LinearParams;
}

export interface FeedForwardOptions {
  /** Default 4 width. */
  readonly hidden?: number;
  /** Default "gelu". */
  readonly activation?: Activation;
  /** A gated linear unit in place of the activation: "silu" and this make SwiGLU (Shazeer, 2020). Default false. */
  readonly gated?: boolean;
  /** Share of the hidden values that is dropped in training. Default 0. */
  readonly dropout?: number;
  readonly bias?: boolean;
  readonly init?: Init;
  /** How the last weight starts; `init` by default. */
  readonly outInit?: Init;
  readonly dtype?: DType;
}

export interface FeedForward extends Model<FeedForwardParams> {
  apply(params: FeedForwardParams, x: Tensor, options?: Training): Tensor;
}

/** Two layers at each position, with an activation between them: [..., width] to [..., width]. */
export function feedForward(width: number, options: FeedForwardOptions = {}): FeedForward {
  const { hidden = 4 * width, activation = "gelu", gated = false, dropout: rate = 0, outInit, ...layer } = options;
  const f = activationOf(activation);
  const up = linear(width, gated ? 2 * hidden : hidden, layer);
  const down = linear(hidden, width, { ...layer, init: outInit ?? layer.init });
  return {
    init(key) {
      const [a, b] = splitList(key, 2);
      return { up: up.init(a), down: down.init(b) };
    },
    apply(params, x, { key } = {}) {
      const wide = up.apply(params.up, x);
      const h = gated ? glu(wide, { activation: f }) : f(wide);
      return down.apply(params.down, key ? dropout(key, h, rate) : h);
    },
  };
}
