import { backward, customGradient } from "../autodiff.js";
import { closeOver, substitute } from "../control/body.js";
import { whileLoop } from "../control/while.js";
import { placeholder } from "../core.js";
import { isFloat } from "../dtype.js";
import { HebbError, ShapeError } from "../errors.js";
import { abs, add, and, greater, less, sub } from "../primitives/elementwise.js";
import { max } from "../primitives/reduce.js";
import { alias, full, stopGradient, zeros } from "../primitives/structure.js";
import { sameShape, show } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { ravel } from "./ravel.js";

export interface FixedPointOptions {
  /** Stops when no element moves by more. Default 1e-6, in float64 1e-12. */
  readonly tolerance?: number;
  /** Stops after so many applications, converged or not. Default 1,000. */
  readonly maxSteps?: number;
}

/**
 * x with x = f(x), by iteration from `start`, inside the graph; `f` must be a contraction near x. The gradient is that of
 * the solution itself, by the implicit function theorem, (I - df/dx)' u = g solved by the same kind of iteration: it
 * costs no memory for the steps, reaches everything that `f` closes over, and does not depend on `start`. Any order.
 *
 * x is a tree of tensors of one float dtype. Throws `ShapeError` when f(x) is unlike x or x holds no floats.
 */
export function fixedPoint<T>(f: (x: T) => T, start: T, options: FixedPointOptions = {}): T {
  const { vector, unravel } = ravel(start);
  if (!isFloat(vector.dtype)) throw new ShapeError("fixedPoint", `x must hold floats, got ${vector.dtype}`);
  const step = (x: Tensor): Tensor => {
    const out = ravel(f(unravel(x))).vector;
    if (!sameShape(out.shape, x.shape) || out.dtype !== x.dtype) {
      throw new ShapeError(
        "fixedPoint",
        `the function turns ${x.dtype}${show(x.shape)} (flattened) into ${out.dtype}${show(out.shape)}`,
      );
    }
    return out;
  };
  return unravel(solve(step, stopGradient(vector), options));
}

function solve(f: (x: Tensor) => Tensor, start: Tensor, options: FixedPointOptions): Tensor {
  const { tolerance = start.dtype === "float64" ? 1e-12 : 1e-6, maxSteps = 1000 } = options;
  if (!(tolerance >= 0) || !(maxSteps >= 1))
    throw new HebbError(`fixedPoint: needs tolerance >= 0 and maxSteps >= 1, got ${tolerance} and ${maxSteps}.`);
  const x = placeholder(start);
  const { consts, body } = closeOver([x], [f(x)]);
  const at = (outer: readonly Tensor[], point: Tensor): Tensor =>
    substitute(body.outputs, new Map(body.params.map((p, i) => [p, i < outer.length ? outer[i] : point])))[0];

  const [found] = whileLoop(
    ([, moved, count]: [Tensor, Tensor, Tensor]) => and(greater(moved, tolerance), less(count, maxSteps)),
    ([now, , count]) => {
      const next = at(consts, now);
      return [next, max(abs(sub(next, now))), add(count, 1)] as [Tensor, Tensor, Tensor];
    },
    [start, full([], Number.POSITIVE_INFINITY, start.dtype), zeros([], "int32")] as [Tensor, Tensor, Tensor],
  );
  const implicit = customGradient(
    (value: Tensor, ..._others: Tensor[]) => value,
    // All at the solution, which itself depends on what f closes over: so the rule has the right derivative too.
    (g, [, ...outer], solution) => {
      const pull = (u: Tensor): Tensor => {
        const handle = alias(solution);
        const [back] = backward([at(outer, handle)], [u], [handle]);
        return back ?? zeros(u.shape, u.dtype);
      };
      const u = solve((v) => add(g, pull(v)), stopGradient(g), options);
      const handles = outer.map(alias);
      return [undefined, ...backward([at(handles, solution)], [u], handles)];
    },
  );
  return implicit(stopGradient(found), ...consts);
}
