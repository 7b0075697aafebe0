import { crossEntropy, hostRandom } from "../engine/index.js";
import type { Audit, AuditedModel, AuditInput, AuditOptions, RelearningAudit } from "./audit.js";
import { type Looked, mean } from "./audit-measures.js";
import { type Labelled, rowCount, type UnlearnProblem } from "./problem.js";
import { type Relearned, relearnSteps } from "./relearn.js";
import { takeRows } from "./rows.js";

/** Relearning of the forget set, and, as a control, learning of test rows, to the loss that the original has on the former. */
export async function relearningOf(
  { unlearned, retrained, forget, test, retain }: AuditInput,
  original: Looked,
  options: AuditOptions,
  onRepeat: (done: number) => void,
): Promise<Audit["relearning"]> {
  const { repeats = 5, seed = 0, learningRate, signal, relearnSteps: most = 300 } = options;
  const batchSize = 64;
  const target = 1.05 * mean(original.forget.losses);
  const run = ({ params, apply }: AuditedModel, rows: Labelled, repeat: number) => {
    const problem: UnlearnProblem = {
      params,
      apply,
      perExampleLoss: (p, { x, y }) => crossEntropy(apply(p, x), y),
      forget: rows,
      ...(retain ? { retain } : {}),
      seed: seed + repeat,
    };
    const perEpoch = Math.ceil((rowCount(rows) + (retain ? rowCount(retain) : 0)) / batchSize);
    const epochs = Math.ceil(most / perEpoch);
    return relearnSteps(problem, params, { learningRate, batchSize, epochs, target, signal });
  };
  const found: Record<"unlearned" | "control" | "retrained", Relearned[]> = {
    unlearned: [],
    control: [],
    retrained: [],
  };
  const random = hostRandom(seed).fork("control rows");
  const count = Math.min(rowCount(forget), rowCount(test));
  for (let repeat = 0; repeat < repeats; repeat++) {
    const fresh = takeRows(test, random.permutation(rowCount(test)).slice(0, count));
    found.unlearned.push(await run(unlearned, forget, repeat));
    found.control.push(await run(unlearned, fresh, repeat));
    if (retrained) found.retrained.push(await run(retrained, forget, repeat));
    onRepeat(repeat + 1);
  }
  const summary = (runs: readonly Relearned[]): RelearningAudit => {
    const steps = runs.map((one) => one.steps);
    return {
      value: mean(steps),
      low: Math.min(...steps),
      high: Math.max(...steps),
      capped: runs.some(({ capped }) => capped),
    };
  };
  return {
    unlearned: summary(found.unlearned),
    control: summary(found.control),
    ...(retrained ? { retrained: summary(found.retrained) } : {}),
  };
}
