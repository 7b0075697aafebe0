import type { DType } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { scalar } from "../literals.js";
import { add, bitOr, erf, less, log, mul, neg, shiftLeft, shiftRight, sqrt, sub } from "../primitives/elementwise.js";
import { argsort } from "../primitives/indexing.js";
import { argmax } from "../primitives/reduce.js";
import { arange, cast, concat, reshape, slice, stack } from "../primitives/structure.js";
import { show, sizeOf } from "../shape.js";
import { fromValue, Tensor } from "../tensor.js";
import { threefry, word } from "./block.js";
import { exactLog, exactTurn } from "./exact.js";

/** A random key: uint32[2]. The same key gives the same numbers on every backend; use each key once. */
export type Key = Tensor;

/** A key from a seed (a non-negative integer below 2^53). */
export function key(seed: number): Key {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new RangeError(`key(seed): the seed must be an integer from 0 to 2^53 - 1, got ${seed}.`);
  return fromValue({ data: Uint32Array.of(Math.floor(seed / 2 ** 32), seed >>> 0), shape: [2], dtype: "uint32" });
}

function checkKey(operation: string, k: Key): void {
  if (k.dtype !== "uint32" || k.rank !== 1 || k.shape[0] !== 2) {
    throw new ShapeError(
      operation,
      `a key is uint32[2], got ${k.dtype}${show(k.shape)}; make one with key(seed) and vary it with split or foldIn`,
    );
  }
}

/** Random 32-bit words of the given shape. */
export function bits(k: Key, shape: readonly number[]): Tensor {
  checkKey("random bits", k);
  const n = sizeOf(shape);
  const half = Math.ceil(n / 2);
  const counters = arange(half, "uint32");
  const [x, y] = threefry(k, counters, add(counters, word(half)));
  return reshape(slice(concat([x, y]), [0], [n]), shape);
}

/** `count` independent keys: uint32[count, 2]. Take one with `keys.slice([i], [i + 1]).reshape(2)`, or use `splitList`. */
export function split(k: Key, count = 2): Tensor {
  checkKey("split", k);
  const [x, y] = threefry(k, arange(count, "uint32"), word(0xffffffff));
  return stack([x, y], 1);
}

/** `count` independent keys as a list. */
export function splitList(k: Key, count: number): Key[] {
  const all = split(k, count);
  return Array.from({ length: count }, (_, i) => reshape(slice(all, [i], [i + 1]), [2]));
}

/** A key that depends on `k` and on an integer: for the step of a loop, or a layer's number. */
export function foldIn(k: Key, data: number | Tensor): Key {
  checkKey("foldIn", k);
  const counter = data instanceof Tensor ? cast(data, "uint32") : word(data);
  const [x, y] = threefry(k, counter, word(0xfffffffe));
  return stack([x, y]);
}

interface Options {
  readonly dtype?: DType;
}

/** Uniform on [low, high): 24 random bits in float32, 53 in float64, 11 in float16. */
export function uniform(
  k: Key,
  shape: readonly number[],
  { low = 0, high = 1, dtype = "float32" }: Options & { low?: number; high?: number } = {},
): Tensor {
  const count = dtype === "float16" ? 11 : 24;
  const unit =
    dtype === "float64"
      ? unit64(k, shape)
      : mul(cast(shiftRight(bits(k, shape), word(32 - count)), dtype), 2 ** -count);
  return add(mul(unit, high - low), low);
}

function unit64(k: Key, shape: readonly number[]): Tensor {
  const both = bits(k, [2, ...shape]);
  const part = (i: number, drop: number) =>
    cast(shiftRight(reshape(slice(both, [i], [i + 1]), shape), word(drop)), "float64");
  return mul(add(mul(part(0, 5), 2 ** 26), part(1, 6)), 2 ** -53);
}

/** Standard normal numbers (Box–Muller on pairs of uniforms), to the last bit the same on every backend. */
export function normal(
  k: Key,
  shape: readonly number[],
  { mean = 0, sd = 1, dtype = "float32" }: Options & { mean?: number; sd?: number } = {},
): Tensor {
  const n = sizeOf(shape);
  const half = Math.ceil(n / 2);
  const u = uniform(k, [2, half], { dtype: inner(dtype) });
  const part = (i: number) => reshape(slice(u, [i], [i + 1]), [half]);
  // 1 - u lies in (0, 1], so the logarithm is finite.
  const radius = sqrt(mul(exactLog(sub(1, part(0))), -2));
  const { cos, sin } = exactTurn(part(1));
  const both = concat([mul(radius, cos), mul(radius, sin)]);
  return cast(add(mul(reshape(slice(both, [0], [n]), shape), sd), mean), dtype);
}

/** The dtype to compute in where float16 has too few bits. */
const inner = (dtype: DType): DType => (dtype === "float64" ? dtype : "float32");

/** Normal numbers cut off beyond `bound` standard deviations (redrawn by inversion of the distribution function). */
export function truncatedNormal(
  k: Key,
  shape: readonly number[],
  { bound = 2, dtype = "float32" }: Options & { bound?: number } = {},
): Tensor {
  const edge = erf(scalar(bound / Math.SQRT2, "float64"));
  const u = uniform(k, shape, { dtype: "float64" });
  return cast(mul(erfInverse(mul(sub(mul(u, 2), 1), edge)), Math.SQRT2), dtype);
}

/** The inverse of erf in float64: a starting value (Giles, 2010, in closed form by Winitzki, 2008), then Newton steps. */
function erfInverse(y: Tensor): Tensor {
  const a = 0.147;
  const l = log(sub(1, mul(y, y)));
  const b = add(mul(l, 0.5), 2 / (Math.PI * a));
  const size = sqrt(sub(sqrt(sub(mul(b, b), mul(l, 1 / a))), b));
  let x = mul(size, sub(mul(cast(less(scalar(0, "float64"), y), "float64"), 2), 1));
  for (let i = 0; i < 3; i++) {
    const slope = mul(expOfMinusSquare(x), 2 / Math.sqrt(Math.PI));
    x = sub(x, mul(sub(erf(x), y), slope.pow(-1)));
  }
  return x;
}
const expOfMinusSquare = (x: Tensor): Tensor => neg(mul(x, x)).exp();

/** True with probability `p`. */
export const bernoulli = (k: Key, p: number | Tensor, shape: readonly number[]): Tensor => less(uniform(k, shape), p);

/** Integers uniform on [low, high), as int32 (bias below (high - low) / 2^32). */
export function integers(k: Key, shape: readonly number[], low: number, high: number): Tensor {
  if (!Number.isInteger(low) || !Number.isInteger(high) || low >= high || low < -(2 ** 31) || high > 2 ** 31)
    throw new RangeError(`integers: low and high must be int32 numbers with low < high, got ${low} and ${high}.`);
  const scaled = shiftRight(mul(cast(bits(k, shape), "uint64"), high - low), 32);
  return cast(add(cast(scaled, "int64"), low), "int32");
}

/** A random permutation of 0..n-1, as int32. */
export function permutation(k: Key, n: number): Tensor {
  const words = cast(bits(k, [2, n]), "uint64");
  const [high, low] = [0, 1].map((i) => reshape(slice(words, [i], [i + 1]), [n]));
  return argsort(cast(shiftRight(bitOr(shiftLeft(high, 32), low), 1), "int64"), 0);
}

/** Standard Gumbel numbers, -log(-log(u)), to the last bit the same on every backend. */
export function gumbel(k: Key, shape: readonly number[], { dtype = "float32" }: Options = {}): Tensor {
  // Keeps u from 0 and from 1, where the logarithms end.
  const u = add(mul(uniform(k, shape, { dtype: inner(dtype) }), 1 - 1e-7), 1e-7 / 2);
  // The inner logarithm reaches 17; the outer one is taken of numbers up to 1.
  const outer = add(exactLog(mul(exactLog(u), -1 / 32)), Math.log(32));
  return cast(neg(outer), dtype);
}

/** Classes drawn with probabilities softmax(logits) along the last axis, as int32. */
export const categorical = (k: Key, logits: Tensor): Tensor =>
  argmax(add(logits, gumbel(k, logits.shape, { dtype: logits.dtype })), -1);
