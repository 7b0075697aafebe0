import { HebbError, type NDArray, type Tensor, tensor, treeLeaves } from "../engine/index.js";
import { sharedRows } from "./overlap.js";
import { type Examples, outputsOf, rowCount, type UnlearnProblem } from "./problem.js";
import type { Need } from "./view.js";

/** What is missing when a need is not met, and how to give it. */
const missing: Readonly<Record<Exclude<Need, "labels" | "reference" | "acts" | "feat">, string>> = {
  retain: "the rows to keep (retain)",
  val: "rows that were not trained on (val)",
  perExampleLoss: "the loss of each row (perExampleLoss)",
  init: "fresh parameters (init)",
  trainFromScratch: "a way to train again (trainFromScratch)",
};

/**
 * Throws `HebbError` when a method's needs are not met, or a data set is empty, overlaps another or does not fit the model.
 * Nothing is computed: the model is only traced on the first rows.
 */
export function checkProblem(method: string, problem: UnlearnProblem, needs: readonly Need[]): void {
  const fail = (what: string): never => {
    throw new HebbError(`${method}: ${what}`);
  };
  for (const need of needs) {
    if (need in missing && problem[need as keyof typeof missing] === undefined)
      fail(`the problem lacks ${missing[need as keyof typeof missing]}, which this method needs.`);
  }
  const read = (["retain", "val"] as const).filter((name) => needs.includes(name));
  const sets = (["forget", ...read] as const).map((name) => [name, problem[name] as Examples] as const);
  for (const [name, rows] of sets) {
    checkRows(fail, name, rows);
    if ((needs.includes("labels") || needs.includes("perExampleLoss")) && rows.y === undefined)
      fail(`the ${name} set has no labels (y), which this method needs.`);
  }
  checkDisjoint(fail, problem);
  if (treeLeaves(problem.params).length === 0) fail("the problem's params hold no tensors.");
  checkModel(fail, problem, needs);
}

/** Throws, naming whoever found the fault. */
export type Fail = (what: string) => never;

function checkRows(fail: Fail, name: string, rows: Examples): void {
  const n = rowCount(rows);
  if (n === 0 && name === "retain")
    fail("the retain set is empty: to forget the whole training set, train on other data.");
  if (n === 0) fail(`the ${name} set is empty.`);
  if (rows.y && rows.y.shape[0] !== n) fail(`the ${name} set has ${n} rows of x and ${rows.y.shape[0]} of y.`);
}

/** A row that is to be kept as well as forgotten is a mistake of whoever split the data. */
function checkDisjoint(fail: Fail, { forget, retain }: UnlearnProblem): void {
  if (retain === undefined) return;
  const shared = sharedRows(forget, retain).length;
  if (shared === rowCount(forget))
    fail(
      "every row of the forget set is in the retain set as well: take it out there (retain is the rest of the training set).",
    );
}

/** The model must take the rows, and what comes out must fit their labels. */
function checkModel(fail: Fail, problem: UnlearnProblem, needs: readonly Need[]): void {
  const { forget, retain, params, apply, perExampleLoss } = problem;
  const x = firstRows(forget.x, 2);
  const outputs = outputsOf(apply(params, x));
  if (needs.includes("acts") && !outputs.acts?.length)
    fail("apply must return { out, acts }, the activations of its layers, for this method.");
  if (needs.includes("feat") && !outputs.feat)
    fail("apply must return { out, feat }, the representation before its last layer, for this method.");
  checkLabels(fail, outputs.out, { forget, retain });
  if (!needs.includes("perExampleLoss") || !forget.y) return;
  const count = x.shape[0];
  const loss = perExampleLoss!(params, { x, y: firstRows(forget.y, 2) });
  if (loss.rank !== 1 || loss.shape[0] !== count)
    fail(`perExampleLoss must give one number for each row, [${count}] for ${count} rows, not [${loss.shape}].`);
}

/** Throws when labels are no classes of a model with these outputs, or targets not what it predicts. */
export function checkLabels(fail: Fail, out: Tensor, sets: Readonly<Record<string, Examples | undefined>>): void {
  for (const [name, rows] of Object.entries(sets)) if (rows?.y) checkLabelsOf(fail, name, out, rows.y);
}

function checkLabelsOf(fail: Fail, name: string, out: Tensor, y: NDArray): void {
  const rest = y.shape.slice(1);
  const tail = out.shape.slice(1);
  const same = (a: readonly number[], b: readonly number[]) => a.length === b.length && a.every((d, i) => d === b[i]);
  if (y.dtype !== "int32") {
    if (!same(tail, rest) && !same(tail, [...rest, 1]))
      fail(`the model gives [${tail}] for each row, but the targets of the ${name} set are [${rest}].`);
    return;
  }
  if (!same(tail.slice(0, -1), rest) || tail.length === 0)
    fail(`the model gives [${tail}] for each row, but the labels of the ${name} set are [${rest}].`);
  const classes = tail[tail.length - 1];
  const least = rest.length > 0 ? -1 : 0;
  const bad = (y.data as Int32Array).find((label) => label < least || label >= classes);
  if (bad !== undefined) fail(`the ${name} set has the label ${bad}, but the model has classes 0 to ${classes - 1}.`);
}

/** The first rows, `most` of them if there are so many, to trace a model with. */
export function firstRows({ data, shape, dtype }: NDArray, most: number): Tensor {
  const count = Math.min(most, shape[0]);
  const width = data.length / shape[0];
  return tensor({ data: data.slice(0, count * width), shape: [count, ...shape.slice(1)], dtype } as NDArray);
}
