import { and, div, greater, mul, sqrt, where } from "../engine/primitives/elementwise.js";
import { sum } from "../engine/primitives/reduce.js";
import type { Tensor } from "../engine/tensor.js";
import { type Mask, resolveMask } from "./mask.js";
import type { Optimizer } from "./optimizer.js";
import { mapTree } from "./trees.js";

export interface TrustRatioOptions {
  /** Default 1. */
  readonly coefficient?: number;
  /** Which parameters are scaled, all by default; biases and norms are often left out. */
  readonly mask?: Mask;
}

/**
 * Each parameter's update times coefficient |p| / |u|, with norms over the whole tensor: every layer then moves by the
 * same share of its size. Where |p| or |u| is 0 the update stays as it is (You et al., 2017).
 */
export function scaleByTrustRatio({
  coefficient = 1,
  mask = true,
}: TrustRatioOptions = {}): Optimizer<Record<string, never>> {
  return {
    init: () => ({}),
    update(grads, state, params) {
      const scaled = resolveMask(mask, params);
      let at = 0;
      const updates = mapTree(
        (u: Tensor, p: Tensor) => {
          if (!scaled[at++]) return u;
          const [ofUpdate, ofParam] = [sum(mul(u, u)), sum(mul(p, p))];
          const both = and(greater(ofUpdate, 0), greater(ofParam, 0));
          const ratio = sqrt(div(where(both, ofParam, 1), where(both, ofUpdate, 1)));
          return mul(u, where(both, mul(ratio, coefficient), 1));
        },
        grads,
        params,
      );
      return [updates, state];
    },
  };
}
