import { splitList } from "../engine/random/keys.js";
import type { Tensor } from "../engine/tensor.js";
import type { Model } from "./model.js";

/**
 * Layers one after the other; functions of a tensor may stand between them. The parameters are a list with one entry
 * for each layer, `{}` for functions.
 *
 * `sequential(conv2d(1, 8, 3), relu, flattenRows, linear(5408, 10))`
 */
export function sequential(...layers: readonly (Model | ((x: Tensor) => Tensor))[]): Model<any[]> {
  return {
    init(key) {
      const keys = splitList(key, layers.length);
      return layers.map((layer, i) => (typeof layer === "function" ? {} : layer.init(keys[i])));
    },
    apply: (params, x) =>
      layers.reduce((y, layer, i) => (typeof layer === "function" ? layer(y) : layer.apply(params[i], y)), x),
  };
}
