import { crossEntropy, hostRandom } from "../../src/engine/index.js";
import {
  type ForgetSetProblem,
  outputsOf,
  rowScores,
  type WorstCaseOptions,
  type WorstCaseState,
  worstCaseForgetSet,
} from "../../src/forget/index.js";
import { grand } from "../../src/select/index.js";
import type { Track } from "./track.js";

/** Ways to choose a forget set. */
export const sets = {
  random: "Random",
  worst: "Worst case (lower level FT)",
  "worst-GA": "Worst case (lower level GA)",
  easiest: "Easiest",
  "low-loss": "Lowest original loss",
  "low-gradient": "Lowest gradient norm",
} as const;
export type SetName = keyof typeof sets;

/** What the search for a set takes, beside its size. */
export type SearchOptions = Pick<WorstCaseOptions, "outer" | "inner" | "innerLearningRate" | "weightLearningRate">;

export interface Choice<P> {
  readonly set: SetName;
  /** Which of several random sets. */
  readonly draw: number;
  readonly track: Track<P>;
  readonly problem: ForgetSetProblem<P>;
  readonly size: number;
  readonly search: SearchOptions;
  readonly signal?: AbortSignal;
  /** Where an interrupted search stood. */
  readonly from?: WorstCaseState;
  readonly onRound?: (state: WorstCaseState) => Promise<void>;
}

/** The rows of a set, ascending, and what finding them cost in passes. */
export async function chooseSet<P>(choice: Choice<P>): Promise<{ readonly rows: Int32Array; readonly passes: number }> {
  const { set, draw, track, problem, size, search, signal, from, onRound } = choice;
  const { params, perExampleLoss, train, seed } = problem;
  const n = train.x.shape[0];
  const scored = async (score: typeof perExampleLoss, passes: number) => ({
    rows: lowest(await rowScores(score, { signal })(params, train), size),
    passes,
  });
  const found = async (more: Partial<WorstCaseOptions>) => {
    const run = worstCaseForgetSet(problem, { size, ...search, ...more, from, signal });
    const { indices, cost } = await run.run(({ state }) => onRound?.(state));
    return { rows: indices, passes: cost.passes };
  };
  switch (set) {
    case "random":
      return { rows: hostRandom(seed).fork("random set").fork(draw).permutation(n).slice(0, size).sort(), passes: 0 };
    case "worst":
      return found({});
    case "worst-GA":
      return found({ lower: "GA" });
    case "easiest":
      return found({ easiest: true });
    case "low-loss":
      return scored(perExampleLoss, n / 3);
    case "low-gradient": {
      const model = { apply: (p: P, x: Parameters<typeof track.apply>[1]) => outputsOf(track.apply(p, x)).out };
      return scored((p, { x, y }) => grand(model, crossEntropy, p, x, y), n);
    }
  }
}

/** The places of the `size` least values, ascending. */
export const lowest = (values: ArrayLike<number>, size: number): Int32Array =>
  Int32Array.from({ length: values.length }, (_, i) => i)
    .sort((a, b) => values[a] - values[b] || a - b)
    .slice(0, size)
    .sort();
