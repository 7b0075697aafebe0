import { grad, vjp } from "./autodiff.js";
import { placeholder, topological } from "./core.js";
import { isFloat } from "./dtype.js";
import { HebbError, ShapeError } from "./errors.js";
import { ones, zeros } from "./primitives/structure.js";
import { sameShape, show } from "./shape.js";
import { Tensor } from "./tensor.js";
import { flattenTree, type TreeLike, treeKey, treeLeaves, treeMap, unflattenTree } from "./tree.js";

/**
 * The value of `f` at `primals` and its derivative there as a function of directions: `[output, push]`, where
 * `push(...tangents)` is J v, a tree like the output. `push` is linear, and may be called, compiled and mapped many times.
 *
 * `push` throws `HebbError` when the tangents' structure differs from the primals', and `ShapeError` when a shape or
 * dtype does.
 */
export function linearize<A extends any[], R>(
  f: (...args: A) => R,
  ...primals: A
): [R, (...tangents: A) => TreeLike<R, Tensor>] {
  return derivative("linearize", f, primals);
}

/**
 * The value of `f` at `primals` and its derivative in the direction `tangents`: `[output, J v]`, both like the output.
 * Throws as `linearize` does.
 */
export function jvp<A extends any[], R>(f: (...args: A) => R, primals: A, tangents: A): [R, R] {
  const [output, push] = derivative("jvp", f, primals);
  return [output, push(...tangents) as R];
}

/** The Hessian of a scalar function at `x` times `v`, both trees like `x`, without forming the Hessian. */
export const hvp = <T>(f: (x: T) => Tensor, x: T, v: T): T =>
  jvp((y: T) => grad(f as any)(y) as T, [x] as [T], [v] as [T])[1];

function derivative<A extends any[], R>(
  operation: string,
  f: (...args: A) => R,
  primals: A,
): [R, (...tangents: A) => TreeLike<R, Tensor>] {
  const [output, pull] = vjp(f, ...primals);
  const push = pushForward(output, pull as (cotangent: unknown) => unknown);
  const at = flattenTree(primals);
  const key = treeKey(at.def);
  return [
    output,
    (...tangents) => {
      const moved = flattenTree(tangents);
      if (treeKey(moved.def) !== key)
        throw new HebbError(`${operation}: the tangents' structure differs from the primals'.`);
      (moved.leaves as Tensor[]).forEach((v, i) => {
        const { shape, dtype } = at.leaves[i] as Tensor;
        if (!sameShape(v.shape, shape) || v.dtype !== dtype) {
          throw new ShapeError(
            operation,
            `tangent ${v.dtype}${show(v.shape)} for an argument ${dtype}${show(shape)} at "${at.paths[i]}"`,
          );
        }
      });
      return push(tangents) as TreeLike<R, Tensor>;
    },
  ];
}

/**
 * v -> J v from u -> J' u. The latter is linear in u, so its own pull-back is J v, and compilation drops what only u
 * needs. Results that are not floats do not move.
 */
export function pushForward(output: unknown, pull: (cotangent: unknown) => unknown): (tangents: unknown) => unknown {
  const { leaves, def } = flattenTree(output);
  const still = leaves.map((l) => (l instanceof Tensor ? zeros(l.shape, l.dtype) : l));
  const moving = leaves.flatMap((l, i) => (l instanceof Tensor && isFloat(l.dtype) ? [i] : []));
  const place = (values: readonly Tensor[]) => {
    const all = [...still];
    moving.forEach((i, k) => {
      all[i] = values[k];
    });
    return unflattenTree(def, all);
  };
  const weights = moving.map((i) => ones((leaves[i] as Tensor).shape, (leaves[i] as Tensor).dtype));
  const [, push] = vjp((...u: Tensor[]) => pull(place(u)), ...weights);
  return (tangents) => place(push(tangents as any));
}

/**
 * The transpose of a linear function: for f(x) = A x, `linearTranspose(f, x)(u)` is [A' u], a list with one tree for each
 * argument. The arguments serve as examples of shapes and dtypes; their values are not used.
 *
 * The result throws `HebbError` when the derivative of `f` depends on its arguments, so that `f` is not linear.
 */
export function linearTranspose<A extends any[], R>(
  f: (...args: A) => R,
  ...like: A
): (cotangent: TreeLike<R, Tensor>) => A {
  const points = treeMap((l) => (l instanceof Tensor ? placeholder(l) : l), like) as A;
  const known = new Set(treeLeaves(points));
  const [, pull] = vjp(f, ...points);
  return (cotangent) => {
    const out = pull(cotangent);
    if (topological(treeLeaves(out)).some((t) => known.has(t)))
      throw new HebbError("linearTranspose: the function is not linear: its derivative depends on its arguments.");
    return out;
  };
}
