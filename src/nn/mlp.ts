import type { DType } from "../engine/dtype.js";
import { HebbError, ShapeError } from "../engine/errors.js";
import { splitList } from "../engine/random/keys.js";
import { show, sizeOf } from "../engine/shape.js";
import type { Tensor } from "../engine/tensor.js";
import { type Activation, activationOf, initializerFor } from "./activations.js";
import type { Init } from "./initializers.js";
import { type LinearParams, linear } from "./linear.js";
import type { Model } from "./model.js";

export interface MlpParams {
  readonly layers: readonly LinearParams[];
}

export interface MlpOptions {
  /** Inputs, hidden units of each layer, outputs: `[784, 300, 100, 10]`. */
  readonly sizes: readonly number[];
  /** Between layers, not after the last. Default "relu". */
  readonly activation?: Activation;
  /** Default: `heNormal`, or `glorotNormal` for tanh and sigmoid. */
  readonly init?: Init;
  /** Default true. */
  readonly bias?: boolean;
  /** How biases start; zeros by default. */
  readonly biasInit?: Init;
  readonly dtype?: DType;
}

/**
 * A multi-layer perceptron: [B, ...], flattened to [B, sizes[0]], to [B, sizes.at(-1)]. Throws `HebbError` for fewer
 * than two sizes, and `ShapeError` when the input does not flatten to sizes[0].
 */
export function mlp(options: MlpOptions): Model<MlpParams> {
  const { sizes, activation = "relu", init = initializerFor(activation), ...rest } = options;
  if (sizes.length < 2) throw new HebbError(`mlp: sizes [${sizes}] need at least the inputs and the outputs.`);
  const f = activationOf(activation);
  const layers = sizes.slice(1).map((size, i) => linear(sizes[i], size, { ...rest, init }));
  return {
    init(key) {
      const keys = splitList(key, layers.length);
      return { layers: layers.map((layer, i) => layer.init(keys[i])) };
    },
    apply(params, x) {
      if (sizeOf(x.shape.slice(1)) !== sizes[0]) {
        throw new ShapeError("mlp", `the model takes [B, ${sizes[0]}], got ${show(x.shape)}`);
      }
      return layers.reduce((h, layer, i) => layer.apply(params.layers[i], i === 0 ? h : f(h)), flattenRows(x));
    },
  };
}

/** [B, ...] to [B, n]: every example as one row. */
export const flattenRows = (x: Tensor): Tensor => (x.rank === 2 ? x : x.reshape(x.shape[0], sizeOf(x.shape.slice(1))));
