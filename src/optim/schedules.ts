import { HebbError } from "../engine/errors.js";
import { jit } from "../engine/jit.js";
import { cos, div, floor, less, maximum, minimum, mul, pow, sub, where } from "../engine/primitives/elementwise.js";
import { full } from "../engine/primitives/structure.js";
import type { Tensor } from "../engine/tensor.js";

/**
 * A number that depends on the step, in tensor operations: `step` is a float scalar (of the parameters' dtype) that
 * counts the steps taken before this one, so it starts at 0.
 */
export type Schedule = (step: Tensor) => Tensor;

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

/**
 * Half a cosine from `from` to `to` over `steps` steps, then `to`:
 * to + (from - to) (1 + cos(pi t / steps)) / 2 (Loshchilov and Hutter, 2017, without restarts).
 */
export function cosine({ from, to = 0, steps }: { from: number; to?: number; steps: number }): Schedule {
  checkSteps("cosine", { steps });
  return (step) => mul(cos(mul(progress(step, steps), Math.PI)).add(1), (from - to) / 2).add(to);
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
  return (step) =>
    at.reduceRight<Tensor>(
      (later, boundary, i) => where(less(step, boundary), from * factor ** i, later),
      full([], from * factor ** at.length, step.dtype),
    );
}

/**
 * Warm-up, stable, decay (Hu et al., 2024): a line from 0 to `peak` over the first `warmup` steps, `peak`, then a line
 * to `to` over the last `decay` of `steps` steps.
 */
export function wsd(options: {
  peak: number;
  warmup: number;
  /** All steps, those of the warm-up and the decay included. */
  steps: number;
  decay: number;
  to?: number;
}): Schedule {
  const { peak, steps, decay, to = 0 } = options;
  const before = steps - decay - options.warmup;
  if (!(before >= 0)) {
    throw new HebbError(`wsd: a warm-up of ${options.warmup} and a decay of ${decay} need more than ${steps} steps.`);
  }
  checkSteps("wsd", { decay });
  const falling: Schedule = (step) => mul(progress(maximum(sub(step, before), 0), decay), to - peak).add(peak);
  return warmup(falling, { steps: options.warmup });
}

function checkSteps(schedule: string, counts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(counts)) {
    if (!(value > 0)) throw new HebbError(`${schedule}: ${name} must be a number of steps above 0, got ${value}.`);
  }
}
