import { HebbError } from "../engine/errors.js";
import { jit } from "../engine/jit.js";
import {
  add,
  cos,
  div,
  floor,
  less,
  log,
  maximum,
  minimum,
  mul,
  pow,
  round,
  sqrt,
  sub,
  where,
} from "../engine/primitives/elementwise.js";
import { full } from "../engine/primitives/structure.js";
import type { Tensor } from "../engine/tensor.js";

/**
 * A number that depends on the step, in tensor operations: `step` is a float scalar (of the parameters' dtype) that
 * counts the steps taken before this one, so it starts at 0.
 */
export type Schedule = (step: Tensor) => Tensor;

/** A learning rate: a number, a scalar tensor (which may be an argument of a compiled function) or a schedule. */
export type Rate = number | Tensor | Schedule;

/** The value of a schedule at a step, as a number: for plots and tests. */
export async function scheduleAt(schedule: number | Schedule, step: number): Promise<number> {
  if (typeof schedule === "number") return schedule;
  let compiled = compiledSchedules.get(schedule);
  if (!compiled) compiledSchedules.set(schedule, (compiled = jit(schedule, { name: "schedule" })));
  return (await compiled(step)).item();
}
const compiledSchedules = new WeakMap<Schedule, (step: number) => Promise<Tensor>>();

/** Always `value`. */
export const constant =
  (value: number): Schedule =>
  (step) =>
    full([], value, step.dtype);

/** How far through `steps` the step is, from 0 to 1. */
const progress = (step: Tensor, steps: number): Tensor => minimum(div(step, steps), 1);

/** From `from` to `to` in a straight line over `steps` steps, then `to`. */
export function linear({ from, to, steps }: { from: number; to: number; steps: number }): Schedule {
  checkSteps("linear", { steps });
  return (step) => mul(progress(step, steps), to - from).add(from);
}

/** to + (from - to) (1 - t / steps)^power, then `to`: a line for power 1, the default. */
export function polynomial({
  from,
  to = 0,
  steps,
  power = 1,
}: {
  from: number;
  to?: number;
  steps: number;
  power?: number;
}): Schedule {
  checkSteps("polynomial", { steps });
  return (step) => mul(pow(sub(1, progress(step, steps)), power), from - to).add(to);
}

/**
 * Half a cosine from `from` to `to` over `steps` steps, then `to`:
 * to + (from - to) (1 + cos(pi t / steps)) / 2 (Loshchilov and Hutter, 2017, without restarts).
 */
export function cosine({ from, to = 0, steps }: { from: number; to?: number; steps: number }): Schedule {
  checkSteps("cosine", { steps });
  return (step) => mul(cos(mul(progress(step, steps), Math.PI)).add(1), (from - to) / 2).add(to);
}

/**
 * Half cosines from `from` to `to`, the first over `steps` steps, each later one `factor` times as long as the one
 * before, 1 by default (Loshchilov and Hutter, 2017).
 */
export function cosineRestarts({
  from,
  to = 0,
  steps,
  factor = 1,
}: {
  from: number;
  to?: number;
  steps: number;
  factor?: number;
}): Schedule {
  checkSteps("cosineRestarts", { steps });
  if (!(factor >= 1)) throw new HebbError(`cosineRestarts: the factor must be at least 1, got ${factor}.`);
  const cycle = (step: Tensor): { start: Tensor; length: Tensor } => {
    if (factor === 1) {
      const start = mul(floor(div(step, steps)), steps);
      return { start, length: full([], steps, step.dtype) };
    }
    const lengthOf = (n: Tensor) => mul(pow(full([], factor, step.dtype), n), steps);
    const startOf = (n: Tensor) => mul(sub(lengthOf(n), steps), 1 / (factor - 1));
    // Rounding tells this cycle from the next even where the logarithm is a little off.
    const near = round(mul(log(add(mul(step, (factor - 1) / steps), 1)), 1 / Math.log(factor)));
    const n = where(less(step, startOf(near)), sub(near, 1), near);
    return { start: startOf(n), length: lengthOf(n) };
  };
  return (step) => {
    const { start, length } = cycle(step);
    return mul(cos(mul(div(sub(step, start), length), Math.PI)).add(1), (from - to) / 2).add(to);
  };
}

/**
 * One cycle (Smith and Topin, 2018): half a cosine from peak / `divide` up to `peak` over `warmup` steps, and half a
 * cosine down to peak / (`divide` `divideEnd`) at `steps`. PyTorch's `OneCycleLR` with `total_steps` n and `pct_start` s
 * is `warmup` s n - 1 and `steps` n - 1.
 */
export function oneCycle(options: {
  peak: number;
  warmup: number;
  /** All steps, those of the warm-up included. */
  steps: number;
  divide?: number;
  divideEnd?: number;
}): Schedule {
  const { peak, steps, divide = 25, divideEnd = 1e4 } = options;
  if (!(options.warmup < steps)) {
    throw new HebbError(`oneCycle: ${options.warmup} warm-up steps leave nothing of ${steps} steps.`);
  }
  const rise = cosine({ from: peak / divide, to: peak, steps: options.warmup });
  const fall = cosine({ from: peak, to: peak / divide / divideEnd, steps: steps - options.warmup });
  return join([rise, fall], [options.warmup]);
}

/**
 * A line from 0 to `peak` over `warmup` steps, then peak sqrt(warmup / t), for t from 1 (Vaswani et al., 2017, where
 * `peak` is 1 / sqrt(width warmup)).
 */
export function inverseSquareRoot({ peak, warmup }: { peak: number; warmup: number }): Schedule {
  checkSteps("inverseSquareRoot", { warmup });
  return (step) => {
    const t = add(step, 1);
    return mul(minimum(mul(t, 1 / warmup), sqrt(div(warmup, t))), peak);
  };
}

/**
 * Schedules one after the other: the next starts, counting from 0, at its boundary. Throws `HebbError` when boundaries
 * do not increase or are not one fewer than the schedules.
 */
export function join(schedules: readonly Schedule[], boundaries: readonly number[]): Schedule {
  if (boundaries.length !== schedules.length - 1)
    throw new HebbError(
      `join: ${schedules.length} schedules need ${schedules.length - 1} boundaries, got ${boundaries.length}.`,
    );
  checkIncreasing("join", boundaries);
  return (step) =>
    schedules
      .map((schedule, i) => schedule(i === 0 ? step : maximum(sub(step, boundaries[i - 1]), 0)))
      .reduceRight((later, value, i) => where(less(step, boundaries[i]), value, later));
}

/**
 * `values[0]` before step `at[0]`, `values[1]` from there to `at[1]`, and so on. Throws `HebbError` when `at` does not
 * increase or is not one shorter than `values`.
 */
export function piecewise({ values, at }: { values: readonly number[]; at: readonly number[] }): Schedule {
  if (at.length !== values.length - 1)
    throw new HebbError(`piecewise: ${values.length} values need ${values.length - 1} steps, got ${at.length}.`);
  checkIncreasing("piecewise", at);
  return (step) =>
    at.reduceRight<Tensor>(
      (later, boundary, i) => where(less(step, boundary), values[i], later),
      full([], values[at.length], step.dtype),
    );
}

/**
 * Straight lines through the points [step, value], and constant outside them: `interpolate([[0, 0], [100, 1], [1000,
 * 0.1]])`. Throws `HebbError` when there are no points or steps do not increase.
 */
export function interpolate(points: readonly (readonly [step: number, value: number])[]): Schedule {
  if (points.length === 0) throw new HebbError("interpolate: there are no points.");
  checkIncreasing(
    "interpolate",
    points.map(([step]) => step),
  );
  return (step) =>
    points.slice(1).reduce(
      (value, [to, end], i) => {
        const [from, start] = points[i];
        const share = minimum(maximum(mul(sub(step, from), 1 / (to - from)), 0), 1);
        return add(value, mul(share, end - start));
      },
      full([], points[0][1], step.dtype),
    );
}

/**
 * A straight line from `from` (0 by default) over `steps` steps to the value at which `after` starts, then `after`,
 * with its steps counted from there (Goyal et al., 2017).
 */
export function warmup(after: Schedule, { steps, from = 0 }: { steps: number; from?: number }): Schedule {
  if (steps === 0) return after;
  checkSteps("warmup", { steps });
  return (step) => {
    const later = after(maximum(sub(step, steps), 0));
    const rise = div(step, steps);
    return where(less(step, steps), mul(sub(later, from), rise).add(from), later);
  };
}

/** A linear warm-up over the first `warmup` of `steps` steps to `peak`, then half a cosine down to `to`. */
export function warmupCosine(options: {
  peak: number;
  warmup: number;
  /** All steps, those of the warm-up included. */
  steps: number;
  from?: number;
  to?: number;
}): Schedule {
  const { peak, steps, from = 0, to = 0 } = options;
  if (!(options.warmup < steps)) {
    throw new HebbError(`warmupCosine: ${options.warmup} warm-up steps leave nothing of ${steps} steps.`);
  }
  return warmup(cosine({ from: peak, to, steps: steps - options.warmup }), { steps: options.warmup, from });
}

/** from * rate^(t / every): multiplied by `rate` every `every` steps, smoothly. */
export function exponential({ from, rate, every = 1 }: { from: number; rate: number; every?: number }): Schedule {
  checkSteps("exponential", { every });
  return (step) => mul(pow(full([], rate, step.dtype), div(step, every)), from);
}

/** `from`, multiplied by `factor` at each step named in `at`, or at every multiple of `every`. */
export function stepDecay(
  options: { from: number; factor: number } & ({ at: readonly number[] } | { every: number }),
): Schedule {
  const { from, factor } = options;
  if ("every" in options) {
    const { every } = options;
    checkSteps("stepDecay", { every });
    return (step) => mul(pow(full([], factor, step.dtype), floor(div(step, every))), from);
  }
  const at = [...options.at].sort((a, b) => a - b);
  return piecewise({ values: Array.from({ length: at.length + 1 }, (_, i) => from * factor ** i), at });
}

/** How a schedule falls: the share of the way that is left, for the share of the time that has passed. */
const falls = {
  linear: (x: Tensor) => sub(1, x),
  cosine: (x: Tensor) => mul(cos(mul(x, Math.PI)).add(1), 0.5),
  sqrt: (x: Tensor) => sub(1, sqrt(x)),
};

/**
 * Warm-up, stable, decay (Hu et al., 2024): a line from 0 to `peak` over the first `warmup` steps, `peak`, then a fall
 * to `to` over the last `decay` of `steps` steps: a line, half a cosine, or 1 - sqrt(x) (Hägele et al., 2024).
 */
export function wsd(options: {
  peak: number;
  warmup: number;
  /** All steps, those of the warm-up and the decay included. */
  steps: number;
  decay: number;
  to?: number;
  /** Default "linear". */
  shape?: keyof typeof falls;
}): Schedule {
  const { peak, steps, decay, to = 0, shape = "linear" } = options;
  const before = steps - decay - options.warmup;
  if (!(before >= 0)) {
    throw new HebbError(`wsd: a warm-up of ${options.warmup} and a decay of ${decay} need more than ${steps} steps.`);
  }
  checkSteps("wsd", { decay });
  const falling: Schedule = (step) =>
    mul(falls[shape](progress(maximum(sub(step, before), 0), decay)), peak - to).add(to);
  return warmup(falling, { steps: options.warmup });
}

function checkSteps(schedule: string, counts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(counts)) {
    if (!(value > 0)) throw new HebbError(`${schedule}: ${name} must be a number of steps above 0, got ${value}.`);
  }
}

function checkIncreasing(schedule: string, steps: readonly number[]): void {
  if (steps.some((step, i) => i > 0 && !(step > steps[i - 1])))
    throw new HebbError(`${schedule}: the steps [${steps.join(", ")}] must increase.`);
}
