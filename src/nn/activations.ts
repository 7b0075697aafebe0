import { gelu } from "../engine/composites/activations.js";
import { HebbError } from "../engine/errors.js";
import { relu, sigmoid, tanh } from "../engine/primitives/elementwise.js";
import type { Tensor } from "../engine/tensor.js";
import { glorotNormal, heNormal, type Initializer } from "./initializers.js";

/** An activation by name, or any element-wise function. */
export type Activation = "relu" | "gelu" | "tanh" | "sigmoid" | ((x: Tensor) => Tensor);

const known = { relu, gelu: (x: Tensor) => gelu(x), tanh, sigmoid } as const;

/** The function that an activation names. Throws `HebbError` for a name it does not know. */
export function activationOf(activation: Activation): (x: Tensor) => Tensor {
  if (typeof activation === "function") return activation;
  if (!Object.hasOwn(known, activation)) {
    throw new HebbError(`There is no activation "${activation}"; there are ${Object.keys(known).join(", ")}.`);
  }
  return known[activation];
}

/** The initialiser that keeps the scale of signals: Glorot's for saturating activations, He's for the others. */
export const initializerFor = (activation: Activation): Initializer =>
  activation === "tanh" || activation === "sigmoid" ? glorotNormal : heNormal;
