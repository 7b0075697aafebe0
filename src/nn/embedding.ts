import type { DType } from "../engine/dtype.js";
import { gather } from "../engine/primitives/indexing.js";
import type { Tensor } from "../engine/tensor.js";
import { type Init, initializerOf, normal } from "./initializers.js";
import type { Model } from "./model.js";

export interface EmbeddingParams {
  /** [count, width]. */
  readonly w: Tensor;
}

/** A vector for each of `count` symbols: int32 [...] to [..., width]. Starts standard normal. */
export function embedding(
  count: number,
  width: number,
  { init = normal(1), dtype = "float32" }: { init?: Init; dtype?: DType } = {},
): Model<EmbeddingParams> {
  return {
    init: (key) => ({ w: initializerOf(init)(key, [count, width], { in: count, out: width }, dtype) }),
    apply: ({ w }, symbols) => gather(w, symbols),
  };
}
