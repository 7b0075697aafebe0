import type { DType } from "../engine/dtype.js";
import { ShapeError } from "../engine/errors.js";
import { div, maximum, mul } from "../engine/primitives/elementwise.js";
import { sum } from "../engine/primitives/reduce.js";
import { cast, expandDims, ones } from "../engine/primitives/structure.js";
import { splitList } from "../engine/random/keys.js";
import { show } from "../engine/shape.js";
import type { Tensor } from "../engine/tensor.js";
import { type Activation, activationOf } from "./activations.js";
import { type MlpParams, mlp } from "./mlp.js";
import type { Model } from "./model.js";

export interface DeepSetsParams {
  /** Of each element. */
  readonly phi: MlpParams;
  /** Of the sum. */
  readonly rho: MlpParams;
}

export interface DeepSetsOptions {
  /** Features of an element, hidden units, what is summed: `[3, 64, 64]`. */
  readonly phi: readonly number[];
  /** Hidden units and outputs: `[64, 10]`. */
  readonly rho: readonly number[];
  /** Default "sum". */
  readonly aggregate?: "sum" | "mean";
  /** Default "relu". */
  readonly activation?: Activation;
  readonly dtype?: DType;
}

export interface DeepSets extends Model<DeepSetsParams> {
  /** `mask`: which elements of each set there are, bool [B, n]; all by default. */
  apply(params: DeepSetsParams, x: Tensor, options?: { readonly mask?: Tensor }): Tensor;
}

/**
 * Deep Sets (Zaheer et al., 2017): rho(sum over elements of phi(x)), which does not depend on the elements' order:
 * [B, n, phi[0]] to [B, rho.at(-1)]. Throws `ShapeError` when the input is not [B, n, phi[0]].
 */
export function deepSets(options: DeepSetsOptions): DeepSets {
  const { aggregate = "sum", activation = "relu", dtype } = options;
  const f = activationOf(activation);
  const [inputs] = options.phi;
  const width = options.phi[options.phi.length - 1];
  const phi = mlp({ sizes: options.phi, activation, dtype });
  const rho = mlp({ sizes: [width, ...options.rho], activation, dtype });
  return {
    init(key) {
      const [a, b] = splitList(key, 2);
      return { phi: phi.init(a), rho: rho.init(b) };
    },
    apply(params, x, { mask } = {}) {
      if (x.rank !== 3 || x.shape[2] !== inputs) {
        throw new ShapeError("deepSets", `the model takes [B, n, ${inputs}], got ${show(x.shape)}`);
      }
      const [batch, count] = x.shape;
      const present = mask ? cast(mask, x.dtype) : ones([batch, count], x.dtype);
      const each = f(phi.apply(params.phi, x.reshape(batch * count, inputs))).reshape(batch, count, width);
      const total = sum(mul(each, expandDims(present, -1)), 1);
      const pooled = aggregate === "sum" ? total : div(total, maximum(sum(present, 1, { keepDims: true }), 1));
      return rho.apply(params.rho, pooled);
    },
  };
}
