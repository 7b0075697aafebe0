import {
  above,
  allOf,
  atLeast,
  atMost,
  bySeed,
  type Condition,
  type Judgement,
  type Row,
  type Scale,
} from "../../src/lab/index.js";
import { clearlyAbove, clearlyBelow, pairedInterval } from "./conventions.js";
import { admissionL, firstStop, smokeL, stopsOf, utilityAt } from "./track-l-judge.js";

/** The criterion's numbers. */
const quality = 0.05;
const utilityShare = 0.8;
const half = "forget50";

/** The verdict of negative-preference-optimization, from its rows alone. See the study's `criterion`. */
export function judgeNegativePreference(rows: readonly Row[], scale: Scale): Judgement {
  if (scale === "smoke") return smokeL(rows);
  const control = ascentControl(rows);
  const admission = admissionL(rows);
  const theory = divergence(rows);
  const frontier = reached(rows);
  const matched = atMatchedProbability(rows, half);
  const conditions = [control, admission, theory, frontier, matched.condition];
  const side = [atMatchedProbability(rows, "forget10").condition, ...withoutOvershoot(rows, half)];
  const say = (verdict: Judgement["verdict"], ...reasons: Condition[]): Judgement => ({
    verdict,
    reason: reasons.map(({ name, detail }) => `${name}: ${detail}`).join(" "),
    conditions,
    side,
  });
  if (!control.holds) return say("invalid", control);
  if (!admission.holds) return say("not at this scale", admission);
  if (theory.holds && matched.condition.holds)
    return frontier.holds ? say("replicated", theory, frontier, matched.condition) : say("partly", theory, frontier);
  if (matched.opposite) return say("contradicted", matched.condition);
  return say("not at this scale", theory, matched.condition);
}

/** NPO with weights of one is gradient ascent. */
function ascentControl(rows: readonly Row[]): Condition {
  const apart = rows.filter(({ arm }) => arm === "NPO, W = 1").map(({ measures }) => measures.apart);
  return atMost("NPO with every weight 1 differs from GA (largest change of a parameter)", Math.max(...apart), 1e-6);
}

/** Part A: how the distance from the start grows in logistic regression. */
function divergence(rows: readonly Row[]): Condition {
  const least = (measure: string) => Math.min(...bySeed(rows, { arm: "toy" }, measure).values());
  return allOf("GA diverges linearly, NPO like a logarithm", [
    atLeast("R² of GA's distance against t, the least of all draws", least("linearFit"), 0.95),
    atLeast("R² of NPO's distance against log t", least("logFit"), 0.95),
    atMost(
      "NPO's distance over GA's at the end, the largest",
      Math.max(...bySeed(rows, { arm: "toy" }, "ratio").values()),
      0.1,
    ),
  ]);
}

/** Part B, first half: who gets to a model that cannot be told from gold and has kept its utility. */
function reached(rows: readonly Row[]): Condition {
  const gold = bySeed(rows, { arm: "gold", setting: { scenario: half, gold: 0 } }, "MU");
  const seeds = [...gold.keys()];
  const count = (arm: string) =>
    seeds.filter((seed) =>
      stopsOf(rows, arm, half, seed).some(
        ({ measures }) => measures.FQ >= quality && measures.MU >= utilityShare * gold.get(seed)!,
      ),
    ).length;
  const [npo, ga, gradDiff] = ["NPO+RT", "GA", "GradDiff"].map(count);
  return {
    name: `forget quality of ${quality} at ${utilityShare} of gold's utility, in ${half}`,
    holds: npo === seeds.length && ga <= 1 && gradDiff <= 1,
    detail:
      `reached by NPO+RT on ${npo} of ${seeds.length} seeds (asked: all), by GA on ${ga} and by GradDiff on ${gradDiff} ` +
      "(asked: at most 1 each).",
  };
}

/** Part B, second half: utility where the answers have first become as unlikely as they are to the gold model. */
function atMatchedProbability(rows: readonly Row[], scenario: string) {
  const gold = bySeed(rows, { arm: "gold", setting: { scenario, gold: 0 } }, "Prob");
  const utilities = (arm: string) =>
    [...gold].map(([seed, most]) => firstStop(rows, arm, scenario, seed, ({ Prob }) => Prob <= most)?.measures.MU);
  const [npo, ga] = [utilities("NPO"), utilities("GA")];
  const differences = npo.flatMap((own, i) => (own !== undefined && ga[i] !== undefined ? [own - ga[i]] : []));
  const name = `${scenario}: utility of NPO minus that of GA, where forget probability first is gold's`;
  if (differences.length < gold.size) {
    const got = (list: readonly unknown[]) => list.filter((value) => value !== undefined).length;
    const detail = `NPO got there on ${got(npo)} of ${gold.size} seeds, GA on ${got(ga)}: nothing to compare.`;
    return { opposite: false, condition: { name, holds: false, detail } satisfies Condition };
  }
  const condition = above(name, pairedInterval(differences), { limit: 0 });
  return { opposite: clearlyBelow(differences), condition: { ...condition, holds: clearlyAbove(differences) } };
}

/** The same without how far each arm overshot between two scored steps: reported only. */
function withoutOvershoot(rows: readonly Row[], scenario: string): Condition[] {
  const gold = bySeed(rows, { arm: "gold", setting: { scenario, gold: 0 } }, "Prob");
  const differences = [...gold].flatMap(([seed, limit]) => {
    const [npo, ga] = ["NPO", "GA"].map((arm) => utilityAt(rows, arm, scenario, seed, { measure: "Prob", limit }));
    return npo === undefined || ga === undefined ? [] : [npo - ga];
  });
  const name = `${scenario}: the same, interpolated between scored steps to exactly gold's probability`;
  return differences.length < gold.size ? [] : [above(name, pairedInterval(differences), { limit: 0 })];
}
