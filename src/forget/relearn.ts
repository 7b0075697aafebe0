import { type Feed, jit, type Tensor } from "../engine/index.js";
import { adam } from "../optim/index.js";
import { meanLoss } from "./baselines.js";
import { rowBatches } from "./batches.js";
import { checkProblem } from "./check.js";
import type { UnlearnProblem } from "./problem.js";
import { joinRows } from "./rows.js";
import { openSession } from "./session.js";
import { gradientUpdate } from "./update.js";
import { type Need, viewOf } from "./view.js";

export interface RelearnOptions {
  /** Of Adam. Default 1e-3. */
  readonly learningRate?: number;
  /** Default 256. */
  readonly batchSize?: number;
  /** Gives up after so many passes over all of the data. Default 10. */
  readonly epochs?: number;
  /** How near to the original's loss counts as known again: 0.05, the default, is 5 % above it. */
  readonly margin?: number;
  /** The mean loss that counts as known again, where it is not to be taken from the problem's original. */
  readonly target?: number;
  readonly signal?: AbortSignal;
}

/** How long it took until the forget set was known again. */
export interface Relearned {
  readonly steps: number;
  /** It was not known again by then: read it as "at least so many". */
  readonly capped: boolean;
}

/**
 * Trains a model on all of the data, forget set and retain set (if there is one), and counts the steps until its mean loss on the forget set
 * is at most (1 + margin) times the original's. What comes back at once was hidden, not forgotten. Throws `HebbError` when
 * the problem lacks labels or losses; rethrows the reason of `signal`.
 */
export async function relearnSteps<P>(
  problem: UnlearnProblem<P>,
  params: P,
  { learningRate = 1e-3, batchSize = 256, epochs = 10, margin = 0.05, signal, ...options }: RelearnOptions = {},
): Promise<Relearned> {
  const needs: readonly Need[] = ["labels", "perExampleLoss", ...(problem.retain ? (["retain"] as const) : [])];
  checkProblem("relearnSteps", problem, needs);
  const view = viewOf("relearnSteps", problem, needs);
  const { forget, seed } = view;
  const loss = meanLoss(view);
  const onForget = jit((p: P, x: Tensor, y: Tensor) => loss(p, { x, y }), { name: "forget loss" });
  const known = async (p: P) => (await onForget(p as Feed<P>, forget.x as Feed<any>, forget.y as Feed<any>)).item();

  const target = options.target ?? (1 + margin) * (await known(problem.params));
  if ((await known(params)) <= target) return { steps: 0, capped: false };
  const batches = rowBatches(problem.retain ? joinRows("training set", view.retain, forget) : forget, {
    batchSize,
    epochs,
    seed,
  });
  const training = openSession("relearnSteps", { signal }).descend("relearn", {
    params,
    update: gradientUpdate(loss, adam({ learningRate })),
    batches,
  });
  for await (const { step, params: now } of training) {
    if ((await known(now as P)) <= target) return { steps: step, capped: false };
  }
  return { steps: batches.length, capped: true };
}

export interface Anamnesis {
  /** `anamnesisRatio` of the two. */
  readonly index: number;
  readonly unlearned: Relearned;
  readonly gold: Relearned;
}

/**
 * Steps of an unlearned model over steps of a gold model. About 1: it relearns like a model that never knew; far below 1: it
 * remembers. Where one of them gave up the ratio is only a bound: from below if that was the unlearned model, from above if
 * it was the gold model. NaN when both did, which says nothing, and when the gold model needs fewer than 2 steps, which is too
 * coarse a yardstick.
 */
export const anamnesisRatio = (unlearned: Relearned, gold: Relearned): number =>
  gold.steps < 2 || (unlearned.capped && gold.capped) ? Number.NaN : unlearned.steps / gold.steps;

/**
 * The anamnesis index (AIN): how long an unlearned model takes to relearn the forget set, compared with one that was
 * trained without it. Errors as in `relearnSteps`.
 *
 * Source: Chundawat, Tarun, Mandal, Kankanhalli, "Zero-Shot Machine Unlearning", 2023.
 */
export async function anamnesisIndex<P>(
  problem: UnlearnProblem<P>,
  params: P,
  gold: P,
  options: RelearnOptions = {},
): Promise<Anamnesis> {
  const unlearned = await relearnSteps(problem, params, options);
  const never = await relearnSteps(problem, gold, options);
  return { index: anamnesisRatio(unlearned, never), unlearned, gold: never };
}
