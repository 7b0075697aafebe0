import type { Tensor } from "../engine/tensor.js";

/**
 * The axes over which one output unit's weights run: the first of a matrix [in, out] (and of its stacked kin, all but
 * the last), all but the first of a convolution's weights [out, in, height, width], the only one of a vector.
 */
export function unitAxes({ rank }: Tensor): number[] {
  const axes = Array.from({ length: rank }, (_, i) => i);
  if (rank < 2) return axes;
  return rank < 4 ? axes.slice(0, -1) : axes.slice(1);
}
