import type { NDArray } from "../engine/dtype.js";

/** Bytes as float32, divided by `greatest`. */
export function scaledPixels(bytes: NDArray, greatest: number): NDArray {
  const table = Float32Array.from({ length: 256 }, (_, value) => value / greatest);
  const from = bytes.data as Uint8Array;
  const data = new Float32Array(from.length);
  for (let i = 0; i < from.length; i++) data[i] = table[from[i]];
  return { data, shape: bytes.shape, dtype: "float32" };
}
