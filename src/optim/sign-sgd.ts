import { sign } from "../engine/primitives/elementwise.js";
import { type DescentOptions, descent } from "./descent.js";
import type { Optimizer } from "./optimizer.js";
import { mapTree } from "./trees.js";

/** Signs in place of updates. */
export const scaleBySign = (): Optimizer<Record<string, never>> => ({
  init: () => ({}),
  update: (grads, state) => [mapTree((g) => sign(g), grads), state],
});

/**
 * Descent by the gradient's signs alone, p <- p - learningRate sign(g) (Bernstein et al., 2018):
 * `trainStep(loss, signSgd({ learningRate: 1e-3 }))`. With momentum (Signum):
 * `chain(momentum(0.9), signSgd({ learningRate: 1e-3 }))`.
 */
export const signSgd = (options: DescentOptions): Optimizer => descent(scaleBySign(), options);
