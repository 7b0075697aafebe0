import { prod } from "../../engine/composites/reductions.js";
import type { Spec } from "../../engine/core.js";
import type { DType, NDArray } from "../../engine/dtype.js";
import {
  abs,
  add,
  and,
  div,
  equal,
  floor,
  less,
  lessEqual,
  maximum,
  minimum,
  mod,
  mul,
  neg,
  not,
  or,
  pow,
  sqrt,
  sub,
  where,
} from "../../engine/primitives/elementwise.js";
import { gather } from "../../engine/primitives/indexing.js";
import { max, min, sum } from "../../engine/primitives/reduce.js";
import { broadcastTo, cast, concat, flip, reshape, slice, transpose } from "../../engine/primitives/structure.js";
import { type Shape, sizeOf } from "../../engine/shape.js";
import { fromValue, literal, Tensor } from "../../engine/tensor.js";
import { host, Large, small } from "./host.js";

/** What flows between the nodes of a model: tensors, and arrays that are known when it is applied, such as shapes. */
export type Value = Tensor | NDArray;

/**
 * Operations that work alike on tensors and on arrays in host memory. Operators that occur in shape arithmetic are written
 * once, in these.
 */
export interface Algebra<T extends Spec> {
  add(a: T, b: T): T;
  sub(a: T, b: T): T;
  mul(a: T, b: T): T;
  div(a: T, b: T): T;
  mod(a: T, b: T): T;
  pow(a: T, b: T): T;
  maximum(a: T, b: T): T;
  minimum(a: T, b: T): T;
  equal(a: T, b: T): T;
  less(a: T, b: T): T;
  lessEqual(a: T, b: T): T;
  and(a: T, b: T): T;
  or(a: T, b: T): T;
  not(a: T): T;
  neg(a: T): T;
  abs(a: T): T;
  floor(a: T): T;
  sqrt(a: T): T;
  where(condition: T, a: T, b: T): T;
  cast(x: T, dtype: DType): T;
  reshape(x: T, shape: Shape): T;
  transpose(x: T, permutation: readonly number[]): T;
  /** One entry an axis; starts and ends lie within the axis, steps are positive. */
  slice(x: T, starts: readonly number[], ends: readonly number[], steps: readonly number[]): T;
  flip(x: T, axes: readonly number[]): T;
  concat(parts: readonly T[], axis: number): T;
  gather(x: T, indices: T, axis: number): T;
  broadcastTo(x: T, shape: Shape): T;
  sum(x: T, axes: readonly number[]): T;
  prod(x: T, axes: readonly number[]): T;
  max(x: T, axes: readonly number[]): T;
  min(x: T, axes: readonly number[]): T;
}

const engine: Algebra<Tensor> = {
  add,
  sub,
  mul,
  div,
  mod,
  pow,
  maximum,
  minimum,
  equal,
  less,
  lessEqual,
  and,
  or,
  not,
  neg,
  abs,
  floor,
  sqrt,
  where,
  cast,
  reshape,
  transpose,
  slice,
  flip,
  concat,
  gather,
  broadcastTo,
  sum,
  prod,
  max,
  min,
};

const isSmall = ({ shape }: Spec): boolean => sizeOf(shape) <= small;
const isHost = (value: Value): value is NDArray =>
  !(value instanceof Tensor) && value.dtype !== "float16" && isSmall(value);

/** The value as a tensor; a small array becomes a constant of the graph. */
export const asTensor = (value: Value): Tensor =>
  value instanceof Tensor ? value : isSmall(value) ? literal(value) : fromValue(value);

/** Computes on the host when all operands are known there and the result is small, else in the graph. */
export function over(
  operands: readonly Value[],
  f: <T extends Spec>(algebra: Algebra<T>, operands: readonly T[]) => T,
): Value {
  if (operands.every(isHost)) {
    try {
      return f(host, operands);
    } catch (error) {
      if (!(error instanceof Large)) throw error;
    }
  }
  return f(engine, operands.map(asTensor));
}
