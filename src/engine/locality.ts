import {
  type Attrs,
  type ManyRules,
  type Primitive,
  partPrimitive,
  partsOf,
  placeholder,
  topological,
} from "./core.js";
import { isFloat } from "./dtype.js";
import { HebbError } from "./errors.js";
import { siteOf, withSites } from "./inspect/sites.js";
import { alias, isPassThrough } from "./primitives/structure.js";
import { type Shape, show } from "./shape.js";
import { Tensor } from "./tensor.js";
import { flattenTree, treeEntries, unflattenTree } from "./tree.js";

/** An operation that a gradient passes on its way back. */
export interface GradientStep {
  readonly operation: string;
  /** The shape of its result. */
  readonly shape: Shape;
  /** The user's line, where the engine can tell. */
  readonly site?: string;
}

/** How the gradient of one output with respect to one parameter comes about. */
export interface GradientPath {
  /** The output's path in what the function returns; "" when that is one tensor. */
  readonly of: string;
  /** The parameter's path in the function's first argument; "" when that is one tensor. */
  readonly to: string;
  /**
   * The shortest chain of operations from the output back to the parameter. Undefined: there is none, which proves that
   * the gradient is zero, whatever the values.
   */
  readonly through?: readonly GradientStep[];
}

/**
 * For each output of `f` and each float tensor of its first argument, how the gradient of the one reaches the other:
 * a statement about the graph that `f` builds, so it holds for all values of these shapes. Nothing is computed.
 *
 * A gradient flows from an operation to those inputs for which its gradient rule has a share; `stopGradient`, comparisons,
 * rounding and integers pass nothing on. That a path exists does not mean that the gradient differs from zero. Throws
 * `HebbError` where the gradient would, at an operation that has no rule.
 */
export function gradientPaths<A extends [unknown, ...unknown[]]>(
  f: (...args: A) => unknown,
  ...args: A
): GradientPath[] {
  const { leaves, def, paths } = flattenTree(args[0]);
  const handles = leaves.map((l) => (l instanceof Tensor && isFloat(l.dtype) ? alias(l) : l));
  const targets = handles.flatMap((h, i) =>
    h instanceof Tensor && h !== leaves[i] ? [{ handle: h, to: paths[i] }] : [],
  );
  const output = withSites(() => f(...([unflattenTree(def, handles), ...args.slice(1)] as A)));
  const wanted = new Set(targets.map((t) => t.handle));
  return treeEntries(output).flatMap(([of, y]) => {
    const next = flow(y, wanted);
    return targets.map(({ handle, to }) => ({ of, to, through: next(handle) }));
  });
}

/**
 * Throws `HebbError` if a gradient can flow from the outputs of `f` under the path `of` to the parameters (in its first
 * argument) under the path `to`; the message names the operations that it flows through. "" stands for all.
 *
 * `assertNoGradient(losses, { of: "[1]", to: "layers[0]" }, params, x)`
 */
export function assertNoGradient<A extends [unknown, ...unknown[]]>(
  f: (...args: A) => unknown,
  { of, to }: { readonly of: string; readonly to: string },
  ...args: A
): void {
  const found = gradientPaths(f, ...args);
  const chosen = found.filter((p) => isUnder(p.of, of) && isUnder(p.to, to));
  if (chosen.length === 0) {
    const [outputs, inputs] = [found.map((p) => p.of), found.map((p) => p.to)].map((l) => [...new Set(l)].join(", "));
    throw new HebbError(
      `assertNoGradient: no output is at "${of}" or no parameter at "${to}"; the outputs are ${outputs || "none"}, the parameters ${inputs || "none"}.`,
    );
  }
  refuse("assertNoGradient", chosen);
}

/**
 * Throws `HebbError` unless learning is local: `f` returns one loss for each part of its first argument, under the same
 * keys (`[loss0, loss1]` for `[layer0, layer1]`, or objects), and no gradient flows from a loss to another's part.
 */
export function assertLocal<A extends [unknown, ...unknown[]]>(f: (...args: A) => unknown, ...args: A): void {
  const found = gradientPaths(f, ...args);
  const parts = new Set(found.map((p) => part(p.to)));
  for (const { of } of found) {
    if (!parts.has(part(of)))
      throw new HebbError(
        `assertLocal: the loss at "${of}" belongs to no part of the parameters; there are ${[...parts].join(", ")}.`,
      );
  }
  refuse(
    "assertLocal",
    found.filter((p) => part(p.of) !== part(p.to)),
  );
}

function refuse(name: string, paths: readonly GradientPath[]): void {
  const leak = paths.find((p) => p.through);
  if (!leak) return;
  const steps = leak.through!.map((s) => `${s.operation} ${show(s.shape)}${s.site ? ` (${s.site})` : ""}`);
  throw new HebbError(
    `${name}: the gradient of the output${leak.of && ` "${leak.of}"`} reaches the parameter${leak.to && ` "${leak.to}"`} through ${steps.join(", then ") || "nothing: it is returned as it is"}; put stopGradient where it must end.`,
  );
}

const isUnder = (path: string, prefix: string): boolean =>
  path === prefix || prefix === "" || path.startsWith(`${prefix}.`) || path.startsWith(`${prefix}[`);

/** The first key of a path. */
const part = (path: string): string => /^(\[\d+\]|[^.[]*)/.exec(path)![0];

/**
 * Follows the gradient of `root` back, as `backward` does, but only asks each rule which inputs have a share. The result
 * gives the shortest chain for a tensor that it reaches.
 */
function flow(root: Tensor, targets: ReadonlySet<Tensor>): (t: Tensor) => GradientStep[] | undefined {
  const active = new Set<Tensor>();
  const order = topological([root]);
  for (const t of order) {
    const passes = isFloat(t.dtype) && ruleOf(t.node.primitive) !== "none";
    if (targets.has(t) || (passes && t.node.inputs.some((i) => active.has(i)))) active.add(t);
  }
  /** For each tensor that is reached: how far it is from the root, and the operation that the gradient came from. */
  const reached = new Map<Tensor, { distance: number; from?: Tensor }>();
  const arriving = new Map<Tensor, Tensor[]>();
  const reach = (t: Tensor, distance: number, from?: Tensor) => {
    const before = reached.get(t);
    if (!before || distance < before.distance) reached.set(t, { distance, from });
  };
  if (active.has(root)) reach(root, 0);
  for (const t of order.reverse()) {
    const here = reached.get(t);
    if (!here || targets.has(t)) continue;
    const { primitive, inputs, attrs } = t.node;
    if (primitive === partPrimitive) {
      const [bundle] = inputs;
      const parts = arriving.get(bundle) ?? [];
      parts[attrs.index] = placeholder(t);
      arriving.set(bundle, parts);
      reach(bundle, here.distance, t);
      continue;
    }
    const needs = inputs.map((i) => active.has(i));
    const shares = sharesOf(t, arriving.get(t), primitive, inputs, attrs, needs);
    inputs.forEach((input, i) => {
      if (needs[i] && shares[i]) reach(input, here.distance + 1, t);
    });
  }
  return (target) => {
    const end = reached.get(target);
    if (!end) return undefined;
    const chain: GradientStep[] = [];
    for (let t = end.from; t; t = reached.get(t)!.from) {
      const { primitive, inputs } = t.node;
      if (isPassThrough(primitive) || primitive.many) continue;
      const { name } = primitive === partPrimitive ? inputs[0].node.primitive : primitive;
      chain.unshift({ operation: name, shape: t.shape, site: siteOf(t) });
    }
    return chain;
  };
}

const ruleOf = (primitive: Primitive): Primitive["grad"] | ManyRules["grad"] =>
  primitive.many ? primitive.many.grad : primitive.grad;

/** What the gradient rule of an operation gives to its inputs. */
function sharesOf(
  t: Tensor,
  parts: Tensor[] | undefined,
  primitive: Primitive,
  inputs: readonly Tensor[],
  attrs: Attrs,
  needs: readonly boolean[],
): readonly (Tensor | undefined)[] {
  const rule = ruleOf(primitive);
  if (!rule)
    throw new HebbError(
      `The operation "${primitive.name}" has no gradient rule, so nothing can be said of what flows through it; wrap it in customGradient or stopGradient.`,
    );
  return primitive.many
    ? (rule as Exclude<ManyRules["grad"], "none" | undefined>)(parts!, { inputs, outputs: partsOf(t), attrs, needs })
    : (rule as Exclude<Primitive["grad"], "none" | undefined>)(placeholder(t), { inputs, output: t, attrs, needs });
}
