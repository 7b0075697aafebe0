import { HebbError } from "../engine/errors.js";
import { add, mul, pow } from "../engine/primitives/elementwise.js";
import { foldIn, type Key } from "../engine/random/keys.js";
import { normalLike } from "../engine/random/like.js";
import type { Tensor } from "../engine/tensor.js";
import { type DescentOptions, descent } from "./descent.js";
import type { Optimizer } from "./optimizer.js";
import { firstStep, inDType, perDType } from "./scalars.js";
import { mapTree } from "./trees.js";

export interface NoiseState {
  readonly step: Tensor;
  /** The noise of a step depends on this and on the step's number. */
  readonly key: Key;
}

export interface NoiseOptions {
  /** Two optimisers with one key make the same noise; under `vmap`, give every model its own. */
  readonly key: Key;
  /** The noise's variance at the first step. Default 0.01. */
  readonly variance?: number;
  /** How fast it falls. Default 0.55. */
  readonly decay?: number;
}

/**
 * Adds normal noise of variance `variance` / (1 + t)^decay to gradients, for t steps before this one (Neelakantan et
 * al., 2015). A link of a chain: `chain(addNoise({ key: random.key(1) }), adam({ learningRate: 1e-3 }))`. Throws
 * `HebbError` for a negative variance.
 */
export function addNoise({ key, variance = 0.01, decay = 0.55 }: NoiseOptions): Optimizer<NoiseState> {
  if (!(variance >= 0)) throw new HebbError(`addNoise: the variance must be at least 0, got ${variance}.`);
  return {
    init: () => ({ step: firstStep(), key }),
    update(grads, state) {
      const step = add(state.step, 1);
      const sd = perDType((dtype) => mul(pow(inDType(step, dtype), -decay / 2), Math.sqrt(variance)));
      const noise = normalLike(foldIn(state.key, state.step), grads);
      const updates = mapTree((g, z) => add(g, mul(z, sd(g.dtype))), grads, noise);
      return [updates, { step, key: state.key }];
    },
  };
}

/** Gradient descent on noisy gradients: `trainStep(loss, noisySgd({ learningRate: 0.1, key: random.key(1) }))`. See `addNoise`. */
export const noisySgd = (options: NoiseOptions & DescentOptions): Optimizer => descent(addNoise(options), options);
