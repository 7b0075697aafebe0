import { dtypeOf, type NDArray, type TypedArray } from "./dtype.js";
import { isNDArray, Tensor } from "./tensor.js";

/** What a compiled function takes as data; other leaves of its arguments are constants. */
export type Data = Tensor | NDArray;

export const isData = (x: unknown): x is Data => x instanceof Tensor || isNDArray(x);

/** Numbers (as float32 scalars) and typed arrays as host arrays; other leaves as they are. */
export function asData(leaf: unknown): unknown {
  if (typeof leaf === "number") return { data: Float32Array.of(leaf), shape: [], dtype: "float32" } satisfies NDArray;
  if (ArrayBuffer.isView(leaf)) {
    const data = leaf as TypedArray;
    return { data, shape: [data.length], dtype: dtypeOf(data) } satisfies NDArray;
  }
  return leaf;
}
