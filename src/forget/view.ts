import { HebbError } from "../engine/index.js";
import { type Examples, type Labelled, type Outputs, outputsOf, type UnlearnProblem } from "./problem.js";

/**
 * What a method may read beyond the model itself (`params`, `apply`), the inputs to forget and the seed: `labels` are the
 * `y` of all rows, `reference` is the original model kept as a yardstick, `acts` and `feat` are what `apply` must return.
 */
export type Need =
  | "labels"
  | "perExampleLoss"
  | "retain"
  | "val"
  | "reference"
  | "init"
  | "trainFromScratch"
  | "acts"
  | "feat";

/** What a method gets to see of a problem. Touching a field that the method did not ask for throws `HebbError`. */
export interface UnlearnView<P> extends Required<Omit<UnlearnProblem<P>, "apply" | "forget" | "retain" | "val">> {
  readonly apply: (params: P, x: Parameters<UnlearnProblem<P>["apply"]>[1]) => Outputs;
  readonly forget: Labelled;
  readonly retain: Labelled;
  readonly val: Labelled;
  /** The original parameters, to compare with while others are trained. */
  readonly reference: P;
}

const withoutLabels = new WeakSet<object>();

/** Whether the labels of these rows are there and may be read. */
export const hasLabels = (rows: Examples): rows is Labelled => !withoutLabels.has(rows) && rows.y !== undefined;

/** The problem as a method with these needs may see it. */
export function viewOf<P>(method: string, problem: UnlearnProblem<P>, needs: readonly Need[]): UnlearnView<P> {
  const withheld = (field: string): never => {
    throw new HebbError(`${method} read ${field}, which it did not ask for: add "${field}" to its needs.`);
  };
  const rows = (examples: Examples | undefined): Examples | undefined => {
    if (examples === undefined || needs.includes("labels")) return examples;
    const { name, x } = examples;
    const bare = guarded({ name, x }, { y: () => withheld("labels") });
    withoutLabels.add(bare);
    return bare;
  };
  const fields: Partial<Record<Need, unknown>> = {
    perExampleLoss: problem.perExampleLoss,
    retain: rows(problem.retain),
    val: rows(problem.val),
    reference: problem.params,
    init: problem.init,
    trainFromScratch: problem.trainFromScratch,
  };
  const { params, apply, seed } = problem;
  return guarded(
    { params, seed, forget: rows(problem.forget), apply: (p: P, x) => outputsOf(apply(p, x)) } as UnlearnView<P>,
    Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [
        name,
        () => (needs.includes(name as Need) ? value : withheld(name)),
      ]),
    ),
  );
}

/** An object with further fields that are asked for each time. */
const guarded = <T extends object>(fields: T, getters: Readonly<Record<string, () => unknown>>): T =>
  Object.defineProperties(
    fields,
    Object.fromEntries(Object.entries(getters).map(([name, get]) => [name, { get, enumerable: false }])),
  );
