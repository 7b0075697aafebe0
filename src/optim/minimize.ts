import { valueAndGrad } from "../engine/autodiff.js";
import { HebbError } from "../engine/errors.js";
import { type Feed, jit } from "../engine/jit.js";
import { realise } from "../engine/run.js";
import { fromValue, Tensor } from "../engine/tensor.js";
import { flattenTree, treeLeaves, unflattenTree } from "../engine/tree.js";
import type { LinePoint, LineSearchOptions } from "./line-search.js";
import { type Procedure, procedure } from "./procedure.js";

export interface MinimizeOptions {
  /** The most steps. Default 500. */
  readonly steps?: number;
  /** Stop when no entry of the gradient is larger than this. Default 1e-5. */
  readonly gradientTolerance?: number;
  /** Stop when a step lowers the value by less than this share of max(1, |value|). Default: never. */
  readonly valueTolerance?: number;
  /** Ends the procedure before the next step, with the signal's reason as the error. */
  readonly signal?: AbortSignal;
}

/** What one step came to, in numbers. */
export interface MinimizeRecord {
  /** Steps done, from 1. */
  readonly step: number;
  /** The value after the step. */
  readonly value: number;
  /** The largest entry of the gradient after it. */
  readonly gradient: number;
  /** How far the step went along its direction. */
  readonly rate: number;
  /** Values and gradients computed so far. */
  readonly evaluations: number;
}

export interface MinimizeStep<P> extends MinimizeRecord {
  readonly params: P;
}

/**
 * Why a minimisation ended: the gradient is within its tolerance; the value hardly falls any more; all steps are used
 * up; or neither value nor gradient can be lowered, which is the limit of rounding unless the gradient is wrong.
 */
export type StopReason = "gradient" | "value" | "steps" | "stalled";

/** Where a minimisation ended. */
export interface Minimum<P> {
  readonly params: P;
  readonly value: number;
  /** The largest entry of the gradient. */
  readonly gradient: number;
  readonly reason: StopReason;
  readonly record: readonly MinimizeRecord[];
}

/** A point of the parameters as one vector, in host memory. */
export interface Point {
  readonly x: Float64Array;
  readonly value: number;
  readonly gradient: Float64Array;
}

/** How to choose steps; the rest is common to all methods. */
export interface DescentMethod {
  direction(at: Point): Float64Array;
  /** The rate to try first. */
  firstRate(at: Point): number;
  search<T extends LinePoint>(
    line: (rate: number) => Promise<T>,
    start: T,
    first: number,
    options: LineSearchOptions,
  ): Promise<T | undefined>;
  /** Learns from a step. */
  moved(before: Point, after: Point, rate: number): void;
  /** Goes back to the gradient's own direction; false if that is where it is. */
  forget(): boolean;
}

/**
 * Minimises a scalar function of a tree by a method of descent with a line search, on the host: each evaluation is one
 * call of the compiled value and gradient; vectors are float64 between them.
 */
export function minimize<P>(
  name: string,
  f: (params: P) => Tensor,
  params: P,
  options: MinimizeOptions,
  method: DescentMethod,
): Procedure<MinimizeStep<P>, Minimum<P>> {
  return procedure(descend(name, f, params, options, method));
}

async function* descend<P>(
  name: string,
  f: (params: P) => Tensor,
  params: P,
  { steps = 500, gradientTolerance = 1e-5, valueTolerance = 0, signal }: MinimizeOptions,
  method: DescentMethod,
): AsyncGenerator<MinimizeStep<P>, Minimum<P>, undefined> {
  const { start, evaluate, treeOf, count, noise } = await objective(name, f, params);
  const record: MinimizeRecord[] = [];
  let at = await evaluate(start);
  if (!Number.isFinite(at.value)) throw new HebbError(`${name}: the value at the start is ${at.value}.`);
  if (!Number.isFinite(largest(at.gradient))) throw new HebbError(`${name}: the gradient at the start is not finite.`);
  const end = (reason: StopReason): Minimum<P> => ({
    params: treeOf(at.x),
    value: at.value,
    gradient: largest(at.gradient),
    reason,
    record,
  });
  const search = async () => {
    const from = at;
    let direction = method.direction(from);
    if (!(dot(direction, from.gradient) < 0)) {
      method.forget();
      direction = method.direction(from);
    }
    const line = async (rate: number) => {
      const point = await evaluate(moved(from.x, rate, direction));
      const slope = dot(direction, point.gradient);
      return { rate, point, slope, value: Number.isFinite(slope) ? point.value : Number.NaN };
    };
    const origin = { rate: 0, point: from, value: from.value, slope: dot(direction, from.gradient) };
    return method.search(line, origin, method.firstRate(from), { noise: noise(from.value) });
  };
  for (;;) {
    if (largest(at.gradient) <= gradientTolerance) return end("gradient");
    if (record.length >= steps) return end("steps");
    signal?.throwIfAborted();
    const next = await search();
    if (!next) {
      if (method.forget()) continue;
      return end("stalled");
    }
    const before = at;
    method.moved(before, next.point, next.rate);
    at = next.point;
    const { value } = at;
    record.push({ step: record.length + 1, value, gradient: largest(at.gradient), rate: next.rate, ...count });
    yield { ...record[record.length - 1], params: treeOf(at.x) };
    const fall = before.value - value;
    if (valueTolerance > 0 && fall <= valueTolerance * Math.max(1, Math.abs(value))) return end("value");
    if (fall <= 0 && largest(at.gradient) >= largest(before.gradient)) return end("stalled");
  }
}

/** The function and its gradient, over vectors. */
async function objective<P>(name: string, f: (params: P) => Tensor, params: P) {
  const { leaves: found, paths, def } = flattenTree(params);
  const leaves = found.map((leaf, i) => {
    const kind = leaf instanceof Tensor ? `has dtype ${leaf.dtype}` : `is a ${leaf === null ? "null" : typeof leaf}`;
    if (leaf instanceof Tensor && (leaf.dtype === "float32" || leaf.dtype === "float64")) return leaf;
    throw new HebbError(`${name}: the parameter "${paths[i]}" ${kind}; make it a float32 or float64 tensor.`);
  });
  if (leaves.length === 0) throw new HebbError(`${name}: there are no parameters.`);
  const compiled = jit((p: P) => valueAndGrad(f)(p) as unknown as [Tensor, P], { name });
  const arraysOf = (x: Float64Array) => {
    let at = 0;
    return leaves.map(({ shape, dtype, size }) => {
      const part = x.slice(at, (at += size));
      return { data: dtype === "float32" ? Float32Array.from(part) : part, shape, dtype };
    });
  };
  const vectorOf = (arrays: readonly { readonly data: ArrayLike<number | bigint> }[]) => {
    const x = new Float64Array(leaves.reduce((n, { size }) => n + size, 0));
    let at = 0;
    for (const { data } of arrays) {
      x.set(data as ArrayLike<number>, at);
      at += data.length;
    }
    return x;
  };
  const count = { evaluations: 0 };
  let epsilon = 0;
  return {
    start: vectorOf(await realise(leaves)),
    treeOf: (x: Float64Array): P => unflattenTree(def, arraysOf(x).map(fromValue)),
    count,
    noise: (value: number) => epsilon * Math.abs(value),
    async evaluate(x: Float64Array): Promise<Point> {
      const arrays = arraysOf(x);
      const [value, gradient] = await compiled(unflattenTree(def, arrays) as Feed<P>);
      count.evaluations++;
      epsilon = value.dtype === "float64" ? 2 ** -50 : 2 ** -21;
      const gradients = await realise(treeLeaves(gradient));
      // The vector as the function saw it, in the parameters' own precision.
      return { x: vectorOf(arrays), value: await value.item(), gradient: vectorOf(gradients) };
    },
  };
}

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** x + rate d. */
export const moved = (x: Float64Array, rate: number, d: Float64Array): Float64Array => x.map((v, i) => v + rate * d[i]);

/** The largest absolute value; NaN if there is one. */
const largest = (x: Float64Array): number => x.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
