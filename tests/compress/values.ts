import type { Tensor } from "../../src/engine/index.js";

/** The values of a tensor as plain numbers. */
export const values = async (t: Tensor | undefined): Promise<number[]> =>
  Array.from((await t!.data()) as Float32Array, Number);
