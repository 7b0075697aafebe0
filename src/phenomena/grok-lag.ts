import { HebbError } from "../engine/errors.js";

/** Losses over training. The first point is the start: fractions are of its losses. */
export interface LossCurve {
  /** Ascending steps; the first is as a rule 0. */
  readonly steps: readonly number[];
  readonly train: readonly number[];
  readonly test: readonly number[];
}

export interface GrokLagOptions {
  /** The fraction of the initial train loss that counts as learned. Default: 0.1. */
  readonly trainFrac?: number;
  /** The same for the test loss. Default: 0.1. */
  readonly testFrac?: number;
}

export interface GrokLag {
  /** The time at which the train loss first falls below its fraction; undefined if never. */
  readonly trainStep?: number;
  /** The same for the test loss. */
  readonly testStep?: number;
  /** `testStep / trainStep`; undefined when the train loss never got there. */
  readonly lag?: number;
  /** The test loss never got there: `lag` is a lower bound, last step / trainStep. */
  readonly censored: boolean;
}

/**
 * The delay of generalisation: the ratio of the first times at which test and train loss fall below a fraction of their
 * initial values. 1 means that both fall together.
 *
 * Times between two measured points are interpolated on logarithmic axes. Defined on losses, never on accuracies, whose
 * thresholds make delays of their own. Throws `HebbError` when the lists differ in length, hold fewer than two points
 * or a loss that is negative or not finite, when steps do not ascend, or when a fraction is not between 0 and 1.
 *
 * Source: Kumar et al., "Grokking as the transition from lazy to rich training dynamics", 2024.
 */
export function grokLag(curve: LossCurve, { trainFrac = 0.1, testFrac = 0.1 }: GrokLagOptions = {}): GrokLag {
  check(curve, { trainFrac, testFrac });
  const { steps, train, test } = curve;
  const trainStep = firstBelow(steps, train, trainFrac);
  const testStep = firstBelow(steps, test, testFrac);
  if (trainStep === undefined) return { testStep, censored: testStep === undefined };
  const censored = testStep === undefined;
  return { trainStep, testStep, lag: (testStep ?? steps[steps.length - 1]) / trainStep, censored };
}

function firstBelow(steps: readonly number[], losses: readonly number[], fraction: number): number | undefined {
  const bound = fraction * losses[0];
  const at = losses.findIndex((loss) => loss < bound);
  if (at < 0) return undefined;
  const [s0, s1] = [steps[at - 1], steps[at]];
  const [l0, l1] = [losses[at - 1], losses[at]];
  // Step 0 has no logarithm, nor has a loss of 0.
  const share = l1 > 0 ? Math.log(l0 / bound) / Math.log(l0 / l1) : (l0 - bound) / l0;
  return s0 > 0 ? s0 * (s1 / s0) ** share : s0 + (s1 - s0) * share;
}

function check({ steps, train, test }: LossCurve, fractions: Readonly<Record<string, number>>): void {
  if (steps.length < 2 || train.length !== steps.length || test.length !== steps.length) {
    throw new HebbError(
      `grokLag: needs at least two points and lists of one length, got ${steps.length} steps, ${train.length} train and ${test.length} test losses.`,
    );
  }
  const bad = steps.findIndex((step, i) => !(step >= 0) || (i > 0 && step <= steps[i - 1]));
  if (bad >= 0)
    throw new HebbError(`grokLag: steps must ascend from 0 or more, but step ${steps[bad]} stands at position ${bad}.`);
  for (const [name, losses] of Object.entries({ train, test })) {
    const wrong = losses.findIndex((loss) => !(loss >= 0 && Number.isFinite(loss)));
    if (wrong >= 0) throw new HebbError(`grokLag: the ${name} loss at step ${steps[wrong]} is ${losses[wrong]}.`);
    if (losses[0] === 0) throw new HebbError(`grokLag: the initial ${name} loss is 0, so it has no fractions.`);
  }
  for (const [name, value] of Object.entries(fractions)) {
    if (!(value > 0 && value < 1)) throw new HebbError(`grokLag: ${name} must lie between 0 and 1, got ${value}.`);
  }
}
