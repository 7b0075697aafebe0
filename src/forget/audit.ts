import { HebbError, type Tensor } from "../engine/index.js";
import { findingsOf, limitsOf } from "./audit-findings.js";
import { auditModel, changeOf, type Looked, look, resampler } from "./audit-measures.js";
import { relearningOf } from "./audit-relearning.js";
import { checkLabels, firstRows } from "./check.js";
import { sharedRows } from "./overlap.js";
import { type Labelled, rowCount } from "./problem.js";

/** A classifier: a pure function and its parameters. The models of an audit may differ in both. */
export interface AuditedModel<P = any> {
  readonly params: P;
  /** Logits `[b, classes]`. */
  readonly apply: (params: P, x: Tensor) => Tensor;
}

export interface AuditInput {
  readonly original: AuditedModel;
  readonly unlearned: AuditedModel;
  /** A model trained without the forget set, if there is one: then it is known what the numbers should be. */
  readonly retrained?: AuditedModel;
  readonly forget: Labelled;
  /** Rows that no model was trained on. */
  readonly test: Labelled;
  /** Other training rows: they make the attack with a threshold possible, and relearning realistic. */
  readonly retain?: Labelled;
}

export interface AuditOptions {
  /** Resamples of the rows for intervals. Default 1000. */
  readonly resamples?: number;
  /** Default 0.95. */
  readonly level?: number;
  /** How often relearning is repeated, in other orders and beside other test rows. Default 5. */
  readonly repeats?: number;
  /** Gives up relearning after so many steps. Default 300. */
  readonly relearnSteps?: number;
  /** Of Adam, which relearns. Default 1e-3. */
  readonly learningRate?: number;
  /** Draws resamples, orders and rows. Default 0. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number, what: string) => void;
}

/** A number with the limits of its interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** What one model shows of the rows. */
export interface ModelAudit {
  /** Percent. */
  readonly accuracyForget: Estimate;
  readonly accuracyTest: Estimate;
  /** Cross-entropy, in nats. */
  readonly lossForget: Estimate;
  readonly lossTest: Estimate;
  /** How well the loss tells forget rows from test rows, as rows that were trained on have lower ones: area under the ROC curve. */
  readonly membershipAuc: Estimate;
  /** The share of forget rows, in percent, that an attack fitted on retain and test rows calls non-members. */
  readonly nonMembers?: Estimate;
}

/** Steps until rows are known as well as the original knows the forget set: the mean over repeats, the least and the most. */
export interface RelearningAudit extends Estimate {
  /** Some repeats gave up: read it as "at least". */
  readonly capped: boolean;
}

export interface Audit {
  readonly rows: { readonly forget: number; readonly test: number; readonly retain?: number };
  readonly models: { readonly original: ModelAudit; readonly unlearned: ModelAudit; readonly retrained?: ModelAudit };
  /** Original and unlearned model compared: percent of rows with the same answer, and mean KL(original || unlearned) in nats. */
  readonly change: {
    readonly agreementForget: Estimate;
    readonly agreementTest: Estimate;
    readonly divergenceForget: Estimate;
    readonly divergenceTest: Estimate;
  };
  readonly relearning: {
    readonly unlearned: RelearningAudit;
    /** The unlearned model on as many test rows: what learning takes that is no relearning. */
    readonly control: RelearningAudit;
    readonly retrained?: RelearningAudit;
  };
  /** What the numbers say, a sentence each. */
  readonly findings: readonly string[];
  /** What they cannot say. */
  readonly limits: readonly string[];
}

/**
 * Looks at an unlearned classifier from outside: whether its losses still give the forget rows away, how fast it relearns
 * them, and what else changed. Intervals are percentile bootstraps over rows, and the spread over repeats for relearning.
 *
 * It can find that something was not forgotten; it cannot prove that it was, and its `limits` say so. Throws `HebbError`
 * when a set is empty, forget rows stand in the test set or the retain set, or labels do not fit a model; rethrows the
 * reason of `signal`.
 */
export async function auditUnlearning(input: AuditInput, options: AuditOptions = {}): Promise<Audit> {
  checkInput(input);
  const { retrained, forget, test, retain } = input;
  const { repeats = 5, signal, onProgress } = options;
  const names = retrained ? (["original", "unlearned", "retrained"] as const) : (["original", "unlearned"] as const);
  const total = names.length + repeats;
  const looked: Partial<Record<(typeof names)[number], Looked>> = {};
  for (const [i, name] of names.entries()) {
    signal?.throwIfAborted();
    looked[name] = await look(input[name]!, input);
    onProgress?.(i + 1, total, `${name} model`);
  }
  const resample = resampler(options);
  const audited = (of: Looked | undefined) => of && auditModel(of, resample, options.seed ?? 0);
  const models = { original: audited(looked.original)!, unlearned: audited(looked.unlearned)! };
  const gold = audited(looked.retrained);
  const change = changeOf(looked.original!, looked.unlearned!, resample);
  const relearning = await relearningOf(input, looked.original!, options, (done) =>
    onProgress?.(names.length + done, total, "relearning"),
  );
  const rows = { forget: rowCount(forget), test: rowCount(test), ...(retain ? { retain: rowCount(retain) } : {}) };
  const known = { rows, models: { ...models, ...(gold ? { retrained: gold } : {}) }, change, relearning };
  return { ...known, findings: findingsOf(known), limits: limitsOf(known) };
}

function checkInput({ original, unlearned, retrained, forget, test, retain }: AuditInput): void {
  const sets: [string, Labelled | undefined][] = [
    ["forget", forget],
    ["test", test],
    ["retain", retain],
  ];
  for (const [name, rows] of sets) {
    if (!rows) continue;
    if (rowCount(rows) === 0) fail(`the ${name} set is empty.`);
    if (rows.y.dtype !== "int32" || rows.y.shape.length !== 1)
      fail(`the ${name} set needs a class for each row, int32 [n], not ${rows.y.dtype} [${rows.y.shape}].`);
  }
  for (const [name, rows] of sets.slice(1)) {
    const shared = rows ? sharedRows(forget, rows).length : 0;
    if (shared > 0) fail(`${shared} of ${rowCount(forget)} forget rows are in the ${name} set as well.`);
  }
  const models = { original, unlearned, ...(retrained ? { retrained } : {}) };
  for (const [name, { params, apply }] of Object.entries(models)) {
    const out = apply(params, firstRows(forget.x, 2));
    if (out.rank !== 2) fail(`the ${name} model must give logits [n, classes], not [${out.shape}].`);
    checkLabels((what) => fail(`${name} model: ${what}`), out, { forget, test, retain });
  }
}

const fail = (what: string): never => {
  throw new HebbError(`audit: ${what}`);
};
