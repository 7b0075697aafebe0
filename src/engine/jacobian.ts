import { grad, vjp } from "./autodiff.js";
import { isFloat } from "./dtype.js";
import { HebbError } from "./errors.js";
import { pushForward } from "./linearize.js";
import { equal } from "./primitives/elementwise.js";
import { arange, cast, expandDims, reshape, zeros } from "./primitives/structure.js";
import { Tensor } from "./tensor.js";
import { flattenTree, type TreeDef, type TreeLike, treeLeaves, unflattenTree } from "./tree.js";
import { vmap } from "./vmap.js";

type AnyFunction = (...args: any[]) => any;
type First<A extends any[]> = A extends [infer H, ...any[]] ? H : never;

export interface JacobianOptions {
  /**
   * "reverse" costs one pull-back for each number that the function returns, "forward" one push-forward for each number
   * that it takes. Default: whichever there are fewer of, reverse when equal.
   */
  readonly mode?: "reverse" | "forward";
  /** Which arguments to differentiate with respect to. Default: the first. */
  readonly argnums?: number | readonly number[];
}

/**
 * All first derivatives of a function of trees, as a function of the same arguments: a tree like the output with, at
 * each tensor y, a tree like args[argnums] (a list of trees when `argnums` is a list) of d y / d x, each of shape
 * [...y.shape, ...x.shape].
 *
 * Throws `HebbError` when something that the function returns is not a float tensor.
 */
export function jacobian<A extends any[], R>(
  f: (...args: A) => R,
  options: JacobianOptions & { argnums: number | readonly number[] },
): (...args: A) => any;
export function jacobian<A extends any[], R>(
  f: (...args: A) => R,
  options?: JacobianOptions,
): (...args: A) => TreeLike<R, First<A>>;
export function jacobian(f: AnyFunction, { mode, argnums = 0 }: JacobianOptions = {}): AnyFunction {
  const list = typeof argnums === "number" ? [argnums] : argnums;
  return (...args) => {
    const chosen = list.map((n) => {
      if (n >= args.length)
        throw new HebbError(`jacobian: argument ${n} was asked for, but the function got ${args.length}.`);
      return args[n];
    });
    const [output, pull] = vjp(
      (...moving: unknown[]) => {
        const all = [...args];
        list.forEach((n, i) => {
          all[n] = moving[i];
        });
        return f(...all);
      },
      ...chosen,
    );
    const { leaves, def, paths } = flattenTree(output);
    leaves.forEach((y, i) => {
      if (y instanceof Tensor && isFloat(y.dtype)) return;
      const what = y instanceof Tensor ? `a tensor of dtype ${y.dtype}` : y === null ? "null" : `a ${typeof y}`;
      throw new HebbError(
        `jacobian: the function must return float tensors, but ${paths[i] ? `at "${paths[i]}"` : "it"} is ${what}.`,
      );
    });
    const ys = { def, leaves: leaves as Tensor[] };
    const xs = flattenTree(chosen) as { def: TreeDef; leaves: Tensor[] };
    const forward = mode ? mode === "forward" : countOf(xs.leaves) < countOf(ys.leaves);
    const blocks = forward
      ? columns(pushForward(output, pull as AnyFunction), xs, ys)
      : rows(pull as AnyFunction, xs, ys);
    const trees = blocks.map((row) => unflattenTree(xs.def, row));
    return unflattenTree(
      def,
      trees.map((tree) => (typeof argnums === "number" ? tree[0] : tree)),
    );
  };
}

/**
 * All second derivatives of a scalar function, as a function of the same arguments: for a tensor x [...x.shape,
 * ...x.shape]; for a tree the tree of its blocks, H.a.b = d2 f / (d a d b) of shape [...a.shape, ...b.shape]. Forward over
 * reverse: it costs one Hessian-vector product for each number in args[argnums].
 *
 * Throws `ShapeError` if the function does not return one float of shape [].
 */
export function hessian<A extends any[]>(
  f: (...args: A) => Tensor,
  options: { argnums: number | readonly number[] },
): (...args: A) => any;
export function hessian<A extends any[]>(f: (...args: A) => Tensor): (...args: A) => TreeLike<First<A>, First<A>>;
export function hessian(f: AnyFunction, { argnums = 0 }: { argnums?: number | readonly number[] } = {}): AnyFunction {
  return jacobian(grad(f, { argnums: argnums as number }), { argnums, mode: "forward" });
}

interface Leaves {
  readonly def: TreeDef;
  readonly leaves: readonly Tensor[];
}

/** The block d y / d x for each y (first index) and x: pull-backs of each y's unit vectors. */
const rows = (pull: AnyFunction, xs: Leaves, ys: Leaves): Tensor[][] =>
  ys.leaves.map((y, i) => {
    const pulled = vmap((unit: Tensor) => pull(alone(ys, i, unit)))(unitVectors(y));
    return treeLeaves(pulled).map((t, k) => reshape(t, [...y.shape, ...xs.leaves[k].shape]));
  });

/** The same from push-forwards of each x's unit vectors. */
function columns(push: AnyFunction, xs: Leaves, ys: Leaves): Tensor[][] {
  const byInput = xs.leaves.map((x, i) => {
    const pushed = vmap((unit: Tensor) => push(alone(xs, i, unit)), { outAxes: -1 })(unitVectors(x));
    return treeLeaves(pushed).map((t, k) => reshape(t, [...ys.leaves[k].shape, ...x.shape]));
  });
  return ys.leaves.map((_, k) => byInput.map((column) => column[k]));
}

/** A tree with `value` as leaf `at`, and zeros elsewhere. */
const alone = ({ def, leaves }: Leaves, at: number, value: Tensor): unknown =>
  unflattenTree(
    def,
    leaves.map((t, i) => (i === at ? value : zeros(t.shape, t.dtype))),
  );

/** The unit vectors of a tensor's space: [size, ...shape]. */
function unitVectors({ size, shape, dtype }: Tensor): Tensor {
  const index = arange(size);
  return reshape(cast(equal(expandDims(index, 1), index), dtype), [size, ...shape]);
}

const countOf = (tensors: readonly Tensor[]): number => tensors.reduce((n, t) => n + t.size, 0);
