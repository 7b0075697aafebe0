import { hostRandom } from "../engine/index.js";
import type { Audit, AuditedModel, AuditInput, AuditOptions, Estimate, ModelAudit } from "./audit.js";
import { fitMembershipAttack, membershipAuc, miaEfficacy } from "./membership.js";
import { labelLosses, logProbabilities, type Predictions, predictor } from "./predictions.js";
import type { Labelled } from "./problem.js";

/** What a model says of a set of rows. */
export interface Said {
  readonly logits: Predictions;
  readonly losses: Float64Array;
  /** 1 where the label has the highest logit. */
  readonly right: Float64Array;
}

export interface Looked {
  readonly forget: Said;
  readonly test: Said;
  readonly retain?: Said;
}

/** Runs a model over the rows. */
export async function look({ params, apply }: AuditedModel, { forget, test, retain }: AuditInput): Promise<Looked> {
  const predict = predictor({ apply });
  const of = async (rows: Labelled): Promise<Said> => {
    const logits = await predict(params, rows);
    const right = Float64Array.from(rows.y.data as Int32Array, (label, row) => (answer(logits, row) === label ? 1 : 0));
    return { logits, losses: labelLosses(logits, rows), right };
  };
  return { forget: await of(forget), test: await of(test), ...(retain ? { retain: await of(retain) } : {}) };
}

/** The class with the highest logit. */
function answer({ width, values }: Predictions, row: number): number {
  const own = values.subarray(row * width, (row + 1) * width);
  return own.indexOf(own.reduce((a, b) => Math.max(a, b)));
}

/** A statistic of sets of numbers, and the interval that it has when each set is drawn anew from its own. */
export type Resample = (sets: readonly ArrayLike<number>[], statistic: (...sets: Float64Array[]) => number) => Estimate;

export function resampler({ resamples = 1000, level = 0.95, seed = 0 }: AuditOptions): Resample {
  return (sets, statistic) => {
    const random = hostRandom(seed).fork("audit");
    const values = Float64Array.from({ length: resamples }, () =>
      statistic(...sets.map((set) => Float64Array.from({ length: set.length }, () => set[random.integer(set.length)]))),
    ).sort();
    const at = (p: number) => values[Math.min(values.length - 1, Math.max(0, Math.round(p * (values.length - 1))))];
    const tail = (1 - level) / 2;
    return { value: statistic(...sets.map((set) => Float64Array.from(set))), low: at(tail), high: at(1 - tail) };
  };
}

export function auditModel({ forget, test, retain }: Looked, resample: Resample, seed: number): ModelAudit {
  const percent = (right: Float64Array) => 100 * mean(right);
  const confidence = (losses: Float64Array) => losses.map((loss) => -loss);
  const auc = (f: Float64Array, t: Float64Array) => membershipAuc(confidence(f), confidence(t));
  return {
    accuracyForget: resample([forget.right], percent),
    accuracyTest: resample([test.right], percent),
    lossForget: resample([forget.losses], mean),
    lossTest: resample([test.losses], mean),
    membershipAuc: resample([forget.losses, test.losses], auc),
    ...(retain ? { nonMembers: nonMembersOf(forget.losses, retain.losses, test.losses, resample, seed) } : {}),
  };
}

/** The attack is fitted once, on equally many retain and test rows; the interval is over forget rows. */
function nonMembersOf(
  forget: Float64Array,
  retain: Float64Array,
  test: Float64Array,
  resample: Resample,
  seed: number,
): Estimate {
  const random = hostRandom(seed).fork("membership attack");
  const count = Math.min(retain.length, test.length);
  const some = (losses: Float64Array) =>
    Array.from(random.permutation(losses.length).subarray(0, count), (row) => -losses[row]);
  const attack = fitMembershipAttack(some(retain), some(test));
  return resample([forget], (losses) =>
    miaEfficacy(
      attack,
      losses.map((loss) => -loss),
    ),
  );
}

export function changeOf(original: Looked, unlearned: Looked, resample: Resample): Audit["change"] {
  const agreement = (set: "forget" | "test") => {
    const [a, b] = [original[set].logits, unlearned[set].logits];
    const same = Float64Array.from(original[set].losses, (_, row) => (answer(a, row) === answer(b, row) ? 1 : 0));
    return resample([same], (values) => 100 * mean(values));
  };
  const divergence = (set: "forget" | "test") => {
    const [p, q] = [original, unlearned].map((of) => logProbabilities(of[set].logits));
    const rows = Float64Array.from(original[set].losses, (_, row) => {
      let sum = 0;
      for (let k = row * p.width; k < (row + 1) * p.width; k++)
        if (p.values[k] > Number.NEGATIVE_INFINITY) sum += Math.exp(p.values[k]) * (p.values[k] - q.values[k]);
      return sum;
    });
    return resample([rows], mean);
  };
  return {
    agreementForget: agreement("forget"),
    agreementTest: agreement("test"),
    divergenceForget: divergence("forget"),
    divergenceTest: divergence("test"),
  };
}

/** The arithmetic mean. */
export const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, v) => sum + v, 0) / values.length;
