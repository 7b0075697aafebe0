import { HebbError } from "../engine/index.js";

/** A one-feature attack: whoever has at least `threshold` is called a member. */
export interface MembershipAttack {
  readonly threshold: number;
  /** The mean of the two rates at which members and non-members are told apart, 0.5 is chance. */
  readonly balancedAccuracy: number;
}

/**
 * Fits the attack that tells rows a model was trained on from others by one number, which should be higher for members
 * (confidence of the true class, or minus the loss): the threshold that maximises balanced accuracy, the smallest of
 * several. Fit it on retain and test rows, never on the rows that were to be forgotten. Throws `HebbError` when a side is
 * empty or a value is not a number.
 */
export function fitMembershipAttack(members: ArrayLike<number>, others: ArrayLike<number>): MembershipAttack {
  const inside = ascending("members", members);
  const outside = ascending("other rows", others);
  const candidates = Float64Array.from(new Set([...inside, ...outside])).sort();
  let best: MembershipAttack = { threshold: Number.NEGATIVE_INFINITY, balancedAccuracy: 0.5 };
  let [i, j] = [0, 0];
  for (const threshold of candidates) {
    while (inside[i] < threshold) i++;
    while (outside[j] < threshold) j++;
    const balancedAccuracy = ((inside.length - i) / inside.length + j / outside.length) / 2;
    if (balancedAccuracy > best.balancedAccuracy) best = { threshold, balancedAccuracy };
  }
  return best;
}

/** The share of rows, in percent, that the attack calls non-members: high means that they look as if never trained on. */
export function miaEfficacy({ threshold }: MembershipAttack, rows: ArrayLike<number>): number {
  if (rows.length === 0) throw new HebbError("miaEfficacy: there are no rows.");
  return (100 * Array.from(rows).filter((value) => !(value >= threshold)).length) / rows.length;
}

/**
 * The area under the ROC curve of telling members from others by one number: the probability that a member's is the
 * higher one, ties counting half. 0.5 says that they cannot be told apart. Throws `HebbError` when a side is empty or a
 * value is not a number.
 */
export function membershipAuc(members: ArrayLike<number>, others: ArrayLike<number>): number {
  const outside = ascending("other rows", others);
  const inside = ascending("members", members);
  let wins = 0;
  let [below, upTo] = [0, 0];
  for (const value of inside) {
    while (outside[below] < value) below++;
    while (outside[upTo] <= value) upTo++;
    wins += (below + upTo) / 2;
  }
  return wins / (inside.length * outside.length);
}

function ascending(what: string, values: ArrayLike<number>): Float64Array {
  if (values.length === 0) throw new HebbError(`membership attack: there are no ${what}.`);
  const sorted = Float64Array.from(values).sort();
  const bad = sorted.findIndex(Number.isNaN);
  if (bad >= 0) throw new HebbError(`membership attack: a value of the ${what} is not a number.`);
  return sorted;
}
