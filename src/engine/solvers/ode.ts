import { mean } from "../composites/statistics.js";
import { cond } from "../control/cond.js";
import { scan } from "../control/scan.js";
import { HebbError, ShapeError } from "../errors.js";
import {
  abs,
  add,
  div,
  equal,
  less,
  maximum,
  minimum,
  mul,
  notEqual,
  pow,
  sign,
  sqrt,
  sub,
  where,
} from "../primitives/elementwise.js";
import { arange, concat, expandDims, reshape, sliceAxis, stopGradient, zeros } from "../primitives/structure.js";
import { show } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { treeMap } from "../tree.js";
import { ravel } from "./ravel.js";

export interface OdeOptions {
  /** "rk4": classical Runge–Kutta with fixed steps; "dopri5": Dormand–Prince 5(4) with adaptive steps. Default "dopri5". */
  readonly method?: "rk4" | "dopri5";
  /** For "rk4": steps between two times. Default 1. */
  readonly steps?: number;
  /** For "dopri5": error allowed in a step, relativeTolerance |y| + absoluteTolerance. Default 1e-6, in float32 1e-4. */
  readonly relativeTolerance?: number;
  /** Default 1e-8, in float32 1e-6. */
  readonly absoluteTolerance?: number;
  /** For "dopri5": attempts between two times; when they do not suffice, the result from there on is NaN. Default 256. */
  readonly maxSteps?: number;
}

type Field = (t: Tensor, y: Tensor) => Tensor;

/**
 * Solves dy/dt = f(t, y), y(times[0]) = start, inside the graph; returns a tree like `start` with a leading axis of
 * times. `times` is a vector, rising or falling. Gradients of any order flow through the solver's own steps to `start`,
 * to `times` and to what `f` closes over (step sizes are taken as given).
 *
 * Sources: Kutta (1901); Dormand and Prince (1980). Throws `ShapeError` when `times` is not a vector of two or more.
 */
export function odeSolve<T>(f: (t: Tensor, y: T) => T, start: T, times: Tensor, options: OdeOptions = {}): T {
  const { method = "dopri5", steps = 1 } = options;
  if (times.rank !== 1 || times.shape[0] < 2)
    throw new ShapeError("odeSolve", `times must be a vector of at least two, got ${show(times.shape)}`);
  if (!Number.isInteger(steps) || steps < 1) throw new HebbError(`odeSolve: steps must be at least 1, got ${steps}.`);
  if (method !== "rk4" && method !== "dopri5")
    throw new HebbError(`odeSolve: there is no method "${method}"; choose "rk4" or "dopri5".`);
  const { vector, unravel } = ravel(start);
  const field: Field = (t, y) => ravel(f(t, unravel(y))).vector;
  const count = times.shape[0];
  const spans = { from: sliceAxis(times, 0, 0, count - 1), to: sliceAxis(times, 0, 1, count) };
  const advance = method === "rk4" ? fixedSteps(field, steps) : adaptiveSteps(field, vector, options);
  const rows = advance(vector, spans);
  const all = concat([expandDims(vector, 0), rows]);
  // Each row back into the tree.
  let at = 0;
  return treeMap((leaf: Tensor) => {
    const from = at;
    at += leaf.size;
    return reshape(sliceAxis(all, 1, from, at), [count, ...leaf.shape]);
  }, start) as T;
}

interface Spans {
  readonly from: Tensor;
  readonly to: Tensor;
}
type Advance = (y: Tensor, spans: Spans) => Tensor;

const fixedSteps =
  (f: Field, steps: number): Advance =>
  (start, spans) =>
    scan(
      (y: Tensor, { from, to }: Spans) => {
        const h = div(sub(to, from), steps);
        const [end] = scan(
          (z: Tensor, i: Tensor) => [rk4(f, add(from, mul(h, i)), z, h), null] as const,
          y,
          arange(steps, y.dtype),
        );
        return [end, end] as const;
      },
      start,
      spans,
    )[1];

/** One classical Runge–Kutta step. */
function rk4(f: Field, t: Tensor, y: Tensor, h: Tensor): Tensor {
  const half = mul(h, 0.5);
  const k1 = f(t, y);
  const k2 = f(add(t, half), add(y, mul(k1, half)));
  const k3 = f(add(t, half), add(y, mul(k2, half)));
  const k4 = f(add(t, h), add(y, mul(k3, h)));
  return add(y, mul(add(add(k1, k4), mul(add(k2, k3), 2)), div(h, 6)));
}

// Dormand and Prince's tableau: stages, the fifth-order weights, and their difference from the fourth-order ones.
const stages = [
  [1 / 5],
  [3 / 40, 9 / 40],
  [44 / 45, -56 / 15, 32 / 9],
  [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
  [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
  [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
];
const nodes = [1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1];
const errorWeights = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40];

const combine = (weights: readonly number[], slopes: readonly Tensor[]): Tensor =>
  weights
    .map((w, i) => [w, slopes[i]] as const)
    .filter(([w]) => w !== 0)
    .map(([w, k]) => mul(k, w))
    .reduce((a, b) => add(a, b));

/** The end of one step, the estimate of its error, and the slope there. */
function dormandPrince(f: Field, t: Tensor, y: Tensor, slope: Tensor, h: Tensor): [Tensor, Tensor, Tensor] {
  const slopes = [slope];
  let point = y;
  stages.forEach((weights, i) => {
    point = add(y, mul(combine(weights, slopes), h));
    slopes.push(f(add(t, mul(h, nodes[i])), point));
  });
  return [point, mul(combine(errorWeights, slopes), h), slopes[6]];
}

function adaptiveSteps(f: Field, like: Tensor, options: OdeOptions): Advance {
  const single = like.dtype !== "float64";
  const {
    relativeTolerance = single ? 1e-4 : 1e-6,
    absoluteTolerance = single ? 1e-6 : 1e-8,
    maxSteps = 256,
  } = options;
  /** The error relative to what is allowed: at most 1 in an accepted step. */
  const size = (error: Tensor, before: Tensor, after: Tensor): Tensor => {
    const allowed = add(mul(maximum(abs(before), abs(after)), relativeTolerance), absoluteTolerance);
    return sqrt(mean(pow(div(error, allowed), 2)));
  };
  type State = { y: Tensor; slope: Tensor; t: Tensor; h: Tensor };
  return (start, spans) => {
    const t = reshape(sliceAxis(spans.from, 0, 0, 1), []);
    const first: State = { y: start, slope: f(t, start), t, h: zeros([], t.dtype) };
    return scan(
      (state: State, { from, to: end }: Spans) => {
        const step = (s: State): State => {
          const rest = sub(end, s.t);
          const last = less(abs(rest), mul(abs(s.h), 1 + 1e-6));
          const h = where(last, rest, s.h);
          const [y, error, slope] = dormandPrince(f, s.t, s.y, s.slope, h);
          const e = stopGradient(size(error, s.y, y));
          const accepted = less(e, 1);
          const factor = minimum(maximum(mul(pow(maximum(e, 1e-10), -0.2), 0.9), 0.2), 5);
          return {
            y: where(accepted, y, s.y),
            slope: where(accepted, slope, s.slope),
            t: where(accepted, where(last, end, add(s.t, h)), s.t),
            // A step cut short by the end says nothing against the longer one.
            h: stopGradient(where(last, where(accepted, s.h, mul(h, factor)), mul(h, factor))),
          };
        };
        // The first try, also after a span of no length.
        const span = stopGradient(sub(end, from));
        const length = where(equal(state.h, 0), mul(abs(span), 0.05), abs(state.h));
        const [reached] = scan(
          (s: State) =>
            [
              cond(
                notEqual(s.t, end),
                (now: State) => step(now),
                (now: State) => now,
                s,
              ),
              null,
            ] as const,
          { ...state, t: from, h: mul(length, sign(span)) },
          null,
          { length: maxSteps },
        );
        const y = where(equal(reached.t, end), reached.y, Number.NaN);
        return [{ ...reached, y }, y] as const;
      },
      first,
      spans,
    )[1];
  };
}
