import { type Graph, partOf } from "../compile.js";
import { isLeaf, literalPrimitive, topological } from "../core.js";
import { literalValue } from "../literals.js";
import { sameShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { isOperation, limits, type Pointwise, type Step } from "./encode.js";

/** An element-wise computation at the end of a graph. */
export interface Kernel {
  readonly pointwise: Pointwise;
  /** Of every array and every result. */
  readonly shape: readonly number[];
  readonly arrays: readonly Tensor[];
  readonly scalars: readonly Tensor[];
  readonly results: readonly Tensor[];
}

export interface Split {
  /** What the runtime computes: results that stay its own, and what the kernels need. */
  readonly head: Graph;
  readonly kernels: readonly Kernel[];
}

/** Fewer operations are not worth a pass of their own, */
const fewest = 4;
/** nor are graphs in which no such computation has as many numbers as this; */
const large = 8192;
/** in graphs that are, those of so many numbers are taken along. */
const small = 64;

/**
 * Splits off what is element-wise at the end of a graph: above all the update of parameters and optimiser state, for which
 * the runtime makes a pass over memory for each operation, and copies every result once more. Undefined where there is
 * nothing to gain.
 */
export function splitTail(graph: Graph): Split | undefined {
  const users = new Map<Tensor, Tensor[]>(graph.order.map((t) => [t, []]));
  for (const t of graph.order) for (const i of t.node.inputs) users.get(i)!.push(t);
  const tail = new Set<Tensor>();
  for (const t of graph.order.toReversed()) {
    if (isPointwise(t) && users.get(t)!.every((user) => tail.has(user))) tail.add(t);
  }
  const outputs = new Set(graph.outputs);
  const kernels: Kernel[] = [];
  for (const part of components(graph, tail, users)) {
    const kernel = kernelOf(part, outputs);
    if (kernel) kernels.push(kernel);
  }
  if (!kernels.some(({ arrays }) => arrays[0].size >= large)) return undefined;
  const done = new Set(kernels.flatMap(({ results }) => results));
  const needed = kernels.flatMap(({ arrays, scalars }) => [...arrays, ...scalars]).filter((t) => !isGiven(t));
  const own = [...new Set([...graph.outputs.filter((t) => !done.has(t)), ...needed])];
  const present = new Set(topological(own));
  const head = partOf(
    graph.order.filter((t) => present.has(t)),
    own,
  );
  return { head, kernels };
}

/** An operation of float32 numbers on arrays of the result's shape and on numbers that are the same for all elements. */
const isPointwise = (t: Tensor): boolean =>
  t.dtype === "float32" &&
  t.size >= small &&
  isOperation(t.node.primitive.name) &&
  t.node.inputs.every((i) => sameShape(i.shape, t.shape) || i.size === 1);

/** What has a value before anything is computed. */
const isGiven = (t: Tensor): boolean => isLeaf(t.node) && t.node.primitive !== literalPrimitive;

/** The connected parts of `tail`, each in the order of the graph. */
function components(graph: Graph, tail: ReadonlySet<Tensor>, users: ReadonlyMap<Tensor, Tensor[]>): Tensor[][] {
  const part = new Map<Tensor, Tensor[]>();
  for (const t of graph.order) {
    if (!tail.has(t) || part.has(t)) continue;
    const own: Tensor[] = [];
    const open = [t];
    part.set(t, own);
    for (let next = open.pop(); next; next = open.pop()) {
      own.push(next);
      for (const near of [...next.node.inputs, ...users.get(next)!]) {
        if (!tail.has(near) || part.has(near)) continue;
        part.set(near, own);
        open.push(near);
      }
    }
  }
  const place = new Map(graph.order.map((t, i) => [t, i]));
  return [...new Set(part.values())].map((own) => own.sort((a, b) => place.get(a)! - place.get(b)!));
}

/** Undefined where the runtime does better: with few operations, or where more arrays would have to leave it. */
function kernelOf(part: readonly Tensor[], outputs: ReadonlySet<Tensor>): Kernel | undefined {
  const [{ shape }] = part;
  const steps: Step[] = [];
  const at = new Map<Tensor, number>();
  const arrays: Tensor[] = [];
  const scalars: Tensor[] = [];
  const enter = (t: Tensor, step: Step) => {
    at.set(t, steps.length);
    steps.push(step);
  };
  for (const t of part) {
    for (const i of t.node.inputs) {
      if (at.has(i)) continue;
      const constant = literalValue(i);
      if (constant !== undefined) enter(i, { kind: "constant", value: constant });
      else if (i.size > 1) enter(i, { kind: "array", index: arrays.push(i) - 1 });
      else enter(i, { kind: "scalar", index: scalars.push(i) - 1 });
    }
    const operation = t.node.primitive.name;
    if (!isOperation(operation)) return undefined;
    enter(t, { kind: "apply", operation, of: t.node.inputs.map((i) => at.get(i)!) });
  }
  const results = part.filter((t) => outputs.has(t));
  const leaving = arrays.filter((t) => !isGiven(t) && !outputs.has(t)).length;
  if (part.length < fewest || arrays.length === 0 || leaving > results.length) return undefined;
  if (scalars.length > limits.scalars || arrays.length + results.length > limits.arrays) return undefined;
  const pointwise: Pointwise = {
    steps,
    arrays: arrays.length,
    results: results.map((t) => at.get(t)!),
  };
  return { pointwise, shape, arrays, scalars, results };
}
