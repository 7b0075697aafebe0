import { HebbError } from "../errors.js";
import { add, less, mul, shiftRight, sub } from "../primitives/elementwise.js";
import { arange, cast, concat, reshape, slice, stack } from "../primitives/structure.js";
import { sizeOf } from "../shape.js";
import { fromValue, type Operand, Tensor } from "../tensor.js";
import { threefry, word } from "./block.js";
import { checkDraw, checkKey, checkProbability, fitted, inner, type Options } from "./check.js";

/** A random key: uint32[2]. The same key gives the same numbers on every backend; use each key once. */
export type Key = Tensor;

/** A key from a seed (a non-negative integer below 2^53). */
export function key(seed: number): Key {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new HebbError(`key(seed): the seed must be an integer from 0 to 2^53 - 1, got ${seed}.`);
  return fromValue({ data: Uint32Array.of(Math.floor(seed / 2 ** 32), seed >>> 0), shape: [2], dtype: "uint32" });
}

/** Random 32-bit words of the given shape. */
export function bits(k: Key, shape: readonly number[]): Tensor {
  checkDraw("random bits", k, shape);
  const n = sizeOf(shape);
  const half = Math.ceil(n / 2);
  const counters = arange(half, "uint32");
  const [x, y] = threefry(k, counters, add(counters, word(half)));
  return reshape(slice(concat([x, y]), [0], [n]), shape);
}

/** `count` independent keys: uint32[count, 2]. Take one with `keys.slice([i], [i + 1]).reshape(2)`, or use `splitList`. */
export function split(k: Key, count = 2): Tensor {
  checkDraw("split", k, [count]);
  const [x, y] = threefry(k, arange(count, "uint32"), word(0xffffffff));
  return stack([x, y], 1);
}

/** `count` independent keys as a list. */
export function splitList(k: Key, count: number): Key[] {
  const all = split(k, count);
  return Array.from({ length: count }, (_, i) => reshape(slice(all, [i], [i + 1]), [2]));
}

/** A key that depends on `k` and on an integer from 0 to 2^32 - 1: for the step of a loop, or a layer's number. */
export function foldIn(k: Key, data: number | Tensor): Key {
  checkKey("foldIn", k);
  if (typeof data === "number" && (!Number.isInteger(data) || data < 0 || data >= 2 ** 32))
    throw new HebbError(`foldIn: the number must be an integer from 0 to 2^32 - 1, got ${data}.`);
  const counter = data instanceof Tensor ? cast(data, "uint32") : word(data);
  const [x, y] = threefry(k, counter, word(0xfffffffe));
  return stack([x, y]);
}

/** Uniform on [low, high): 24 random bits in float32, 53 in float64, 11 in float16. Gradients reach `low` and `high`. */
export function uniform(
  k: Key,
  shape: readonly number[],
  { low = 0, high = 1, dtype = "float32" }: Options & { low?: Operand; high?: Operand } = {},
): Tensor {
  checkDraw("uniform", k, shape, dtype);
  const count = dtype === "float16" ? 11 : 24;
  const unit =
    dtype === "float64"
      ? mul(wideWord(k, shape, 53), 2 ** -53)
      : mul(cast(shiftRight(bits(k, shape), word(32 - count)), dtype), 2 ** -count);
  const [from, to] = [low, high].map((bound) => fitted("uniform", bound, unit));
  const range = typeof from === "number" && typeof to === "number" ? to - from : sub(to, from);
  return add(mul(unit, range), from);
}

/** Whole numbers below 2^count, for count up to 53, as float64. */
function wideWord(k: Key, shape: readonly number[], count: number): Tensor {
  const both = bits(k, [2, ...shape]);
  const part = (i: number, drop: number) =>
    cast(shiftRight(reshape(slice(both, [i], [i + 1]), shape), word(drop)), "float64");
  return add(mul(part(0, 58 - count), 2 ** 26), part(1, 6));
}

/** Uniform on (0, 1), where logarithms are finite: the odd multiples of 2^-24 in float32, of 2^-53 in float64. */
export function openUniform(k: Key, shape: readonly number[], dtype: "float32" | "float64"): Tensor {
  return dtype === "float64"
    ? mul(add(wideWord(k, shape, 52), 0.5), 2 ** -52)
    : mul(add(cast(shiftRight(bits(k, shape), word(9)), dtype), 0.5), 2 ** -23);
}

/** True with probability `p`, which may be a tensor that broadcasts to `shape`. Throws `HebbError` unless 0 <= p <= 1. */
export function bernoulli(k: Key, p: number | Tensor, shape: readonly number[]): Tensor {
  checkDraw("bernoulli", k, shape);
  checkProbability("bernoulli", p);
  const u = uniform(k, shape, { dtype: p instanceof Tensor ? inner(p.dtype) : "float32" });
  return less(u, fitted("bernoulli", p, u));
}
