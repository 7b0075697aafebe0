import { backward } from "../autodiff.js";
import { emitInner } from "../compile.js";
import { type Attrs, applyMany, bundleSpec, type Primitive, placeholder, topological } from "../core.js";
import { dtypes, isFloat, type NDArray } from "../dtype.js";
import { HebbError, ShapeError } from "../errors.js";
import { moveAxis } from "../primitives/batching.js";
import { add, elementwisePrimitives, where } from "../primitives/elementwise.js";
import { matmul, matmulPrimitive } from "../primitives/matmul.js";
import { sum, sumPrimitive } from "../primitives/reduce.js";
import { broadcastTo, reshape, reshapePrimitive, zeros } from "../primitives/structure.js";
import { show, sizeOf } from "../shape.js";
import { Tensor } from "../tensor.js";
import { flattenTree, unflattenTree } from "../tree.js";
import { batchGraph } from "../vmap.js";
import { Body, bodyGraph, bodyKey, bodyNeedsHost, closeOver, dependents, substitute } from "./body.js";
import { carryOf } from "./carry.js";

/**
 * Inputs: constants, initial carries, sequences. The body takes constants, carries and one element of each sequence, and
 * gives the next carries and one element of each result sequence. Results: last carries, result sequences.
 */
export interface ScanAttrs extends Attrs {
  readonly body: Body;
  readonly consts: number;
  readonly carries: number;
  readonly length: number;
  /** From the last element to the first; results keep their places. */
  readonly reverse: boolean;
  /** The gradient computes the body again from the carries instead of storing what it needs. */
  readonly checkpoint: boolean;
}

/** A list cut into constants, carries and sequences. */
export const sections = <T>(list: readonly T[], { consts, carries }: { consts: number; carries: number }) => ({
  consts: list.slice(0, consts),
  carries: list.slice(consts, consts + carries),
  xs: list.slice(consts + carries),
});

export const scanPrimitive: Primitive<ScanAttrs> = {
  name: "scan",
  infer: () => bundleSpec,
  key: (attrs) => bodyKey(attrs),
  many: {
    infer: (_inputs, { body, carries, length }) =>
      body.outputs.map(({ shape, dtype }, i) => ({ shape: i < carries ? shape : [length, ...shape], dtype })),

    grad: (gs, { inputs, attrs, needs }) => scanGradient(gs, inputs, attrs, needs),

    batch(inputs, batched, attrs, size) {
      const { body, carries } = attrs;
      const flags = [...batched];
      let params: Tensor[];
      let many: Map<Tensor, Tensor>;
      // A carry that starts shared becomes batched when the body makes it so, and then so may others.
      for (;;) {
        params = body.params.map((p, i) => (flags[i] ? placeholder({ shape: [size, ...p.shape], dtype: p.dtype }) : p));
        const mapped = new Map(body.params.flatMap((p, i) => (flags[i] ? [[p, params[i]] as const] : [])));
        many = batchGraph(body.outputs, mapped, size);
        const grown = body.outputs
          .slice(0, carries)
          .flatMap((o, i) => (many.has(o) && !flags[attrs.consts + i] ? [attrs.consts + i] : []));
        if (grown.length === 0) break;
        for (const i of grown) flags[i] = true;
      }
      const isBatched = (i: number) => (i < carries ? flags[attrs.consts + i] : many.has(body.outputs[i]));
      const spread = (t: Tensor) => broadcastTo(t, [size, ...t.shape]);
      const outputs = body.outputs.map((o, i) => many.get(o) ?? (isBatched(i) ? spread(o) : o));
      const given = inputs.map((t, i) => {
        if (!flags[i]) return t;
        if (!batched[i]) return spread(t);
        return i < attrs.consts + carries ? t : moveAxis(t, 0, 1);
      });
      const results = applyMany(scanPrimitive, given, { ...attrs, body: new Body(params, outputs) });
      return results.map((r, i) => {
        if (!isBatched(i)) return spread(r);
        return i < carries ? r : moveAxis(r, 1, 0);
      });
    },

    emit(e, names, { attrs }) {
      const { body, consts, carries, length, reverse } = attrs;
      const own = sections(names, attrs);
      const params = body.params.map((param, i) => ({ param, name: i < consts ? names[i] : undefined }));
      // The runtime's Scan counts by its sequences, so there must be one.
      const none = own.xs.length === 0;
      const counter = placeholder({ shape: [], dtype: "uint8" });
      const ticks = none
        ? [
            e.node("ConstantOfShape", [e.ints([length])], {
              value: { data: new Uint8Array(1), shape: [1], dtype: "uint8" },
            }),
          ]
        : [];
      const graph = emitInner(e, bodyGraph(body), none ? [...params, { param: counter, name: undefined }] : params);
      const direction = reverse ? 1 : 0;
      return e.nodes("Scan", [...own.carries, ...own.xs, ...ticks], body.outputs.length, {
        body: graph,
        num_scan_inputs: Math.max(own.xs.length, 1),
        scan_input_directions: new Array(Math.max(own.xs.length, 1)).fill(direction),
        scan_output_directions: new Array(body.outputs.length - carries).fill(direction),
      });
    },

    needsHost: ({ body }) => bodyNeedsHost(body),
    async host(inputs, { body, consts, carries, length, reverse, ...counts }, tools) {
      const own = sections(inputs, { consts, carries, ...counts });
      const results = body.outputs.slice(carries).map(({ shape, dtype }): NDArray => {
        const full = [length, ...shape];
        return { data: new dtypes[dtype].array(sizeOf(full)), shape: full, dtype };
      });
      let state = own.carries;
      for (let step = 0; step < length; step++) {
        const at = reverse ? length - 1 - step : step;
        const out = await tools.evaluate(body, [...own.consts, ...state, ...own.xs.map((x) => row(x, at))]);
        state = out.slice(0, carries);
        results.forEach((r, i) => {
          row(r, at).data.set(out[carries + i].data as any);
        });
      }
      return [...state, ...results];
    },
  },
};

/** Element `at` of the first axis, sharing memory. */
function row({ data, shape, dtype }: NDArray, at: number): NDArray {
  const size = sizeOf(shape.slice(1));
  return { data: data.subarray(at * size, (at + 1) * size), shape: shape.slice(1), dtype };
}

/**
 * The gradient is a scan the other way. Its body is the gradient of the body; what that needs of the forward pass is
 * either stored by a second forward scan with more results (which compilation merges with the first) or, with
 * `checkpoint`, computed again from the stored carries.
 */
function scanGradient(
  gs: readonly (Tensor | undefined)[],
  inputs: readonly Tensor[],
  attrs: ScanAttrs,
  needs: readonly boolean[],
): (Tensor | undefined)[] {
  const { body, consts, carries, reverse, checkpoint } = attrs;
  const params = sections(body.params, attrs);
  const outputs = { carries: body.outputs.slice(0, carries), ys: body.outputs.slice(carries) };

  // Which carries have gradients: those that depend, by way of floats, on an input that needs one.
  const active = body.params.map((p, i) => needs[i] && isFloat(p.dtype));
  for (let grown = true; grown; ) {
    const reached = floatDependents(
      outputs.carries,
      body.params.filter((_, i) => active[i]),
    );
    grown = false;
    outputs.carries.forEach((o, i) => {
      if (reached.has(o) && !active[consts + i]) {
        active[consts + i] = true;
        grown = true;
      }
    });
  }
  const ys = outputs.ys.flatMap((y, i) => {
    const g = gs[carries + i];
    return g ? [{ y, g, slice: placeholder(y) }] : [];
  });
  // Which of them a gradient comes back to: to their last values, or from a later step. Nothing goes on to the others,
  // whose zeros could meet an operation without a gradient.
  const live = outputs.carries.map((_, i) => active[consts + i] && gs[i] !== undefined);
  const isLive = (_: unknown, i: number) => live[i];
  const incoming = params.carries.map(placeholder);
  const targets = body.params.filter((_, i) => active[i]);
  let shares = new Map<Tensor, Tensor | undefined>();
  for (let grown = true; grown; ) {
    const raw = backward(
      [...outputs.carries.filter(isLive), ...ys.map((y) => y.y)],
      [...incoming.filter(isLive), ...ys.map((y) => y.slice)],
      targets,
    );
    shares = new Map(targets.map((p, i) => [p, raw[i]]));
    grown = false;
    params.carries.forEach((p, i) => {
      if (shares.get(p) && !live[i]) {
        live[i] = true;
        grown = true;
      }
    });
  }
  const isReached = (p: Tensor) => shares.get(p) !== undefined;
  const wanted = {
    consts: params.consts.filter(isReached),
    carries: params.carries.filter(isLive),
    xs: params.xs.filter(isReached),
  };
  const all = [...wanted.consts, ...wanted.carries, ...wanted.xs];
  const grads = all.map((p) => shares.get(p) ?? zeros(p.shape, p.dtype));
  const gCarries = incoming.filter(isLive);

  // What the gradient needs of the forward pass.
  const cotangents = [...gCarries, ...ys.map((y) => y.slice)];
  const moving = new Set([...params.carries, ...params.xs]);
  const kept = residuals(grads, cotangents, moving, checkpoint);
  const later = pointwiseOfOthers(kept, moving, body.outputs);
  const stored = kept.filter((t) => !params.xs.includes(t) && !later.includes(t));
  const forward = applyMany(scanPrimitive, inputs, {
    ...attrs,
    body: new Body(body.params, [...body.outputs, ...stored]),
  }).slice(body.outputs.length);
  const original = (t: Tensor) =>
    params.xs.includes(t) ? sections(inputs, attrs).xs[params.xs.indexOf(t)] : forward[stored.indexOf(t)];
  const stands = new Map(kept.filter((t) => !later.includes(t)).map((t) => [t, placeholder(t)]));
  const ofOne = substitute(later, new Map([...params.consts.map((p, i) => [p, inputs[i]] as const), ...stands]));
  const ofAll = batchGraph(ofOne, new Map([...stands].map(([t, p]) => [p, original(t)])), attrs.length);
  const sequence = (t: Tensor) => (later.includes(t) ? ofAll.get(ofOne[later.indexOf(t)])! : original(t));

  // The body of the scan back. Constants take their outer values, so that what depends on them alone moves out of it;
  // with `checkpoint` nothing may move out, or it would be stored.
  const slices = kept.map(placeholder);
  const outer = checkpoint ? [] : params.consts;
  const inner = substitute(
    grads,
    new Map<Tensor, Tensor>([
      ...outer.map((p, i) => [p, inputs[i]] as const),
      ...kept.map((t, i) => [t, slices[i]] as const),
    ]),
  );
  const gConsts = inner.slice(0, wanted.consts.length);
  const gXs = inner.slice(wanted.consts.length + wanted.carries.length);
  // Nothing more may be stored with `checkpoint`.
  const free = [...slices, ...gXs];
  const after = sumsAfterwards(checkpoint ? [] : gConsts, free);
  const extra = [...new Set([...after.values()].flatMap(({ of }) => of))].filter((t) => !free.includes(t));
  const running = gConsts.filter((g) => !after.has(g));
  const sums = running.map(placeholder);
  const own = checkpoint ? params.consts : [];
  const closed = closeOver(
    [...own, ...sums, ...gCarries, ...ys.map((y) => y.slice), ...slices],
    [...running.map((g, i) => add(sums[i], g)), ...inner.slice(wanted.consts.length), ...extra],
  );
  const back = applyMany(
    scanPrimitive,
    [
      ...closed.consts,
      ...inputs.slice(0, own.length),
      ...running.map((g) => zeros(g.shape, g.dtype)),
      ...outputs.carries.flatMap((o, i) => (live[i] ? [gs[i] ?? zeros(o.shape, o.dtype)] : [])),
      ...ys.map((y) => y.g),
      ...kept.map(sequence),
    ],
    {
      body: closed.body,
      consts: closed.consts.length + own.length,
      carries: running.length + gCarries.length,
      length: attrs.length,
      reverse: !reverse,
      checkpoint,
    },
  );
  const stacked = new Map<Tensor, Tensor>([
    ...[...gXs, ...extra].map((t, i) => [t, back[back.length - gXs.length - extra.length + i]] as const),
    ...slices.map((t, i) => [t, sequence(kept[i])] as const),
  ]);
  let at = 0;
  const whole = gConsts.map((g) => after.get(g)?.sum(stacked) ?? back[at++]);
  const results = [...whole, ...back.slice(at)];
  return body.params.map((p) => (isReached(p) ? results[all.indexOf(p)] : undefined));
}

/** A sum over all steps that is taken after the loop, from sequences of what each step made. */
interface SumAfter {
  readonly of: readonly Tensor[];
  sum(stacked: ReadonlyMap<Tensor, Tensor>): Tensor;
}

/**
 * Which of the constants' gradients need no running sum: the sum of products A' B over the steps is one long product, which
 * the runtime computes many times faster, and a sum over rows is one over the rows of all steps. Only where the sequences of
 * factors are `free`, there in any case, or smaller than the gradient, which the loop would otherwise read and write at each
 * step.
 */
function sumsAfterwards(grads: readonly Tensor[], free: readonly Tensor[]): Map<Tensor, SumAfter> {
  const found = new Map<Tensor, SumAfter>();
  const known = new Set(free);
  for (const g of grads) {
    const product = behindReshapes(g);
    const { primitive, inputs, attrs } = product.node;
    if (primitive !== matmulPrimitive || !attrs.transposeA || attrs.transposeB || product.rank !== 2) continue;
    const of = inputs.map(behindReshapes);
    const cost = of.reduce((sum, t) => sum + (known.has(t) ? 0 : t.size), 0);
    if (cost > product.size) continue;
    for (const t of of) known.add(t);
    found.set(g, {
      of,
      sum(stacked) {
        const [a, b] = inputs.map((t, i) => reshape(stacked.get(of[i])!, [-1, t.shape[1]]));
        return reshape(matmul(a, b, { transposeA: true }), g.shape);
      },
    });
  }
  for (const g of grads) {
    const total = behindReshapes(g);
    const { primitive, inputs, attrs } = total.node;
    if (primitive !== sumPrimitive || !known.has(behindReshapes(inputs[0]))) continue;
    const of = behindReshapes(inputs[0]);
    const axes = [0, ...(attrs.axes as readonly number[]).map((a) => a + 1)];
    found.set(g, {
      of: [of],
      sum(stacked) {
        const rows = stacked.get(of)!;
        return reshape(sum(reshape(rows, [rows.shape[0], ...inputs[0].shape]), axes), g.shape);
      },
    });
  }
  return found;
}

/** What `t` is another shape of. */
const behindReshapes = (t: Tensor): Tensor =>
  t.node.primitive === reshapePrimitive ? behindReshapes(t.node.inputs[0]) : t;

/** The tensors that a gradient can reach from `params`. */
function floatDependents(outputs: readonly Tensor[], params: readonly Tensor[]): Set<Tensor> {
  const found = new Set(params);
  for (const t of topological(outputs, (x) => !found.has(x)))
    if (isFloat(t.dtype) && t.node.inputs.some((i) => found.has(i))) found.add(t);
  return found;
}

/** Operations that are cheaper to repeat than their results are to store. */
const cheap: ReadonlySet<string> = new Set(["alias", "stopGradient", "reshape", "broadcastTo", "transpose", "cast"]);

/**
 * The tensors of the forward body at which the graph behind `grads` is cut: those used together with `cotangents` that
 * depend on `moving`. With `inputsOnly` the cut is at `moving` itself.
 */
function residuals(
  grads: readonly Tensor[],
  cotangents: readonly Tensor[],
  moving: ReadonlySet<Tensor>,
  inputsOnly: boolean,
): Tensor[] {
  const late = dependents(grads, cotangents);
  const varying = dependents(grads, moving);
  const kept = new Set<Tensor>();
  const cut = (t: Tensor) => {
    const stack = [t];
    const seen = new Set<Tensor>();
    while (stack.length > 0) {
      const top = stack.pop()!;
      if (seen.has(top) || !varying.has(top)) continue;
      seen.add(top);
      if (moving.has(top)) kept.add(top);
      else if (inputsOnly || cheap.has(top.node.primitive.name)) stack.push(...top.node.inputs);
      else kept.add(top);
    }
  };
  for (const t of topological(grads, (x) => late.has(x))) {
    if (late.has(t)) for (const i of t.node.inputs) if (!late.has(i)) cut(i);
  }
  for (const g of grads) if (!late.has(g)) cut(g);
  return [...kept];
}

/**
 * Those of the kept tensors that the loop's own results do not need and that are element-wise functions of others: the
 * factors that derivatives are made of. They are computed after the loop for all steps together, which costs a few passes
 * instead of a few operations a step.
 */
function pointwiseOfOthers(kept: readonly Tensor[], moving: ReadonlySet<Tensor>, results: readonly Tensor[]): Tensor[] {
  const varying = dependents(kept, moving);
  const inLoop = new Set([...moving, ...topological(results)]);
  const known = new Set(kept);
  const made = new Set<Tensor>();
  const isFound = (t: Tensor): boolean => known.has(t) || !varying.has(t) || made.has(t);
  for (const t of topological(kept)) {
    const { primitive, inputs } = t.node;
    if (!inLoop.has(t) && elementwisePrimitives.includes(primitive) && inputs.every(isFound)) made.add(t);
  }
  return kept.filter((t) => made.has(t));
}

export interface ScanOptions {
  /** The number of steps; needed only when there are no sequences. */
  readonly length?: number;
  /** From the last element to the first; the results keep the order of `xs`. Default false. */
  readonly reverse?: boolean;
  /** bool [length] or [length, ...]: where it is false the carry stays as it was (trailing axes are the carry's first). */
  readonly mask?: Tensor;
  /**
   * The gradient keeps only the carries of each step and computes the rest again: less memory, one more forward pass.
   * Default false.
   */
  readonly checkpoint?: boolean;
}

/**
 * A loop inside the graph: `[carry, y] = f(carry, xs[t])` for each t, from `init`; returns the last carry and the ys,
 * stacked. One call of a jitted scan runs all steps.
 *
 * `xs` is a tree of tensors with the steps along axis 0 (or null, with `length`); ys are a tree of [length, ...]. The
 * carry keeps its structure, shapes and dtypes. All transforms go through; the gradient runs the other way.
 *
 * Throws `ShapeError` when lengths differ or the carry changes its shape or dtype, `HebbError` when it changes its
 * structure.
 */
export function scan<C, X, Y>(
  f: (carry: C, x: X) => readonly [C, Y],
  init: C,
  xs: X,
  { length: given, reverse = false, mask, checkpoint = false }: ScanOptions = {},
): [C, Y] {
  const carry = carryOf("scan", init);
  const rows = flattenTree(xs);
  const sequences = rows.leaves.filter((l): l is Tensor => l instanceof Tensor);
  const length = commonLength(sequences, rows.paths, mask, given);
  const slices = rows.leaves.map((l) =>
    l instanceof Tensor ? placeholder({ shape: l.shape.slice(1), dtype: l.dtype }) : l,
  );
  const [next, y] = f(carry.build(carry.params), unflattenTree(rows.def, slices));
  let after = carry.accept(next);
  const out = flattenTree(y);
  const results = out.leaves.filter((l): l is Tensor => l instanceof Tensor);
  const masks: Tensor[] = [];
  if (mask) {
    const now = placeholder({ shape: mask.shape.slice(1), dtype: "bool" });
    masks.push(now);
    after = after.map((a, i) => where(alignMask(now, a), a, carry.params[i]));
  }
  const carries = carry.initial.length;
  const inner = [...carry.params, ...slices.filter((s): s is Tensor => s instanceof Tensor), ...masks];
  const { consts, body } = closeOver(inner, [...after, ...results]);
  const attrs = { body, consts: consts.length, carries, length, reverse, checkpoint };
  const many =
    length === 0
      ? [...carry.initial, ...results.map((r) => zeros([0, ...r.shape], r.dtype))]
      : applyMany(scanPrimitive, [...consts, ...carry.initial, ...sequences, ...(mask ? [mask] : [])], attrs);
  let at = carries;
  return [
    carry.build(many.slice(0, carries)),
    unflattenTree(
      out.def,
      out.leaves.map((l) => (l instanceof Tensor ? many[at++] : l)),
    ),
  ];
}

/** A mask [B, ...] against a carry [B, ..., more]: axes of size one are added behind. */
function alignMask(mask: Tensor, carry: Tensor): Tensor {
  const missing = carry.rank - mask.rank;
  if (missing < 0 || mask.shape.some((n, i) => n !== 1 && n !== carry.shape[i])) {
    throw new ShapeError(
      "scan",
      `mask ${show(mask.shape)} does not fit the first axes of the carry ${show(carry.shape)}`,
    );
  }
  return reshape(mask, [...mask.shape, ...new Array(missing).fill(1)]);
}

function commonLength(
  sequences: readonly Tensor[],
  paths: readonly string[],
  mask: Tensor | undefined,
  given: number | undefined,
): number {
  if (mask && (mask.dtype !== "bool" || mask.rank < 1))
    throw new ShapeError("scan", `the mask must be bool [length, ...], got ${mask.dtype}${show(mask.shape)}`);
  const all = mask ? [...sequences, mask] : sequences;
  if (given !== undefined && !(Number.isInteger(given) && given >= 0))
    throw new HebbError(`scan: the length must be a whole number, at least 0, got ${given}.`);
  let length = given;
  all.forEach((t, i) => {
    const name = i < sequences.length ? (paths[i] ? `xs at "${paths[i]}"` : "xs") : "the mask";
    if (t.rank === 0) throw new ShapeError("scan", `${name} is a scalar; sequences have the steps along axis 0`);
    if (length !== undefined && t.shape[0] !== length)
      throw new ShapeError("scan", `${name} of shape ${show(t.shape)} has ${t.shape[0]} steps, not ${length}`);
    length = t.shape[0];
  });
  if (length === undefined)
    throw new HebbError("scan: there are no sequences, so the number of steps is unknown; give { length }.");
  return length;
}
