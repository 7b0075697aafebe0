import type { DType } from "../engine/dtype.js";
import { ShapeError } from "../engine/errors.js";
import { add } from "../engine/primitives/elementwise.js";
import { matmul } from "../engine/primitives/matmul.js";
import { foldIn } from "../engine/random/keys.js";
import { show } from "../engine/shape.js";
import type { Tensor } from "../engine/tensor.js";
import { type Init, initializerOf, linearFan } from "./initializers.js";
import type { Model } from "./model.js";

export interface LinearParams {
  /** [in, out]. */
  readonly w: Tensor;
  /** [out]; absent without bias. */
  readonly b?: Tensor;
}

export interface LayerOptions {
  /** Default true. */
  readonly bias?: boolean;
  /** How the weight starts; `lecunNormal` by default. */
  readonly init?: Init;
  /** How the bias starts; zeros by default. */
  readonly biasInit?: Init;
  /** Default float32. */
  readonly dtype?: DType;
}

/** y = x w + b over the last axis: [..., in] to [..., out]. Throws `ShapeError` when the last axis is not `in`. */
export function linear(inputs: number, outputs: number, options: LayerOptions = {}): Model<LinearParams> {
  const { bias = true, init = "lecunNormal", biasInit = "zeros", dtype = "float32" } = options;
  const fan = linearFan(inputs, outputs);
  return {
    init(key) {
      const w = initializerOf(init)(key, [inputs, outputs], fan, dtype);
      return bias ? { w, b: initializerOf(biasInit)(foldIn(key, 1), [outputs], fan, dtype) } : { w };
    },
    apply(params, x) {
      if (x.shape[x.rank - 1] !== inputs) {
        throw new ShapeError("linear", `the layer takes [..., ${inputs}], got ${show(x.shape)}`);
      }
      return affine(params, x);
    },
  };
}

/** x w + b, or x w when there is no b. */
export const affine = ({ w, b }: LinearParams, x: Tensor): Tensor => (b ? add(matmul(x, w), b) : matmul(x, w));
