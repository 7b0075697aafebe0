import type { DType } from "../engine/dtype.js";
import { ShapeError } from "../engine/errors.js";
import { vector } from "../engine/literals.js";
import { abs, add, cos, mul, neg, sin, sub } from "../engine/primitives/elementwise.js";
import { cast, concat, expandDims, reshape, sliceAxis, stack } from "../engine/primitives/structure.js";
import { show } from "../engine/shape.js";
import type { Tensor } from "../engine/tensor.js";

/** positions base^(-2 i / width) for i below width / 2: [..., width / 2]. */
function angles(positions: Tensor, width: number, base: number, dtype: DType): Tensor {
  const rates = Array.from({ length: width / 2 }, (_, i) => base ** ((-2 * i) / width));
  return mul(expandDims(cast(positions, dtype), -1), vector(rates, dtype));
}

function checkEven(operation: string, width: number, shape: readonly number[]): void {
  if (width % 2 !== 0) throw new ShapeError(operation, `the width ${width} for ${show(shape)} must be even`);
}

interface Options {
  /** The longest wavelength is 2 pi base. Default 10,000. */
  readonly base?: number;
  readonly dtype?: DType;
}

/**
 * Sines and cosines of geometric frequencies, by turns: positions [...] (of any number type) to [..., width], with
 * [2i] = sin(p / base^(2i / width)) and [2i + 1] its cosine (Vaswani et al., 2017). Throws `ShapeError` for an odd
 * width.
 */
export function sinusoidal(
  positions: Tensor,
  width: number,
  { base = 10_000, dtype = "float32" }: Options = {},
): Tensor {
  checkEven("sinusoidal", width, positions.shape);
  const turns = angles(positions, width, base, dtype);
  return reshape(stack([sin(turns), cos(turns)], positions.rank + 1), [...positions.shape, width]);
}

/**
 * Rotary positions (Su et al., 2021): turns the pair (x[i], x[i + D / 2]) of each position p by p / base^(2i / D), so
 * that products of queries and keys depend on distances only: x [..., T, D] at positions [T]. Throws `ShapeError` for
 * an odd D.
 */
export function rotary(x: Tensor, positions: Tensor, { base = 10_000 }: Omit<Options, "dtype"> = {}): Tensor {
  const size = x.shape[x.rank - 1];
  checkEven("rotary", size, x.shape);
  const turns = angles(positions, size, base, x.dtype);
  const [c, s] = [cos(turns), sin(turns)];
  const [a, b] = [sliceAxis(x, -1, 0, size / 2), sliceAxis(x, -1, size / 2, size)];
  return concat([sub(mul(a, c), mul(b, s)), add(mul(b, c), mul(a, s))], x.rank - 1);
}

/**
 * Attention with linear biases (Press et al., 2022): -slope_h |t - s| for queries at positions t [T] and keys at s
 * [S], to be added to the scores: [heads, T, S]. The slopes are 2^(-8 h / heads) for h from 1; where heads are no
 * power of two, those of the power below and then every other one of twice as many.
 */
export function alibi(heads: number, queries: Tensor, keys: Tensor, dtype: DType = "float32"): Tensor {
  const whole = 2 ** Math.floor(Math.log2(heads));
  const slopes = Array.from({ length: heads }, (_, h) =>
    h < whole ? 2 ** ((-8 * (h + 1)) / whole) : 2 ** ((-4 * (2 * (h - whole) + 1)) / whole),
  );
  const distances = cast(abs(sub(keys, expandDims(queries, -1))), dtype);
  return mul(neg(distances), reshape(vector(slopes, dtype), [heads, 1, 1]));
}
