import { type Procedure, procedure } from "../optim/index.js";
import { checkProblem } from "./check.js";
import type { UnlearnProblem } from "./problem.js";
import {
  type LossEntry,
  openSession,
  type UnlearnCost,
  type UnlearnSession,
  type UnlearnState,
  type UnlearnStep,
} from "./session.js";
import { type Need, type UnlearnView, viewOf } from "./view.js";

/** A way to make a model forget: an object, so that a table can go through many of them. */
export interface Unlearner<O extends object = any> {
  readonly name: string;
  /** The paper's values. */
  readonly defaults: O;
  /** What it may read, with these options. */
  needs(options: O): readonly Need[];
  /** Trains in phases of the session and returns the new parameters. */
  run<P>(view: UnlearnView<P>, options: O, session: UnlearnSession): AsyncGenerator<UnlearnStep, P, undefined>;
}

export interface UnlearnRunOptions {
  /** The `state` of a step of an earlier run with these same options, after which this one goes on, bit for bit. */
  readonly from?: UnlearnState;
  /** Ends the run before the next step, with the signal's reason as the error. */
  readonly signal?: AbortSignal;
}

export interface Unlearned<P> {
  readonly params: P;
  readonly cost: UnlearnCost;
  readonly log: readonly LossEntry[];
}

/**
 * Makes a trained model forget some of its rows:
 *
 * `const { params, cost } = await unlearn(gradDiff, problem, { epochs: 5, signal }).run(({ step, total }) => ...)`
 *
 * The method sees only the fields of the problem that it asked for; touching another throws. `cost` counts examples pushed
 * through the model. Any step's `state` can be kept, and `from` continues it.
 *
 * Throws `HebbError` before anything runs when the problem lacks what the method needs, when a data set does not fit the
 * model or the others, and at a loss or a parameter that is not finite; rethrows the reason of `signal`.
 */
export function unlearn<O extends object, P>(
  method: Unlearner<O>,
  problem: UnlearnProblem<P>,
  { from, signal, ...options }: Partial<O> & UnlearnRunOptions = {} as Partial<O>,
): Procedure<UnlearnStep, Unlearned<P>> {
  const settings = { ...method.defaults, ...options } as O;
  const needs = method.needs(settings);
  checkProblem(method.name, problem, needs);
  return procedure(steps(method, viewOf(method.name, problem, needs), settings, { from, signal }));
}

async function* steps<O extends object, P>(
  method: Unlearner<O>,
  view: UnlearnView<P>,
  options: O,
  { from, signal }: UnlearnRunOptions,
): AsyncGenerator<UnlearnStep, Unlearned<P>, undefined> {
  const session = openSession(method.name, { from, signal });
  const params = yield* method.run(view, options, session);
  const { cost, log } = session.state();
  return { params, cost, log };
}
