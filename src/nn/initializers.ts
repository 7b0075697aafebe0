import type { DType } from "../engine/dtype.js";
import { HebbError } from "../engine/errors.js";
import { equal } from "../engine/primitives/elementwise.js";
import { arange, cast, pad, reshape } from "../engine/primitives/structure.js";
import { orthogonal as randomOrthogonal } from "../engine/random/geometry.js";
import { type Key, uniform as randomUniform } from "../engine/random/keys.js";
import { normal as randomNormal } from "../engine/random/normal.js";
import { truncatedNormal as randomTruncatedNormal } from "../engine/random/truncated-normal.js";
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

/** Normal with mean 0 and standard deviation `sd` before it is cut off at `bound` standard deviations. */
export const truncatedNormal =
  (sd: number, bound = 2): Initializer =>
  (key, shape, _fan, dtype) =>
    randomTruncatedNormal(key, shape, { low: -bound, high: bound, sd, dtype });

/** `gain` times a random matrix with orthonormal rows or columns; axes after the first are read as one (Saxe et al., 2014). */
export const orthogonal =
  (gain = 1): Initializer =>
  (key, shape, _fan, dtype) =>
    randomOrthogonal(key, shape, { gain, dtype });

/** The middle of a kernel's window is `matrix` [out, in], the rest 0; without a window it is the matrix. */
function centred(matrix: Tensor, shape: readonly number[]): Tensor {
  const window = shape.slice(2);
  const before = window.map((n) => Math.floor((n - 1) / 2));
  return pad(
    reshape(matrix, [...matrix.shape, ...window.map(() => 1)]),
    [0, 0, ...before],
    [0, 0, ...window.map((n, i) => n - 1 - before[i])],
  );
}

/** Passes its input on: 1 where input and output have one number, in the middle of a kernel's window, else 0. */
export const identity: Initializer = (_key, shape, _fan, dtype) => {
  const [rows, columns] = shape;
  return centred(cast(equal(reshape(arange(rows), [rows, 1]), arange(columns)), dtype), shape);
};

/** `gain` times a random matrix with orthonormal rows or columns, in the middle of the window (Xiao et al., 2018). */
export const deltaOrthogonal =
  (gain = 1): Initializer =>
  (key, shape, _fan, dtype) =>
    centred(randomOrthogonal(key, shape.slice(0, 2), { gain, dtype }), shape);

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
  orthogonal: orthogonal(),
  deltaOrthogonal: deltaOrthogonal(),
  identity,
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
