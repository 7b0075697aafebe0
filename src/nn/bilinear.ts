import { ShapeError } from "../engine/errors.js";
import { add, mul } from "../engine/primitives/elementwise.js";
import { matmul } from "../engine/primitives/matmul.js";
import { sum } from "../engine/primitives/reduce.js";
import { expandDims, reshape } from "../engine/primitives/structure.js";
import { foldIn } from "../engine/random/keys.js";
import { show } from "../engine/shape.js";
import type { Tensor } from "../engine/tensor.js";
import { initializerOf } from "./initializers.js";
import type { LayerOptions } from "./linear.js";
import type { Model } from "./model.js";

export interface BilinearParams {
  /** [left, right, out]. */
  readonly w: Tensor;
  /** [out]; absent without bias. */
  readonly b?: Tensor;
}

/**
 * y_o = sum over i, j of a_i w_ijo c_j, plus b_o, over the last axes of a pair: [..., left] and [..., right] to
 * [..., out]. Throws `ShapeError` when the last axes are others.
 */
export function bilinear(
  left: number,
  right: number,
  outputs: number,
  { bias = true, init = "lecunNormal", biasInit = "zeros", dtype = "float32" }: LayerOptions = {},
): Model<BilinearParams, readonly [Tensor, Tensor]> {
  const fan = { in: left * right, out: outputs };
  return {
    init(key) {
      const w = initializerOf(init)(key, [left, right, outputs], fan, dtype);
      return bias ? { w, b: initializerOf(biasInit)(foldIn(key, 1), [outputs], fan, dtype) } : { w };
    },
    apply({ w, b }, [a, c]) {
      if (a.shape[a.rank - 1] !== left || c.shape[c.rank - 1] !== right) {
        throw new ShapeError(
          "bilinear",
          `the layer takes [..., ${left}] and [..., ${right}], got ${show(a.shape)} and ${show(c.shape)}`,
        );
      }
      const rows = matmul(a, reshape(w, [left, right * outputs]));
      const y = sum(mul(reshape(rows, [...a.shape.slice(0, -1), right, outputs]), expandDims(c, -1)), -2);
      return b ? add(y, b) : y;
    },
  };
}
