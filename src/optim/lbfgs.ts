import { HebbError } from "../engine/errors.js";
import type { Tensor } from "../engine/tensor.js";
import { wolfe } from "./line-search.js";
import {
  type DescentMethod,
  dot,
  type MinimizeOptions,
  type MinimizeStep,
  type Minimum,
  minimize,
  moved,
  type Point,
} from "./minimize.js";
import type { Procedure } from "./procedure.js";

export interface LbfgsOptions extends MinimizeOptions {
  /** How many earlier steps shape a direction. Default 10. */
  readonly history?: number;
}

/**
 * Minimises a smooth function of all data by limited-memory BFGS with a strong Wolfe line search (Liu and Nocedal, 1989;
 * Nocedal and Wright, 2006, algorithm 7.5):
 *
 * `const { params, value, reason } = await lbfgs((p) => loss(p, x, y), start, { steps: 200 }).run()`
 *
 * or `for await (const { step, value } of lbfgs(...))`. `f` must be the same function at every call (no fresh noise or
 * batches). Parameters may be float32; float64 gets about twice as many digits.
 *
 * Throws `HebbError` when there are no float parameters or the value or gradient at the start is not finite; rethrows
 * the reason of `signal`.
 */
export function lbfgs<P>(
  f: (params: P) => Tensor,
  params: P,
  { history = 10, ...options }: LbfgsOptions = {},
): Procedure<MinimizeStep<P>, Minimum<P>> {
  if (!Number.isInteger(history) || history < 1)
    throw new HebbError(`lbfgs: the history must be a whole number of at least 1, got ${history}.`);
  return minimize("lbfgs", f, params, options, quasiNewton(history));
}

interface Pair {
  /** The step. */
  readonly s: Float64Array;
  /** The change of the gradient. */
  readonly y: Float64Array;
  readonly sy: number;
}

/** Directions -H g, for H the inverse Hessian that the last `history` steps make of a multiple of the identity. */
function quasiNewton(history: number): DescentMethod {
  const pairs: Pair[] = [];
  return {
    direction({ gradient }) {
      let q: Float64Array = gradient.map((g) => -g);
      const weights: number[] = [];
      for (let i = pairs.length - 1; i >= 0; i--) {
        const { s, y, sy } = pairs[i];
        weights[i] = dot(s, q) / sy;
        q = moved(q, -weights[i], y);
      }
      const last = pairs.at(-1);
      if (last) {
        const scale = last.sy / dot(last.y, last.y);
        q = q.map((v) => v * scale);
      }
      pairs.forEach(({ s, y, sy }, i) => {
        q = moved(q, weights[i] - dot(y, q) / sy, s);
      });
      return q;
    },
    // Without curvature, a step of length at most 1.
    firstRate: ({ gradient }) => (pairs.length > 0 ? 1 : Math.min(1, 1 / Math.sqrt(dot(gradient, gradient)))),
    search: wolfe,
    moved(before: Point, after: Point) {
      const s = moved(after.x, -1, before.x);
      const y = moved(after.gradient, -1, before.gradient);
      const sy = dot(s, y);
      // A pair without positive curvature would end descent.
      if (sy > 1e-12 * Math.sqrt(dot(s, s) * dot(y, y))) pairs.push({ s, y, sy });
      if (pairs.length > history) pairs.shift();
    },
    forget: () => pairs.splice(0).length > 0,
  };
}
