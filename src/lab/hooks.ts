import { HebbError } from "../engine/errors.js";

/** What a trainer tells its hooks after a step. `Info` is the trainer's own: parameters, the loss, a batch. */
export interface StepEvent<Info = unknown> {
  /** Steps done so far: 1 after the first. */
  readonly step: number;
  readonly info: Info;
}

/** Called after each step; the answer `"stop"` ends training. */
export type StepHook<Info = unknown> = (event: StepEvent<Info>) => undefined | "stop" | Promise<undefined | "stop">;

/**
 * `count` steps from 1 to `total`, spaced evenly in the logarithm and without repetition: dense where training changes
 * fast. Gives all steps when there are no more than `count`.
 */
export function logSpaced(total: number, count: number): number[] {
  if (!Number.isInteger(total) || total < 1 || !Number.isInteger(count) || count < 2) {
    throw new HebbError(`logSpaced: needs total >= 1 and count >= 2, got ${total} and ${count}.`);
  }
  const wanted = Math.min(count, total);
  const steps: number[] = [];
  for (let i = 0; i < wanted; i++) {
    const ideal = Math.round(total ** (i / Math.max(1, wanted - 1)));
    // Never twice the same step, and never so late that those still to come do not fit.
    steps.push(Math.min(Math.max(ideal, (steps.at(-1) ?? 0) + 1), total - (wanted - 1 - i)));
  }
  return steps;
}

/** Runs `hook` after the given steps only. */
export function atSteps<Info>(steps: Iterable<number>, hook: StepHook<Info>): StepHook<Info> {
  const chosen = new Set(steps);
  return (event) => (chosen.has(event.step) ? hook(event) : undefined);
}

/** Runs `hook` after every `n`-th step. */
export const every =
  <Info>(n: number, hook: StepHook<Info>): StepHook<Info> =>
  (event) =>
    event.step % n === 0 ? hook(event) : undefined;

/** Runs all hooks after each step, in order; training stops if any of them says so. */
export const allHooks =
  <Info>(...hooks: readonly StepHook<Info>[]): StepHook<Info> =>
  async (event) => {
    let answer: undefined | "stop";
    for (const hook of hooks) answer = (await hook(event)) ?? answer;
    return answer;
  };

export interface EarlyStop<Info> {
  /** Measures, remembers the best, and answers `"stop"` when patience has run out. */
  readonly hook: StepHook<Info>;
  /** The first step with the best value so far. */
  readonly best: { readonly step: number; readonly value: number } | undefined;
  readonly history: readonly { readonly step: number; readonly value: number }[];
}

export interface EarlyStopOptions<Info> {
  /** Validation data, never test data. */
  measure(event: StepEvent<Info>): number | Promise<number>;
  readonly better?: "higher" | "lower";
  /** How many measurements without an improvement end training. Default: never; only the best step is kept. */
  readonly patience?: number;
  /** Called when a value is better than all before it: the place to keep the parameters. */
  onBest?(event: StepEvent<Info>, value: number): void | Promise<void>;
}

/** Finds the step with the best validation value, and can stop there; wrap its hook in `every` or `atSteps`. */
export function earlyStop<Info>({
  measure,
  better = "lower",
  patience = Number.POSITIVE_INFINITY,
  onBest,
}: EarlyStopOptions<Info>): EarlyStop<Info> {
  const history: { step: number; value: number }[] = [];
  let best: { step: number; value: number; index: number } | undefined;
  return {
    hook: async (event) => {
      const value = await measure(event);
      history.push({ step: event.step, value });
      const improved = best === undefined || (better === "lower" ? value < best.value : value > best.value);
      if (improved) {
        best = { step: event.step, value, index: history.length };
        await onBest?.(event, value);
      }
      return history.length - best!.index >= patience ? "stop" : undefined;
    },
    get best() {
      return best && { step: best.step, value: best.value };
    },
    history,
  };
}
