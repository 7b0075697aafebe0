import type { Audit, Estimate, ModelAudit, RelearningAudit } from "./audit.js";

type Known = Omit<Audit, "findings" | "limits">;

const number = (value: number): string => String(Number(value.toPrecision(3)));
const show = ({ value, low, high }: Estimate): string => `${number(value)} [${number(low)}, ${number(high)}]`;

/** Whether a model does better on forget rows than on test rows, beyond both intervals. */
const known = ({ accuracyForget, accuracyTest, lossForget, lossTest }: ModelAudit): boolean =>
  accuracyForget.low > accuracyTest.high || lossForget.high < lossTest.low;

const compared = ({ accuracyForget, accuracyTest, lossForget, lossTest }: ModelAudit): string =>
  `accuracy ${show(accuracyForget)} against ${show(accuracyTest)} %, mean loss ${show(lossForget)} against ${show(lossTest)}`;

/** What the numbers say. */
export function findingsOf({ models, relearning, change }: Known): string[] {
  const { original, unlearned, retrained } = models;
  const findings: string[] = [];
  if (!known(original) && !(original.membershipAuc.low > 0.5))
    findings.push(
      `The original knows the forget rows no better than test rows (${compared(original)}): it memorised nothing that these measures could see, so they cannot show that it was forgotten.`,
    );
  findings.push(
    known(unlearned)
      ? `The forget rows are still remembered: the unlearned model knows them better than rows never seen (${compared(unlearned)}).`
      : `The unlearned model does not know the forget rows better than test rows (${compared(unlearned)}).`,
  );
  const auc = unlearned.membershipAuc;
  if (auc.low > 0.5)
    findings.push(
      `Its loss gives them away as rows that were trained on (AUC ${show(auc)}): it is mostly lower than on test rows.`,
    );
  else if (auc.high < 0.5)
    findings.push(
      `Its loss gives them away the other way round (AUC ${show(auc)}): it is mostly higher than on test rows, which also tells that they are special.`,
    );
  else findings.push(`Its loss alone does not tell them from test rows (AUC ${show(auc)}).`);
  const { unlearned: again, control } = relearning;
  const steps = (of: RelearningAudit) => `${of.capped ? "at least " : ""}${show(of)} steps`;
  if (again.high < control.low)
    findings.push(
      `The forget rows come back faster than test rows are learned (${steps(again)} against ${steps(control)}): traces of them are left in the weights.`,
    );
  else
    findings.push(
      `The forget rows do not come back faster than test rows are learned (${steps(again)} against ${steps(control)}).`,
    );
  if (retrained)
    findings.push(
      `The retrained model, which sets the standard, has an accuracy of ${show(retrained.accuracyForget)} % on forget rows (unlearned: ${show(unlearned.accuracyForget)} %) and an AUC of ${show(retrained.membershipAuc)}.`,
    );
  findings.push(
    `On test rows the accuracy went from ${show(original.accuracyTest)} % to ${show(unlearned.accuracyTest)} %, and ${show(change.agreementTest)} % of the answers are the same.`,
  );
  return findings;
}

/** What they cannot say. */
export function limitsOf({ rows, models, relearning }: Known): string[] {
  return [
    "Signs of memory show that something was not forgotten; their absence proves nothing. The attack is one of the simplest, and others know more.",
    ...(models.retrained
      ? []
      : [
          "Without a model retrained without these rows it is not known what the numbers should be: such a model may well be right about many of them.",
        ]),
    `Relearning depends on the optimiser and its rate; here Adam${rows.retain ? " on the retain set and the rows together" : " on the rows alone, since no retain set was given"}.`,
    ...(relearning.unlearned.capped || relearning.control.capped
      ? ["Relearning was given up in some repeats, so its numbers are lower bounds."]
      : []),
    ...(rows.forget < 50
      ? [`With ${rows.forget} forget rows the intervals are wide, and small traces cannot be seen.`]
      : []),
    "Test rows that are unlike the forget rows tell them apart for reasons that have nothing to do with memory.",
    "Nothing is said of copies of the rows elsewhere, of other models trained on them, or of what the law asks.",
  ];
}
