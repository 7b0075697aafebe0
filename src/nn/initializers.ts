import type { DType } from "../engine/dtype.js";
import { HebbError } from "../engine/errors.js";
import { type Key, normal as randomNormal, uniform as randomUniform } from "../engine/random/keys.js";
import type { Tensor } from "../engine/tensor.js";
import { filled } from "./filled.js";

/** How many inputs each output of a layer sums, and how many outputs each input reaches. */
export interface Fan {
  readonly in: number;
  readonly out: number;
}

/** Draws the starting values of a parameter. */
export type Initializer = (key: Key, shape: readonly number[], fan: Fan, dtype: DType) => Tensor;

/** The fan of a linear layer's weight [in, out]. */
export const linearFan = (inputs: number, outputs: number): Fan => ({ in: inputs, out: outputs });

/** The fan of a convolution's kernel [out, in / groups, ...window]: channels times the window's size. */
export function convFan(shape: readonly number[]): Fan {
  const window = shape.slice(2).reduce((a, b) => a * b, 1);
  return { in: shape[1] * window, out: shape[0] * window };
}

/** Normal with mean 0 and standard deviation `sd`. */
export const normal =
  (sd: number): Initializer =>
  (key, shape, _fan, dtype) =>
    randomNormal(key, shape, { sd, dtype });

/** Uniform on [-bound, bound). */
export const uniform =
  (bound: number): Initializer =>
  (key, shape, _fan, dtype) =>
    randomUniform(key, shape, { low: -bound, high: bound, dtype });

/** Everywhere `value`. */
export const constant =
  (value: number): Initializer =>
  (_key, shape, _fan, dtype) =>
    filled(shape, value, dtype);

/** All zeros: the usual start of biases. */
export const zeros: Initializer = constant(0);
/** All ones. */
export const ones: Initializer = constant(1);

const normalBy =
  (variance: (fan: Fan) => number): Initializer =>
  (key, shape, fan, dtype) =>
    normal(Math.sqrt(variance(fan)))(key, shape, fan, dtype);
const uniformBy =
  (variance: (fan: Fan) => number): Initializer =>
  (key, shape, fan, dtype) =>
    uniform(Math.sqrt(3 * variance(fan)))(key, shape, fan, dtype);

/** Normal with variance 2 / (fan in + fan out) (Glorot and Bengio, 2010). */
export const glorotNormal: Initializer = normalBy((fan) => 2 / (fan.in + fan.out));
/** Uniform with variance 2 / (fan in + fan out) (Glorot and Bengio, 2010). */
export const glorotUniform: Initializer = uniformBy((fan) => 2 / (fan.in + fan.out));
/** Normal with variance 2 / fan in, which keeps the scale through ReLU layers (He et al., 2015). */
export const heNormal: Initializer = normalBy((fan) => 2 / fan.in);
/** Uniform with variance 2 / fan in (He et al., 2015). */
export const heUniform: Initializer = uniformBy((fan) => 2 / fan.in);
/** Normal with variance 1 / fan in (LeCun et al., 1998). */
export const lecunNormal: Initializer = normalBy((fan) => 1 / fan.in);
/** Uniform with variance 2 / ((1 + slope^2) fan in); the default slope, sqrt(5), is that of PyTorch's layers: bounds of 1 / sqrt(fan in). */
export const kaimingUniform = (slope = Math.sqrt(5)): Initializer =>
  uniformBy((fan) => 2 / ((1 + slope ** 2) * fan.in));

const named = {
  glorotNormal,
  glorotUniform,
  heNormal,
  heUniform,
  lecunNormal,
  kaimingUniform: kaimingUniform(),
  zeros,
  ones,
};

/** An initialiser, or the name of one that needs no argument. */
export type Init = Initializer | keyof typeof named;

/** The initialiser that a name stands for. Throws `HebbError` for a name that there is not. */
export function initializerOf(init: Init): Initializer {
  if (typeof init === "function") return init;
  if (!Object.hasOwn(named, init)) {
    throw new HebbError(`There is no initialiser "${init}"; there are ${Object.keys(named).join(", ")}.`);
  }
  return named[init];
}
