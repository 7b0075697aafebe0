import { apply, type ManyRules, type Node, type Primitive, partPrimitive, partsOf, topological } from "./core.js";
import { isFloat } from "./dtype.js";
import { HebbError, ShapeError } from "./errors.js";
import { add } from "./primitives/elementwise.js";
import { alias, broadcastTo, ones, zeros } from "./primitives/structure.js";
import { sameShape, show } from "./shape.js";
import { Tensor } from "./tensor.js";
import { flattenTree, type TreeLike, treeKey, unflattenTree } from "./tree.js";
import { vmap } from "./vmap.js";

/**
 * Gradients of `outputs`, weighted by `cotangents`, with respect to the tensors `wrt`: a new graph. `undefined` stands
 * for a gradient that is zero because nothing connects the two.
 */
export function backward(
  outputs: readonly Tensor[],
  cotangents: readonly (Tensor | undefined)[],
  wrt: readonly Tensor[],
  nodes: ReadonlyMap<Tensor, Node> = snapshot(outputs, wrt),
): (Tensor | undefined)[] {
  const targets = new Set(wrt);
  const active = new Set<Tensor>();
  for (const [t, { primitive, inputs }] of nodes) {
    // Nothing flows back through a rule "none", so rules behind it need not be asked.
    const flows = isFloat(t.dtype) && ruleOf(primitive) !== "none";
    if (targets.has(t) || (flows && inputs.some((i) => active.has(i)))) active.add(t);
  }
  const sums = new Map<Tensor, Tensor>();
  const accumulate = (t: Tensor, g: Tensor) => {
    const before = sums.get(t);
    sums.set(t, before ? add(before, g) : g);
  };
  /** For each bundle, what has come back to its results so far. */
  const partSums = new Map<Tensor, (Tensor | undefined)[]>();
  outputs.forEach((t, i) => {
    const g = cotangents[i];
    if (g && active.has(t)) accumulate(t, g);
  });
  for (const t of [...nodes.keys()].reverse()) {
    const { primitive, inputs, attrs } = nodes.get(t)!;
    const g = sums.get(t);
    const parts = partSums.get(t);
    if ((!g && !parts) || !active.has(t) || (targets.has(t) && !inputs.some((i) => active.has(i)))) continue;
    if (g && primitive === partPrimitive) {
      const [bundle] = inputs;
      const list = partSums.get(bundle) ?? [];
      list[attrs.index] = list[attrs.index] ? add(list[attrs.index]!, g) : g;
      partSums.set(bundle, list);
      continue;
    }
    const rule = ruleOf(primitive);
    if (rule === "none") continue;
    if (!rule) {
      throw new HebbError(
        `grad met the operation "${primitive.name}", which has no gradient rule; wrap it in customGradient or stopGradient.`,
      );
    }
    const needs = inputs.map((i) => active.has(i));
    const shares = primitive.many
      ? (rule as ManyGrad)(parts!, { inputs, outputs: partsOf(t), attrs, needs })
      : (rule as Grad)(g!, { inputs, output: t, attrs, needs });
    shares.forEach((share, i) => {
      if (share && needs[i]) accumulate(inputs[i], share);
    });
  }
  return wrt.map((t) => sums.get(t));
}

const ruleOf = (primitive: Primitive) => (primitive.many ? primitive.many.grad : primitive.grad);
type Grad = Exclude<Primitive["grad"], "none" | undefined>;
type ManyGrad = Exclude<ManyRules["grad"], "none" | undefined>;

/** The graph between `wrt` and `outputs` as it stands now: tensors that are computed later drop their nodes. */
function snapshot(outputs: readonly Tensor[], wrt: readonly Tensor[]): Map<Tensor, Node> {
  const stop = new Set(wrt);
  const reaches = new Map<Tensor, boolean>();
  const order = topological(outputs);
  for (const t of order) reaches.set(t, stop.has(t) || t.node.inputs.some((i) => reaches.get(i)));
  return new Map(order.filter((t) => reaches.get(t)).map((t) => [t, t.node]));
}

type AnyFunction = (...args: any[]) => any;

interface Traced {
  /** Fresh handles on the differentiated tensors. */
  readonly handles: readonly Tensor[];
  readonly output: unknown;
  readonly outputs: readonly Tensor[];
}

/** Calls `f` with the chosen arguments' float tensors replaced by fresh handles. */
function traceWith(
  name: string,
  f: AnyFunction,
  args: readonly unknown[],
  argnums: readonly number[],
): Traced & {
  rebuild: (grads: readonly (Tensor | undefined)[]) => unknown[];
} {
  const handles: Tensor[] = [];
  const flats = argnums.map((n) => {
    if (n >= args.length)
      throw new HebbError(`${name}: argument ${n} was asked for, but the function got ${args.length}.`);
    const flat = flattenTree(args[n]);
    const leaves = flat.leaves.map((l, i) => {
      if (!(l instanceof Tensor)) {
        throw new HebbError(
          `${name}: argument ${n} must hold tensors, but ${flat.paths[i] ? `at "${flat.paths[i]}"` : "it"} is ${l === null ? "null" : typeof l}.`,
        );
      }
      if (!isFloat(l.dtype)) {
        throw new HebbError(
          `${name}: argument ${n}${flat.paths[i] ? ` at "${flat.paths[i]}"` : ""} has dtype ${l.dtype}; only floats have gradients.`,
        );
      }
      const handle = alias(l);
      handles.push(handle);
      return handle;
    });
    return { def: flat.def, leaves, originals: flat.leaves as Tensor[] };
  });
  const replaced = [...args];
  argnums.forEach((n, i) => {
    replaced[n] = unflattenTree(flats[i].def, flats[i].leaves);
  });
  const output = f(...replaced);
  if (output instanceof Promise)
    throw new HebbError(`${name}: the function is asynchronous; it must build its graph without awaiting.`);
  const outputs = flattenTree(output).leaves.filter((l): l is Tensor => l instanceof Tensor);
  const rebuild = (grads: readonly (Tensor | undefined)[]) => {
    let at = 0;
    return flats.map(({ def, originals }) =>
      unflattenTree(
        def,
        originals.map((o) => grads[at++] ?? zeros(o.shape, o.dtype)),
      ),
    );
  };
  return { handles, output, outputs, rebuild };
}

export interface GradOptions {
  /** Which arguments to differentiate with respect to. Default: the first. */
  readonly argnums?: number | readonly number[];
  /** The function returns `[loss, aux]`, and `aux` is passed on. */
  readonly hasAux?: boolean;
}

type First<A extends any[]> = A extends [infer H, ...any[]] ? H : never;

/**
 * The gradient of a scalar function, as a function of the same arguments: d f / d args[argnums], a tree like that
 * argument (an array of trees when `argnums` is an array). With `hasAux`, `[gradient, aux]`.
 *
 * Throws `ShapeError` if the function does not return one float of shape [].
 */
export function grad<A extends any[], R>(
  f: (...args: A) => R,
  options: { argnums: readonly number[]; hasAux?: boolean },
): (...args: A) => any;
export function grad<A extends any[], R>(
  f: (...args: A) => R,
  options: { argnums: number; hasAux?: boolean },
): (...args: A) => any;
export function grad<A extends any[], Aux>(
  f: (...args: A) => readonly [Tensor, Aux],
  options: { hasAux: true },
): (...args: A) => [First<A>, Aux];
export function grad<A extends any[]>(
  f: (...args: A) => Tensor,
  options?: { hasAux?: false },
): (...args: A) => First<A>;
export function grad(f: AnyFunction, options: GradOptions = {}): AnyFunction {
  const both = valueAndGrad(f as any, options as any) as AnyFunction;
  return (...args) => {
    const [value, gradient] = both(...args);
    return options.hasAux ? [gradient, value[1]] : gradient;
  };
}

/** Like `grad`, and returns the value beside it: `[loss, gradient]`, or `[[loss, aux], gradient]` with `hasAux`. */
export function valueAndGrad<A extends any[], R>(
  f: (...args: A) => R,
  options: { argnums: number | readonly number[]; hasAux?: boolean },
): (...args: A) => [R, any];
export function valueAndGrad<A extends any[], Aux>(
  f: (...args: A) => readonly [Tensor, Aux],
  options: { hasAux: true },
): (...args: A) => [[Tensor, Aux], First<A>];
export function valueAndGrad<A extends any[]>(
  f: (...args: A) => Tensor,
  options?: { hasAux?: false },
): (...args: A) => [Tensor, First<A>];
export function valueAndGrad(f: AnyFunction, { argnums = 0, hasAux = false }: GradOptions = {}): AnyFunction {
  const list = typeof argnums === "number" ? [argnums] : argnums;
  return (...args) => {
    const { handles, output, rebuild } = traceWith("grad", f, args, list);
    const loss = hasAux ? (output as any)?.[0] : output;
    if (!(loss instanceof Tensor)) {
      throw new HebbError(`grad: the function must return ${hasAux ? "[loss, aux] with " : ""}a tensor as its loss.`);
    }
    if (loss.rank !== 0 || !isFloat(loss.dtype)) {
      throw new ShapeError(
        "grad",
        `the loss must be a float of shape [], but it is ${loss.dtype}${show(loss.shape)}; take its mean or sum`,
      );
    }
    const grads = rebuild(backward([loss], [ones([], loss.dtype)], handles));
    return [output, typeof argnums === "number" ? grads[0] : grads];
  };
}

/**
 * The value of `f` and its vector–Jacobian product: `[output, pull]`, where `pull(cotangent)` (a tree like the output)
 * gives one tree of gradients for each argument.
 */
export function vjp<A extends any[], R>(f: (...args: A) => R, ...args: A): [R, (cotangent: TreeLike<R, Tensor>) => A] {
  const { handles, output, outputs, rebuild } = traceWith(
    "vjp",
    f,
    args,
    args.map((_, i) => i),
  );
  const nodes = snapshot(outputs, handles);
  const key = treeKey(flattenTree(output).def);
  const pull = (cotangent: unknown) => {
    const flat = flattenTree(cotangent);
    if (treeKey(flat.def) !== key) throw new HebbError("vjp: the cotangent's structure differs from the output's.");
    const cotangents = flat.leaves.filter((l): l is Tensor => l instanceof Tensor);
    cotangents.forEach((c, i) => {
      if (!sameShape(c.shape, outputs[i].shape)) {
        throw new ShapeError("vjp", `cotangent ${show(c.shape)} for an output of shape ${show(outputs[i].shape)}`);
      }
      if (c.dtype !== outputs[i].dtype) {
        throw new ShapeError("vjp", `cotangent of dtype ${c.dtype} for an output of dtype ${outputs[i].dtype}`);
      }
    });
    return rebuild(backward(outputs, cotangents, handles, nodes)) as A;
  };
  return [output as R, pull as any];
}

type Rule = (g: Tensor, inputs: readonly Tensor[], output: Tensor) => readonly (Tensor | undefined)[];

const customPrimitive: Primitive<{ rule: Rule; id: number }> = {
  name: "customGradient",
  infer: (inputs) => inputs[inputs.length - 1],
  grad: (g, { inputs, output, attrs: { rule } }) => {
    const shares = rule(g, inputs.slice(0, -1), output);
    if (shares.length !== inputs.length - 1) {
      throw new HebbError(
        `customGradient: the rule returned ${shares.length} gradients for ${inputs.length - 1} arguments.`,
      );
    }
    shares.forEach((share, i) => {
      if (share && !sameShape(share.shape, inputs[i].shape)) {
        throw new ShapeError(
          "customGradient",
          `the rule returned a gradient of shape ${show(share.shape)} for an argument of shape ${show(inputs[i].shape)}`,
        );
      }
    });
    return [...shares, undefined];
  },
  batch(inputs, batched, { rule, id }, size) {
    const out = inputs[inputs.length - 1];
    const mapped: Rule = (g, xs, y) => {
      const axes = [0, 0, ...xs.map((_, i) => (batched[i] ? 0 : null))];
      const kept: number[] = [];
      const shares = vmap(
        (gi: Tensor, yi: Tensor, ...xi: Tensor[]) =>
          rule(gi, xi, yi).filter((s, i): s is Tensor => {
            if (s) kept.push(i);
            return s !== undefined;
          }),
        { inAxes: axes, size },
      )(g, y, ...xs) as Tensor[];
      const all: (Tensor | undefined)[] = xs.map(() => undefined);
      // An argument without the batch axis gets the sum over examples.
      kept.forEach((i, k) => {
        all[i] = batched[i] ? shares[k] : shares[k].sum(0);
      });
      return all;
    };
    const last = batched[batched.length - 1] ? out : broadcastTo(out, [size, ...out.shape]);
    return apply(customPrimitive, [...inputs.slice(0, -1), last], { rule: mapped, id });
  },
  key: ({ id }) => String(id),
};
let customs = 0;

/**
 * `f` with its gradient replaced: in reverse, `rule(g, inputs, output)` gives the gradients of the inputs from that of
 * the output. The rule is written in operations, so it can itself be differentiated and mapped; under `vmap` it may use
 * its arguments only, not tensors of the examples that it closes over.
 *
 * `const ste = customGradient((x) => round(x), (g) => [g])` rounds with the straight-through gradient.
 */
export function customGradient<A extends Tensor[]>(
  f: (...inputs: A) => Tensor,
  rule: (g: Tensor, inputs: A, output: Tensor) => readonly (Tensor | undefined)[],
): (...inputs: A) => Tensor {
  const id = customs++;
  return (...inputs) => apply(customPrimitive, [...inputs, f(...inputs)], { rule: rule as any, id });
}

/** Its value is its last input; compilation removes it. */
export { customPrimitive };
