import { backward } from "../autodiff.js";
import { emitInner } from "../compile.js";
import { type Attrs, applyMany, bundleSpec, type Primitive, placeholder } from "../core.js";
import { isFloat } from "../dtype.js";
import { HebbError, ShapeError } from "../errors.js";
import { where } from "../primitives/elementwise.js";
import { broadcastTo, reshape, zeros } from "../primitives/structure.js";
import { sameShape, show } from "../shape.js";
import { serial, Tensor } from "../tensor.js";
import { flattenTree, treeKey, unflattenTree } from "../tree.js";
import { batchGraph } from "../vmap.js";
import { Body, bodyGraph, bodyKey, bodyNeedsHost, closeOver, substitute } from "./body.js";

/** Inputs: the predicate, then operands, which are the parameters of both bodies. */
interface CondAttrs extends Attrs {
  readonly onTrue: Body;
  readonly onFalse: Body;
}

const condPrimitive: Primitive<CondAttrs> = {
  name: "cond",
  infer: () => bundleSpec,
  key: (attrs) => bodyKey(attrs),
  many: {
    infer: (_inputs, { onTrue }) => onTrue.outputs,
    // The branches are computed again: only one of them was.
    grad(gs, { inputs: [predicate, ...operands], attrs, needs }) {
      const since = serial();
      const wanted = operands.flatMap((t, i) => (needs[i + 1] && isFloat(t.dtype) ? [i] : []));
      const connected = gs.flatMap((g, i) => (g ? [{ g, i }] : []));
      const pull = ({ params, outputs }: Body) =>
        backward(
          connected.map(({ i }) => outputs[i]),
          connected.map(({ g }) => g),
          wanted.map((i) => params[i]),
        );
      const [a, b] = [pull(attrs.onTrue), pull(attrs.onFalse)];
      const reached = wanted.filter((_, k) => a[k] || b[k]);
      const branch = ({ params }: Body, raw: readonly (Tensor | undefined)[]) =>
        new Body(
          params,
          reached.map((i) => raw[wanted.indexOf(i)] ?? zeros(operands[i].shape, operands[i].dtype)),
        );
      const shares = choose(predicate, branch(attrs.onTrue, a), branch(attrs.onFalse, b), operands, since);
      const out: (Tensor | undefined)[] = new Array(operands.length + 1).fill(undefined);
      reached.forEach((i, k) => {
        out[i + 1] = shares[k];
      });
      return out;
    },
    batch([predicate, ...operands], [each, ...flags], { onTrue, onFalse }, size) {
      const spread = (t: Tensor) => broadcastTo(t, [size, ...t.shape]);
      const params = onTrue.params.map((p, i) =>
        flags[i] ? placeholder({ shape: [size, ...p.shape], dtype: p.dtype }) : placeholder(p),
      );
      const mapped = (body: Body) => {
        const own = substitute(
          body.outputs,
          new Map(body.params.flatMap((p, i) => (flags[i] ? [] : [[p, params[i]] as const]))),
        );
        const many = batchGraph(
          own,
          new Map(body.params.flatMap((p, i) => (flags[i] ? [[p, params[i]] as const] : []))),
          size,
        );
        return own.map((o) => many.get(o) ?? spread(o));
      };
      const [a, b] = [mapped(onTrue), mapped(onFalse)];
      if (!each) {
        return applyMany(condPrimitive, [predicate, ...operands], {
          onTrue: new Body(params, a),
          onFalse: new Body(params, b),
        });
      }
      // Examples differ in the branch they take: both are computed.
      const place = new Map(params.map((p, i) => [p, operands[i]]));
      const [x, y] = [substitute(a, place), substitute(b, place)];
      return x.map((t, i) => where(reshape(predicate, [size, ...new Array(t.rank - 1).fill(1)]), t, y[i]));
    },
    emit(e, [predicate, ...names], { attrs: { onTrue, onFalse } }) {
      const branch = (body: Body) =>
        emitInner(
          e,
          bodyGraph(body),
          body.params.map((param, i) => ({ param, name: names[i] })),
        );
      return e.nodes("If", [predicate], onTrue.outputs.length, {
        then_branch: branch(onTrue),
        else_branch: branch(onFalse),
      });
    },
    needsHost: ({ onTrue, onFalse }) => bodyNeedsHost(onTrue) || bodyNeedsHost(onFalse),
    host: ([predicate, ...operands], { onTrue, onFalse }, tools) =>
      tools.evaluate(predicate.data[0] ? onTrue : onFalse, operands),
  },
};

export const condPrimitives: readonly Primitive[] = [condPrimitive];

/**
 * A cond between branches that may use tensors from outside. What was built since serial number `since` belongs to its
 * branch, so that only one branch computes it.
 */
function choose(predicate: Tensor, then: Body, otherwise: Body, operands: readonly Tensor[], since: number): Tensor[] {
  const a = closeOver(then.params, then.outputs, since);
  const b = closeOver(otherwise.params, otherwise.outputs, since);
  const own = (body: Body, consts: readonly Tensor[]) => body.params.slice(0, consts.length);
  return applyMany(condPrimitive, [predicate, ...a.consts, ...b.consts, ...operands], {
    onTrue: new Body([...own(a.body, a.consts), ...b.consts.map(placeholder), ...then.params], a.body.outputs),
    onFalse: new Body([...a.consts.map(placeholder), ...own(b.body, b.consts), ...otherwise.params], b.body.outputs),
  });
}

/**
 * `then(...operands)` where the predicate (a bool of shape []) holds, else `otherwise(...operands)`; only one of the two
 * is computed. Both give trees of the same structure, shapes and dtypes. Under `vmap` over the predicate both are
 * computed and chosen from.
 *
 * Throws `ShapeError` when the predicate is not one bool or the results differ in shape or dtype, `HebbError` when they
 * differ in structure.
 */
export function cond<A extends any[], R>(
  predicate: Tensor,
  then: (...operands: A) => R,
  otherwise: (...operands: A) => R,
  ...operands: A
): R {
  if (predicate.dtype !== "bool" || predicate.rank !== 0) {
    throw new ShapeError(
      "cond",
      `the predicate must be a bool of shape [], but it is ${predicate.dtype}${show(predicate.shape)}`,
    );
  }
  const { leaves, def } = flattenTree(operands);
  const handles = leaves.filter((l): l is Tensor => l instanceof Tensor);
  const since = serial();
  const trace = (f: (...operands: A) => R) => {
    const params = handles.map(placeholder);
    let at = 0;
    const args = unflattenTree(
      def,
      leaves.map((l) => (l instanceof Tensor ? params[at++] : l)),
    );
    return { params, ...flattenTree(f(...args)) };
  };
  const [a, b] = [trace(then), trace(otherwise)];
  if (treeKey(a.def) !== treeKey(b.def)) throw new HebbError("cond: the two branches return different structures.");
  a.leaves.forEach((x, i) => {
    const y = b.leaves[i];
    if (!(x instanceof Tensor) || !(y instanceof Tensor))
      throw new HebbError(`cond: the branches must return tensors${a.paths[i] ? ` at "${a.paths[i]}"` : ""}.`);
    if (!sameShape(x.shape, y.shape) || x.dtype !== y.dtype) {
      throw new ShapeError(
        "cond",
        `the branches return ${x.dtype}${show(x.shape)} and ${y.dtype}${show(y.shape)}${a.paths[i] ? ` at "${a.paths[i]}"` : ""}`,
      );
    }
  });
  const body = ({ params, leaves }: typeof a) => new Body(params, leaves as Tensor[]);
  return unflattenTree(a.def, choose(predicate, body(a), body(b), handles, since));
}
