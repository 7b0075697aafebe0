import { HebbError } from "../engine/index.js";

/** What a step of training showed: which examples were in the batch, and which of them the network got right. */
export interface Observation {
  /** Positions of the examples in the data set. */
  readonly indices: ArrayLike<number>;
  /** For each of them, whether the prediction before the step's update was right (a boolean or 0/1). */
  readonly correct: ArrayLike<number | boolean>;
}

export interface ForgettingOptions {
  /**
   * The score of an example that was never right. Default Infinity, as in the paper; give a finite number (more than an
   * example's presentations keeps the order) before averaging over runs.
   */
  readonly neverLearned?: number;
}

/** Counts forgetting events while training goes on. */
export interface ForgettingCounter {
  /** Takes the next observation. Throws `HebbError` for lengths that differ and indices out of range. */
  observe(observation: Observation): void;
  /** The scores so far; see `forgettingScores`. */
  scores(options?: ForgettingOptions): Float64Array;
  /** Where the counter stands: live views, to be stored in a checkpoint. */
  state(): ForgettingState;
}

/** For each example: how often it was forgotten, whether it was ever right, and whether it was when last presented. */
export interface ForgettingState {
  readonly events: Uint32Array;
  readonly learned: Uint8Array;
  readonly before: Uint8Array;
}

/** A counter for the examples 0 to n - 1, which may go on from an earlier one; `forgettingScores` feeds it from a trainer. */
export function forgettingCounter(n: number, from?: ForgettingState): ForgettingCounter {
  if (!Number.isInteger(n) || n < 1)
    throw new HebbError(`forgetting: the number of examples must be a whole number of at least 1, got ${n}.`);
  const { events, learned, before } = from ?? {
    events: new Uint32Array(n),
    learned: new Uint8Array(n),
    before: new Uint8Array(n),
  };
  return {
    observe({ indices, correct }) {
      if (indices.length !== correct.length)
        throw new HebbError(`forgetting: ${indices.length} indices came with ${correct.length} outcomes.`);
      for (let k = 0; k < indices.length; k++) {
        const i = indices[k];
        if (!(i >= 0 && i < n && Number.isInteger(i)))
          throw new HebbError(`forgetting: there are examples 0 to ${n - 1}, got index ${i}.`);
        const now = correct[k] ? 1 : 0;
        if (before[i] && !now) events[i]++;
        before[i] = now;
        learned[i] |= now;
      }
    },
    scores: ({ neverLearned = Number.POSITIVE_INFINITY } = {}) =>
      Float64Array.from(events, (count, i) => (learned[i] ? count : neverLearned)),
    state: () => ({ events, learned, before }),
  };
}

/**
 * Forgetting scores: how often each example went from right to wrong between two of its presentations in training.
 *
 *     score_i = #{ t : right_i(t) and not right_i(t + 1) },   t counting the presentations of example i
 *
 * `trainer` yields the observations of one training run in their order, one or several steps at a time (as
 * `networkTrainer` does); `n` is the number of examples; result [n]. An example that was never right when presented
 * counts as forgotten most: its score is `neverLearned`, Infinity unless told otherwise. So is that of an example that
 * was never presented, of which nothing is known.
 *
 * Throws `HebbError` as `ForgettingCounter.observe` does.
 *
 * Source: Toneva et al., "An empirical study of example forgetting during deep neural network learning", 2019,
 * section 3; unlike EL2N it needs whole training runs.
 */
export async function forgettingScores(
  n: number,
  trainer: Iterable<Observation> | AsyncIterable<Observation>,
  options: ForgettingOptions = {},
): Promise<Float64Array> {
  const counter = forgettingCounter(n);
  for await (const observation of trainer) counter.observe(observation);
  return counter.scores(options);
}
