import type { Tensor } from "../engine/tensor.js";

/**
 * The axes over which one output unit's weights run, in the layouts of `hebb/nn`: the first of a matrix [in, out], all
 * but the first of a convolution's weights [out, in, ...window], the only one of a vector.
 */
export function unitAxes({ rank }: Tensor): number[] {
  const axes = Array.from({ length: rank }, (_, i) => i);
  if (rank === 2) return [0];
  return rank < 2 ? axes : axes.slice(1);
}
