import { hostRandom } from "../engine/index.js";
import { fitMembershipAttack, membershipAuc, miaEfficacy } from "./membership.js";

/** How large a regressor's errors are, row by row: |prediction - target| or any loss. */
export interface RegressionErrors {
  readonly forget: ArrayLike<number>;
  /** Rows that it was trained on and should remember. */
  readonly retain: ArrayLike<number>;
  /** Rows that it never saw. */
  readonly test: ArrayLike<number>;
}

export interface RegressionMia {
  /** The share of forget rows, in percent, that the attack calls non-members. */
  readonly efficacy: number;
  /** The area under the ROC curve of telling forget rows from test rows; 0.5 says that they cannot be told apart. */
  readonly auc: number;
  /** The error up to which the attack calls a row a member. */
  readonly threshold: number;
}

/**
 * The membership attack on a regressor: rows with small errors are called members, up to the error that best tells equally
 * many retain rows (drawn by `seed`) and test rows apart. Forget rows play no part in fitting it.
 *
 * The ideal of all numbers is their value for a model trained without the forget set. Throws `HebbError` when a set is
 * empty or an error is not a number.
 *
 * Source: Tarun, Chundawat, Mandal, Kankanhalli, "Deep Regression Unlearning", ICML 2023, with one feature in place of a
 * trained attack model.
 */
export function regressionMia({ forget, retain, test }: RegressionErrors, { seed = 0 } = {}): RegressionMia {
  const count = Math.min(retain.length, test.length);
  const draw = hostRandom(seed).fork("membership attack");
  const some = (errors: ArrayLike<number>) =>
    Array.from(draw.permutation(errors.length).subarray(0, count), (i) => -errors[i]);
  const attack = fitMembershipAttack(some(retain), some(test));
  const confidence = Array.from(forget, (error) => -error);
  return {
    efficacy: miaEfficacy(attack, confidence),
    auc: membershipAuc(
      confidence,
      Array.from(test, (error) => -error),
    ),
    threshold: -attack.threshold,
  };
}
