import {
  allOf,
  atLeast,
  below,
  type Condition,
  type Judgement,
  mean,
  pairBySeed,
  type Row,
  type Scale,
  signCount,
} from "../../src/lab/index.js";
import { type Admission, admission } from "./bench.js";
import { clearlyBelow, pairedInterval } from "./conventions.js";
import { scenariosC } from "./track-c.js";

const supervised = ["FT", "GradDiff", "RL"] as const;
/** How much worse than the best supervised arm still counts as equal, in points of AvgGap. */
const margin = 2;
const measure = "AvgGap";

/** The verdict of label-agnostic-forgetting, from its rows alone. See the study's `criterion`. */
export function judgeLabelAgnostic(rows: readonly Row[], scale: Scale): Judgement {
  if (scale === "smoke") return judgeSmoke(rows);
  const gate = memorised(rows);
  const whole = claimFor(rows, "LAF");
  const repaired = claimFor(rows, "LAF+R");
  const conditions = [gate, whole.near, ...whole.scenarios.map(({ condition }) => condition)];
  const side = [
    repaired.near,
    ...repaired.scenarios.map(({ condition }) => condition),
    worse(rows, "no-alignment"),
    worse(rows, "no-extraction"),
  ];
  const say = (verdict: Judgement["verdict"], reason: string): Judgement => ({ verdict, reason, conditions, side });
  if (!gate.holds) return say("not at this scale", `Nothing memorised, nothing to forget. ${gate.detail}`);
  if (whole.holds) return say("replicated", `${whole.near.name}: ${whole.near.detail}`);
  const holding = whole.scenarios.filter(({ holds }) => holds).map(({ scenario }) => scenario);
  if (holding.length >= 2) return say("partly", `It holds in ${holding.join(" and ")} only.`);
  if (repaired.holds) return say("partly", `Only with repair by labels does it hold. ${repaired.near.detail}`);
  const useless = whole.scenarios.filter(({ gain }) => gain >= 0).map(({ scenario }) => scenario);
  if (useless.length >= 2)
    return say("contradicted", `LAF is not nearer to gold than the original in ${useless.join(" and ")}.`);
  return say("not at this scale", `It holds in ${holding.join(", ") || "no scenario"}. ${whole.near.detail}`);
}

interface Claim {
  readonly holds: boolean;
  /** Not worse than the best supervised arm, averaged over scenarios. */
  readonly near: Condition;
  readonly scenarios: readonly {
    readonly scenario: string;
    /** AvgGap minus the original's: negative is better. */
    readonly gain: number;
    /** Whether it is near the best supervised arm and better than the original here. */
    readonly holds: boolean;
    readonly condition: Condition;
  }[];
}

function claimFor(rows: readonly Row[], arm: string): Claim {
  const perScenario = scenariosC.map((scenario) => {
    const best = bestSupervised(rows, [scenario]);
    const against = (other: string) => differences(rows, arm, other, [scenario]);
    const near = equal(`${scenario}: ${arm} minus ${best}`, against(best));
    const gain = against("original");
    const better = lower(`${scenario}: ${arm} minus the original`, gain);
    return { scenario, gain: mean(gain), holds: near.holds && better.holds, near, better };
  });
  const best = bestSupervised(rows, scenariosC);
  const near = equal(`${arm} minus ${best}, over all scenarios`, differences(rows, arm, best, scenariosC));
  return {
    holds: near.holds && perScenario.every(({ better }) => better.holds),
    near,
    scenarios: perScenario.map(({ near, better, ...rest }) => ({
      ...rest,
      condition: allOf(`${rest.scenario}: ${arm} is better than the original and near the best supervised arm`, [
        better,
        near,
      ]),
    })),
  };
}

/** The supervised arm with a row for every seed and the lowest mean AvgGap: chosen with hindsight, which is hard on LAF. */
function bestSupervised(rows: readonly Row[], scenarios: readonly string[]): string {
  const own = rows.filter(
    ({ setting, measures }) => scenarios.includes(String(setting?.scenario)) && measure in measures,
  );
  const gaps = supervised.map((name) => ({
    name,
    values: own.filter(({ arm }) => arm === name).map(({ measures }) => measures[measure]),
  }));
  // An arm that diverged on a seed has no row there, and is not the best.
  const all = Math.max(...gaps.map(({ values }) => values.length));
  const [best] = gaps
    .filter(({ values }) => values.length === all)
    .map(({ name, values }) => ({ name, gap: mean(values) }))
    .sort((a, b) => a.gap - b.gap);
  return best.name;
}

/** The difference in AvgGap of two arms for each seed, averaged over scenarios. */
function differences(rows: readonly Row[], a: string, b: string, scenarios: readonly string[]): number[] {
  const each = scenarios.map((scenario) => {
    const setting = { scenario };
    return pairBySeed(rows, { a: { arm: a, setting }, b: { arm: b, setting }, measure }).differences;
  });
  return each[0].map((_, i) => mean(each.map((own) => own[i])));
}

/** Non-inferiority: the upper end of the interval lies below the margin. */
const equal = (name: string, values: readonly number[]): Condition =>
  below(name, pairedInterval(values), { limit: margin, unit: "points" });

/** Holds when paired differences are clearly below 0. */
function lower(name: string, values: readonly number[]): Condition {
  const condition = below(name, pairedInterval(values), { limit: 0, unit: "points" });
  const detail = `${condition.detail} ${signCount(values, -1)} of ${values.length} seeds agree.`;
  return { ...condition, holds: clearlyBelow(values), detail };
}

/** Whether leaving a step out makes LAF worse over all scenarios. */
function worse(rows: readonly Row[], ablation: string): Condition {
  return lower(`LAF minus ${ablation}, over all scenarios`, differences(rows, "LAF", ablation, scenariosC));
}

/** Every original must have learned its training set by heart. */
function memorised(rows: readonly Row[]): Condition {
  const least = (name: keyof Admission) =>
    Math.min(
      ...rows.filter(({ arm, measures }) => arm === "original" && name in measures).map((row) => row.measures[name]),
    );
  return allOf("the originals have learned by heart", [
    atLeast("least training accuracy", least("trainAccuracy"), admission.trainAccuracy, "%"),
    atLeast("least gap to test accuracy", least("gap"), admission.gap, "points"),
  ]);
}

/** A smoke run gives no verdict; it shows that the original learned, and that no arm destroys it. */
function judgeSmoke(rows: readonly Row[]): Judgement {
  const conditions = rows
    .filter(({ arm }) => arm !== "floor")
    .map(
      ({ arm, setting, measures: { TA } }): Condition => ({
        name: `${arm} still classifies (${setting?.scenario})`,
        holds: TA > 60,
        detail: `Test accuracy ${TA.toFixed(1)} % (asked: above 60).`,
      }),
    );
  const fine = conditions.length > 0 && conditions.every(({ holds }) => holds);
  return fine
    ? { verdict: "not at this scale", reason: "A smoke run gives no verdict; every arm classifies.", conditions }
    : { verdict: "invalid", reason: "An arm no longer classifies.", conditions };
}
