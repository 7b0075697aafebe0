import { add, mul } from "../engine/primitives/elementwise.js";
import { type Mask, resolveMask } from "./mask.js";
import type { Optimizer } from "./optimizer.js";
import { mapTree } from "./trees.js";

/**
 * Adds `decay` times the parameters to the updates: before the other links of a chain this is L2 regularisation, after
 * them (and before the learning rate) decoupled weight decay (Loshchilov and Hutter, 2019). `mask` chooses which
 * parameters decay, all by default.
 */
export function addDecayedWeights(decay: number, mask: Mask = true): Optimizer<Record<string, never>> {
  return {
    init: () => ({}),
    update(grads, state, params) {
      if (decay === 0) return [grads, state];
      const keep = resolveMask(mask, params);
      let at = 0;
      return [mapTree((g, p) => (keep[at++] ? add(g, mul(p, decay)) : g), grads, params), state];
    },
  };
}
