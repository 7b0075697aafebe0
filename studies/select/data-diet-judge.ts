import { HebbError } from "../../src/engine/index.js";
import {
  above,
  below,
  bySeed,
  type Condition,
  type Judgement,
  pairBySeed,
  type Row,
  type Scale,
  type Selector,
} from "../../src/lab/index.js";
import { pairedInterval } from "./conventions.js";

/** The share of the rows that the criterion is about. */
const half = { keep: 0.5 };
const measure = "accuracy";
const unit = "points";

/** The verdict of data-diet, from its rows alone. See the study's `criterion`. */
export function judgeDataDiet(rows: readonly Row[], scale: Scale): Judgement {
  return scale === "smoke" ? judgeSmoke(rows) : { ...judgeClaim(rows), side: sideClaims(rows) };
}

function judgeClaim(rows: readonly Row[]): Judgement {
  const difference = (a: Selector, b: Selector) => pairedInterval(pairBySeed(rows, { a, b, measure }).differences);
  const pruned: Selector = { arm: "el2n", setting: half };
  const gain = difference(pruned, { arm: "random", setting: half });
  const loss = difference({ arm: "full" }, pruned);
  const better = above("EL2N beats random at keep 0.5", gain, { limit: 0, unit });
  const harmless = below("half of the data can go: full minus EL2N", loss, { limit: 0.5, unit });
  const conditions = [better, harmless];
  const say = (verdict: Judgement["verdict"], ...sentences: string[]): Judgement => ({
    verdict,
    reason: sentences.join(" "),
    conditions,
  });
  const [first, second] = conditions.map(({ name, detail }) => `${name}: ${detail}`);
  if (better.holds && harmless.holds) return say("replicated", "Both conditions hold.", first, second);
  // The wrong side of 0 outweighs a second condition that holds: random rows would then be the better half.
  if (gain.high < 0) return say("contradicted", "EL2N is worse than random.", first);
  if (better.holds) return say("partly", "EL2N beats random, but half of the data cannot go.", first, second);
  if (harmless.holds) return say("partly", "Half of the data can go, but EL2N does not beat random.", second, first);
  const sign = gain.mean > 0 ? "EL2N is ahead of random, but" : "EL2N is not ahead of random, and";
  return say("not at this scale", `${sign} the interval contains 0.`, first, second);
}

/** Claims that are reported beside the verdict and cannot change it. */
function sideClaims(rows: readonly Row[]): Condition[] {
  return [
    exceeds(rows, "EL2N finds flipped labels (AUROC)", { arm: "noisy-window" }, "auroc", 0.9),
    exceeds(rows, "scores transfer from a narrower perceptron", { arm: "narrow" }, "rankCorrelation", 0.7),
    exceeds(rows, "scores transfer from a convolutional network", { arm: "cnn" }, "rankCorrelation", 0.7),
    erratum(rows),
  ].filter((condition) => condition !== undefined);
}

/** A single number that must exceed a threshold; nothing where a run did not measure it. */
function exceeds(
  rows: readonly Row[],
  name: string,
  selector: Selector,
  of: string,
  threshold: number,
): Condition | undefined {
  const value = single(rows, selector, of);
  if (value === undefined) return undefined;
  return {
    name,
    holds: value > threshold,
    detail: `${value.toFixed(3)} (asked: above ${threshold}).`,
    estimate: value,
  };
}

/** Kirsch (2023): GraNd at initialisation is no better than random and follows the norm of the input. */
function erratum(rows: readonly Row[]): Condition | undefined {
  const initial: Selector = { arm: "grand-init" };
  const correlation = single(rows, initial, "normCorrelation");
  if (correlation === undefined) return undefined;
  const gain = pairedInterval(
    pairBySeed(rows, { a: { ...initial, setting: half }, b: { arm: "random", setting: half }, measure }).differences,
  );
  const better = above("GraNd at initialisation minus random at keep 0.5", gain, { limit: 0, unit });
  return {
    name: "erratum: GraNd at initialisation is not better than random and follows the input norm",
    holds: !better.holds && correlation > 0.5,
    detail:
      `Minus random at keep 0.5: ${better.detail.replace(/ \(asked.*$/, "")} (asked: interval not above 0); ` +
      `rank correlation with the input norm ${correlation.toFixed(3)} (asked: above 0.5).`,
    estimate: correlation,
  };
}

/** The value of a measure that one row holds. */
function single(rows: readonly Row[], selector: Selector, of: string): number | undefined {
  if (!rows.some((row) => row.arm === selector.arm && of in row.measures)) return undefined;
  const values = [...bySeed(rows, selector, of).values()];
  if (values.length !== 1) throw new HebbError(`data-diet: ${values.length} values of "${of}" where one was expected.`);
  return values[0];
}

/** A smoke run gives no verdict; it only shows that training goes the right way. */
function judgeSmoke(rows: readonly Row[]): Judgement {
  const trained = rows.filter((row) => "endLoss" in row.measures);
  const conditions = trained.map(({ arm, measures: { startLoss, endLoss, accuracy } }): Condition => {
    const holds = endLoss < startLoss && accuracy > 50;
    const detail = `Training loss from ${startLoss.toFixed(2)} to ${endLoss.toFixed(2)}, test accuracy ${accuracy.toFixed(1)} %.`;
    return { name: `${arm} learns`, holds, detail };
  });
  const fine = conditions.length > 0 && conditions.every(({ holds }) => holds);
  return fine
    ? { verdict: "not at this scale", reason: "A smoke run gives no verdict; every arm learns.", conditions }
    : { verdict: "invalid", reason: "An arm did not learn: the loss must fall and accuracy exceed 50 %.", conditions };
}
