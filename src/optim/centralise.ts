import { mean } from "../engine/composites/statistics.js";
import { sub } from "../engine/primitives/elementwise.js";
import type { Optimizer } from "./optimizer.js";
import { mapTree } from "./trees.js";
import { unitAxes } from "./units.js";

/**
 * Subtracts from the gradient of each output unit's weights its mean over them; vectors stay as they are (Yong et al.,
 * 2020). The first link of a chain: `chain(centralise(), adam({ learningRate: 1e-3 }))`.
 */
export const centralise = (): Optimizer<Record<string, never>> => ({
  init: () => ({}),
  update: (grads, state) => [
    mapTree((g) => (g.rank < 2 ? g : sub(g, mean(g, unitAxes(g), { keepDims: true }))), grads),
    state,
  ],
});
