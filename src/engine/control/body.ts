import { type Graph, normalise } from "../compile.js";
import {
  type Attrs,
  hooks,
  literalPrimitive,
  partPrimitive,
  placeholder,
  topological,
  valuePrimitive,
} from "../core.js";
import { Tensor } from "../tensor.js";

/** A function inside a node of the graph: it depends on nothing but its parameters. */
export class Body {
  constructor(
    readonly params: readonly Tensor[],
    readonly outputs: readonly Tensor[],
  ) {}
}

/** The bodies that the attributes of a node hold. */
export const bodiesOf = (attrs: Attrs): Body[] => Object.values(attrs).filter((a) => a instanceof Body);

const graphs = new WeakMap<Body, Graph>();

/** The normal form of a body. */
export function bodyGraph(body: Body): Graph {
  let graph = graphs.get(body);
  if (!graph) graphs.set(body, (graph = normalise(body.outputs, body.params)));
  return graph;
}

/** A structural key for attributes with bodies. (The hash of a graph leaves open which results are wanted twice.) */
export function bodyKey(attrs: Attrs): string {
  return JSON.stringify(attrs, (_, value) => {
    if (!(value instanceof Body)) return value;
    const { hash, places } = bodyGraph(value);
    return `{${hash}@${places}}`;
  });
}

/** Whether some operation of a body computes on the host, so that the runtime cannot run it as one graph. */
export const bodyNeedsHost = (body: Body): boolean => bodyGraph(body).order.some(needsHost);

/** Whether the operation of a tensor computes on the host. */
export function needsHost(t: Tensor): boolean {
  const { primitive, attrs } = t.node;
  const many = primitive.many;
  return many?.host !== undefined && (many.needsHost?.(attrs) ?? true);
}

/** `outputs` with some of the tensors behind them replaced: what depends on those is built again. */
export function substitute(outputs: readonly Tensor[], replacement: ReadonlyMap<Tensor, Tensor>): Tensor[] {
  const now = new Map(replacement);
  for (const t of topological(outputs, (x) => !now.has(x))) {
    if (now.has(t)) continue;
    const { primitive, inputs, attrs } = t.node;
    const changed = inputs.map((i) => now.get(i) ?? i);
    if (changed.every((c, i) => c === inputs[i])) continue;
    const again = new Tensor({ primitive, inputs: changed, attrs }, t.shape, t.dtype);
    hooks.rebuilt?.(t, again);
    now.set(t, again);
  }
  return outputs.map((t) => now.get(t) ?? t);
}

/** The tensors among the ancestors of `outputs` that depend on one of `params`. */
export function dependents(outputs: readonly Tensor[], params: Iterable<Tensor>): Set<Tensor> {
  const found = new Set(params);
  for (const t of topological(outputs, (x) => !found.has(x))) if (t.node.inputs.some((i) => found.has(i))) found.add(t);
  return found;
}

/**
 * Makes a body of a graph that may use tensors from outside: what does not depend on `params` (and was not made `since`)
 * is computed outside, once, and comes in through parameters of its own, as do all values at hand. Returns those outer tensors and the body, whose
 * parameters are first theirs, then `params`.
 */
export function closeOver(
  params: readonly Tensor[],
  outputs: readonly Tensor[],
  since = Number.POSITIVE_INFINITY,
): { consts: Tensor[]; body: Body } {
  const bound = dependents(outputs, params);
  const isInner = (t: Tensor): boolean => {
    if (bound.has(t)) return true;
    const { primitive, inputs } = t.node;
    return primitive === partPrimitive ? isInner(inputs[0]) : primitive !== valuePrimitive && t.serial >= since;
  };
  const outer = new Map<Tensor, Tensor>();
  const take = (t: Tensor) => {
    if (isInner(t) || outer.has(t) || t.node.primitive === literalPrimitive) return;
    outer.set(t, placeholder(t));
  };
  for (const t of topological(outputs, isInner)) if (isInner(t)) t.node.inputs.forEach(take);
  outputs.forEach(take);
  const consts = [...outer.keys()];
  return { consts, body: new Body([...outer.values(), ...params], substitute(outputs, outer)) };
}
