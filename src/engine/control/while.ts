import { emitInner } from "../compile.js";
import { any } from "../composites/reductions.js";
import { type Attrs, applyMany, bundleSpec, type Primitive, placeholder } from "../core.js";
import { HebbError, ShapeError } from "../errors.js";
import { scalar } from "../literals.js";
import { add, less, where } from "../primitives/elementwise.js";
import { arange, broadcastTo, cast, reshape } from "../primitives/structure.js";
import { show } from "../shape.js";
import { Tensor } from "../tensor.js";
import { batchGraph } from "../vmap.js";
import { Body, bodyGraph, bodyKey, bodyNeedsHost, closeOver } from "./body.js";
import { carryOf } from "./carry.js";
import { scan } from "./scan.js";

/**
 * Inputs: constants, whether to begin, initial carries. The body takes constants and carries, and gives whether to go on
 * and the next carries. Results: the last carries.
 */
interface WhileAttrs extends Attrs {
  readonly body: Body;
  readonly consts: number;
}

const whilePrimitive: Primitive<WhileAttrs> = {
  name: "whileLoop",
  infer: () => bundleSpec,
  key: (attrs) => bodyKey(attrs),
  many: {
    infer: (_inputs, { body }) => body.outputs.slice(1),
    grad() {
      throw new HebbError(
        "grad met a whileLoop, whose number of steps is not known when the gradient is built; use scan (with a mask), fori with fixed bounds, or fixedPoint.",
      );
    },
    batch(inputs, batched, { body, consts }, size) {
      const flags = [...batched.slice(0, consts), ...batched.slice(consts + 1)];
      let each = batched[consts];
      let params: Tensor[];
      let many: Map<Tensor, Tensor>;
      for (;;) {
        // Once examples end at different times, every carry is an example's own.
        if (each) flags.fill(true, consts);
        params = body.params.map((p, i) => (flags[i] ? placeholder({ shape: [size, ...p.shape], dtype: p.dtype }) : p));
        many = batchGraph(
          body.outputs,
          new Map(body.params.flatMap((p, i) => (flags[i] ? [[p, params[i]] as const] : []))),
          size,
        );
        const grown = body.outputs.slice(1).flatMap((o, i) => (many.has(o) && !flags[consts + i] ? [consts + i] : []));
        const apart = many.has(body.outputs[0]) && !each;
        if (grown.length === 0 && !apart) break;
        for (const i of grown) flags[i] = true;
        each ||= apart;
      }
      const spread = (t: Tensor) => broadcastTo(t, [size, ...t.shape]);
      const start = inputs.slice(consts + 1).map((t, i) => {
        const at = consts + i;
        return flags[at] && !batched[at + 1] ? spread(t) : t;
      });
      const next = body.outputs.slice(1).map((o, i) => many.get(o) ?? (flags[consts + i] ? spread(o) : o));
      const outer = inputs.slice(0, consts);
      if (!each) {
        const results = applyMany(whilePrimitive, [...outer, inputs[consts], ...start], {
          body: new Body(params, [body.outputs[0], ...next]),
          consts,
        });
        return results.map((r, i) => (flags[consts + i] ? r : spread(r)));
      }
      // One loop until the last example has ended; those that have ended keep their carries.
      const going = placeholder({ shape: [size], dtype: "bool" });
      const own = (mask: Tensor, like: Tensor) => reshape(mask, [size, ...new Array(like.rank - 1).fill(1)]);
      const held = next.map((n, i) => where(own(going, n), n, params[consts + i]));
      const more = where(going, many.get(body.outputs[0]) ?? spread(body.outputs[0]), cast(scalar(0, "int32"), "bool"));
      const begin = batched[consts] ? inputs[consts] : spread(inputs[consts]);
      const [, ...results] = applyMany(whilePrimitive, [...outer, any(begin), begin, ...start], {
        body: new Body([...params.slice(0, consts), going, ...params.slice(consts)], [any(more), more, ...held]),
        consts,
      });
      return results;
    },
    emit(e, names, { attrs: { body, consts } }) {
      const step = { param: placeholder({ shape: [], dtype: "int64" }), name: undefined };
      const going = { param: placeholder({ shape: [], dtype: "bool" }), name: undefined };
      const params = body.params.map((param, i) => ({ param, name: i < consts ? names[i] : undefined }));
      const graph = emitInner(e, bodyGraph(body), [...params.slice(0, consts), step, going, ...params.slice(consts)]);
      return e.nodes("Loop", ["", ...names.slice(consts)], body.outputs.length - 1, { body: graph });
    },
    needsHost: ({ body }) => bodyNeedsHost(body),
    async host(inputs, { body, consts }, tools) {
      const outer = inputs.slice(0, consts);
      let [going, ...state] = inputs.slice(consts);
      while (going.data[0]) [going, ...state] = await tools.evaluate(body, [...outer, ...state]);
      return state;
    },
  },
};

export const whilePrimitives: readonly Primitive[] = [whilePrimitive];

/**
 * Repeats `carry = body(carry)` while `condition(carry)` holds, inside the graph; returns the last carry. The carry is a
 * tree of tensors that keeps its structure, shapes and dtypes; the condition gives a bool of shape []. Under `vmap` each
 * example stops for itself. It has no gradient: use `scan`, `fori` with fixed bounds, or `fixedPoint`.
 *
 * Throws `ShapeError` when the carry changes or the condition is not one bool.
 */
export function whileLoop<C>(condition: (carry: C) => Tensor, body: (carry: C) => C, init: C): C {
  const carry = carryOf("whileLoop", init);
  const holds = (tensors: readonly Tensor[]): Tensor => {
    const out = condition(carry.build(tensors));
    if (!(out instanceof Tensor) || out.dtype !== "bool" || out.rank !== 0) {
      const got = out instanceof Tensor ? `${out.dtype}${show(out.shape)}` : typeof out;
      throw new ShapeError("whileLoop", `the condition must be a bool of shape [], but it is ${got}`);
    }
    return out;
  };
  const after = carry.accept(body(carry.build(carry.params)));
  const closed = closeOver(carry.params, [holds(after), ...after]);
  const results = applyMany(whilePrimitive, [...closed.consts, holds(carry.initial), ...carry.initial], {
    body: closed.body,
    consts: closed.consts.length,
  });
  return carry.build(results);
}

/**
 * `for (i = lower; i < upper; i++) carry = body(i, carry)` inside the graph, with i an int32 scalar. With numbers as
 * bounds it is a `scan` and has a gradient; with a tensor (int32 []) as a bound it is a `whileLoop`.
 */
export function fori<C>(lower: number | Tensor, upper: number | Tensor, body: (i: Tensor, carry: C) => C, init: C): C {
  if (typeof lower === "number" && typeof upper === "number") {
    if (!Number.isInteger(lower) || !Number.isInteger(upper))
      throw new HebbError(`fori: the bounds must be whole numbers, got ${lower} and ${upper}.`);
    return scan(
      (carry: C, i: Tensor) => [body(i, carry), null] as const,
      init,
      add(arange(Math.max(upper - lower, 0)), lower),
    )[0];
  }
  const bound = (b: number | Tensor): Tensor => (typeof b === "number" ? cast(scalar(b, "int32"), "int32") : b);
  const end = bound(upper);
  const [, carry] = whileLoop(
    ([i]) => less(i, end),
    ([i, c]: [Tensor, C]) => [add(i, 1), body(i, c)] as [Tensor, C],
    [bound(lower), init] as [Tensor, C],
  );
  return carry;
}
