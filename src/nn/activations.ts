import { elu, gelu, leakyRelu, logSigmoid, silu, softplus } from "../engine/composites/activations.js";
import { clip } from "../engine/composites/elementary.js";
import { HebbError } from "../engine/errors.js";
import {
  abs,
  add,
  div,
  greater,
  less,
  mul,
  relu,
  sigmoid,
  sub,
  tanh,
  where,
} from "../engine/primitives/elementwise.js";
import type { Tensor } from "../engine/tensor.js";
import { glorotNormal, heNormal, type Initializer } from "./initializers.js";

/**
 * lambda x where positive, else lambda alpha (exp(x) - 1), which keeps mean 0 and variance 1 (Klambauer et al., 2017).
 */
export const selu = (x: Tensor): Tensor => mul(elu(x, 1.6732632423543772), 1.0507009873554805);
/** x tanh(softplus(x)) (Misra, 2019). */
export const mish = (x: Tensor): Tensor => mul(x, tanh(softplus(x)));
/** min(max(x, 0), 6). */
export const relu6 = (x: Tensor): Tensor => clip(x, 0, 6);
/** min(max(x, -1), 1). */
export const hardTanh = (x: Tensor): Tensor => clip(x, -1, 1);
/** relu6(x + 3) / 6, a sigmoid of straight lines. */
export const hardSigmoid = (x: Tensor): Tensor => mul(relu6(add(x, 3)), 1 / 6);
/** x hardSigmoid(x) (Howard et al., 2019). */
export const hardSwish = (x: Tensor): Tensor => mul(x, hardSigmoid(x));
/** x - tanh(x). */
export const tanhShrink = (x: Tensor): Tensor => sub(x, tanh(x));
/** x moved towards 0 by `bound`, and 0 within it. */
export const softShrink = (x: Tensor, bound = 0.5): Tensor => sub(x, clip(x, -bound, bound));
/** x, and 0 within `bound` of 0. */
export const hardShrink = (x: Tensor, bound = 0.5): Tensor => where(greater(abs(x), bound), x, 0);
/** x / (1 + |x|). */
export const softsign = (x: Tensor): Tensor => div(x, add(abs(x), 1));
/** x where positive, else `slope` times x, with a slope that is learnt (He et al., 2015). */
export const prelu = (x: Tensor, slope: Tensor): Tensor => where(less(x, 0), mul(x, slope), x);

const known = {
  relu,
  gelu: (x: Tensor) => gelu(x),
  tanh,
  sigmoid,
  silu,
  elu: (x: Tensor) => elu(x),
  selu,
  leakyRelu: (x: Tensor) => leakyRelu(x),
  softplus,
  mish,
  relu6,
  hardTanh,
  hardSigmoid,
  hardSwish,
  tanhShrink,
  softsign,
  logSigmoid,
} as const;

/** An activation by name, or any element-wise function. */
export type Activation = keyof typeof known | ((x: Tensor) => Tensor);

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
