import {
  above,
  allOf,
  atMost,
  type Condition,
  type Judgement,
  mean,
  pairBySeed,
  type Row,
  type Scale,
  signCount,
} from "../../src/lab/index.js";
import { clearlyAbove, pairedInterval } from "./conventions.js";

const range = { scenario: "range" };
/** The retain rows' error may be so many times that of a retrained model. */
const retainLimit = 1.15;

/** The verdict of deep-regression-unlearning, from its rows alone. See the study's `criterion`. */
export function judgeDeepRegression(rows: readonly Row[], scale: Scale): Judgement {
  if (scale === "smoke") return judgeSmoke(rows);
  const nearer = (arm: string, than: string) => closer(rows, arm, than);
  const kept = (arm: string) => retained(rows, arm);
  const blindspot = {
    FT: nearer("blindspot", "FT"),
    GradDiff: nearer("blindspot", "GradDiff"),
    kept: kept("blindspot"),
  };
  const amnesiac = { FT: nearer("amnesiac", "FT"), kept: kept("amnesiac") };
  const whole = allOf("Blindspot beats FT and GradDiff and keeps the rest", Object.values(blindspot));
  const passes = [
    allOf("Blindspot beats FT and keeps the rest", [blindspot.FT, blindspot.kept]),
    allOf("Gaussian amnesiac beats FT and keeps the rest", [amnesiac.FT, amnesiac.kept]),
  ];
  const conditions = [...Object.values(blindspot), ...Object.values(amnesiac)];
  const side = sideClaims(rows);
  const say = (verdict: Judgement["verdict"], reason: string): Judgement => ({ verdict, reason, conditions, side });
  if (whole.holds) return say("replicated", `${whole.name}. ${whole.detail}`);
  const passed = passes.filter(({ holds }) => holds);
  if (passed.length > 0) return say("partly", passed.map(({ name, detail }) => `${name}. ${detail}`).join(" "));
  const { interval } = blindspot.FT;
  if (interval && interval[1] < 0)
    return say("contradicted", `Blindspot is further from retraining. ${blindspot.FT.detail}`);
  return say(
    "not at this scale",
    `Neither method passes. ${conditions.map(({ name, detail }) => `${name}: ${detail}`).join(" ")}`,
  );
}

/** The distance of predictions on the forget set from those of retrained models: another arm's minus this arm's. */
function closer(rows: readonly Row[], arm: string, than: string, setting: Row["setting"] = range): Condition {
  const { differences } = pairBySeed(rows, { a: { arm: than, setting }, b: { arm, setting }, measure: "W1" });
  return positive(`W1 of ${than} minus W1 of ${arm}`, differences);
}

/** Holds when paired differences are clearly above 0. */
function positive(name: string, differences: readonly number[]): Condition {
  const condition = above(name, pairedInterval(differences), { limit: 0 });
  const detail = `${condition.detail} ${signCount(differences, 1)} of ${differences.length} seeds agree.`;
  return { ...condition, holds: clearlyAbove(differences), detail };
}

/** The error on test rows like those to keep, relative to that of retrained models. */
function retained(rows: readonly Row[], arm: string): Condition {
  const { a, b } = pairBySeed(rows, { a: { arm, setting: range }, b: { arm: "gold", setting: range }, measure: "TA" });
  return atMost(`error of ${arm} on retain test rows, relative to retraining`, mean(a) / mean(b), retainLimit);
}

/** What is reported beside the verdict. */
function sideClaims(rows: readonly Row[]): Condition[] {
  const random = { scenario: "random10" };
  const has = (arm: string, setting: Row["setting"]) =>
    rows.some((row) => row.arm === arm && row.setting?.scenario === setting?.scenario);
  return [
    ...(has("no-attention", range) ? [closer(rows, "blindspot", "no-attention")] : []),
    ...(has("proxy-only", range) ? [closer(rows, "blindspot", "proxy-only"), retained(rows, "proxy-only")] : []),
    ...(has("full-proxy", range) ? [closer(rows, "blindspot", "full-proxy")] : []),
    ...(has("blindspot", random) ? [closer(rows, "blindspot", "FT", random)] : []),
  ];
}

/** A smoke run gives no verdict; it shows that models learned, and that methods do not ruin them. */
function judgeSmoke(rows: readonly Row[]): Judgement {
  const conditions = rows
    .filter(({ arm }) => arm !== "floor")
    .map(
      ({ arm, measures: { RA } }): Condition => ({
        name: `${arm} knows the rows to keep`,
        holds: RA < 20,
        detail: `Mean absolute error on retain rows ${RA.toFixed(1)} % (asked: below 20).`,
      }),
    );
  const fine = conditions.length > 0 && conditions.every(({ holds }) => holds);
  return fine
    ? { verdict: "not at this scale", reason: "A smoke run gives no verdict; every arm knows the rest.", conditions }
    : { verdict: "invalid", reason: "An arm does not know the rows to keep.", conditions };
}
