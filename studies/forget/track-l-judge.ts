import { allOf, atLeast, atMost, type Condition, type Judgement, type Row } from "../../src/lab/index.js";

/** What track L asks of its originals and golds: they know their rows, and the forget set can be told from gold's. */
export function admissionL(rows: readonly Row[]): Condition {
  const of = (arm: string, measure: string) =>
    rows.filter((row) => row.arm === arm && measure in row.measures).map(({ measures }) => measures[measure]);
  const least = Math.min(...of("original", "accuracy"), ...of("gold", "accuracy"));
  return allOf("there is something to forget", [
    atLeast("answer tokens of their own rows that originals and golds get right, the least", least, 99, "%"),
    atMost("forget quality of the originals, the highest", Math.max(...of("original", "FQ")), 0.05),
  ]);
}

/** The rows of an arm along its trajectory, in order. */
export const stopsOf = (rows: readonly Row[], arm: string, scenario: string, seed: number): Row[] =>
  rows
    .filter((row) => row.arm === arm && row.seed === seed && row.setting?.scenario === scenario)
    .sort((a, b) => Number(a.setting?.step) - Number(b.setting?.step));

/** The first row of a trajectory whose measures pass. */
export const firstStop = (
  rows: readonly Row[],
  arm: string,
  scenario: string,
  seed: number,
  passes: (measures: Row["measures"]) => boolean,
): Row | undefined => stopsOf(rows, arm, scenario, seed).find(({ measures }) => passes(measures));

/**
 * The utility of a trajectory where a falling measure would be at `limit`, on a straight line between the stops around it
 * (the original is step 0): unlike the first stop below, it does not count how far an arm overshot. Nothing if the arm
 * does not get there.
 */
export function utilityAt(
  rows: readonly Row[],
  arm: string,
  scenario: string,
  seed: number,
  { measure, limit }: { readonly measure: string; readonly limit: number },
): number | undefined {
  const path = [...stopsOf(rows, "original", scenario, seed), ...stopsOf(rows, arm, scenario, seed)];
  const after = path.findIndex(({ measures }) => measures[measure] <= limit);
  if (after < 1) return path[after]?.measures.MU;
  const [from, to] = [path[after - 1].measures, path[after].measures];
  const share = (from[measure] - limit) / (from[measure] - to[measure]);
  return from.MU + share * (to.MU - from.MU);
}

/** A smoke run gives no verdict; it shows that models learn and that unlearning changes what they say. */
export function smokeL(rows: readonly Row[]): Judgement {
  const conditions = rows
    .filter(({ setting }) => setting?.step !== undefined)
    .map(({ arm, seed, setting, measures }): Condition => {
      const original = rows.find(
        (row) => row.arm === "original" && row.seed === seed && row.setting?.scenario === setting?.scenario,
      );
      const before = original?.measures.Prob ?? 0;
      return {
        name: `${arm} makes the answers less likely`,
        holds: measures.Prob < before,
        detail: `mean probability ${measures.Prob.toFixed(3)}, before ${before.toFixed(3)}.`,
      };
    });
  const fine = conditions.length > 0 && conditions.every(({ holds }) => holds);
  return fine
    ? {
        verdict: "not at this scale",
        reason: "A smoke run gives no verdict; every arm makes answers unlikely.",
        conditions,
      }
    : { verdict: "invalid", reason: "An arm leaves the answers to be forgotten as likely as they were.", conditions };
}
