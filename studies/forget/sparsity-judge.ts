import {
  allOf,
  atLeast,
  atMost,
  bySeed,
  type Condition,
  type Judgement,
  mean,
  pairBySeed,
  type Row,
  type Scale,
  type Verdict,
} from "../../src/lab/index.js";
import { admission } from "./bench.js";
import { clearlyAbove, clearlyBelow, pairedInterval } from "./conventions.js";

const methods = ["FT", "GA", "IU"] as const;
/** The sparsity of the criterion; smoke goes less far. */
const sparsityAt = (scale: Scale): number => (scale === "smoke" ? 0.9 : 0.95);
/** Points of accuracy on the retain set that l1-sparse may cost. */
const allowedLoss = 3;

const dense = (scenario: string) => ({ scenario, sparsity: 0 });

/** The verdict of sparsity-simplifies-unlearning, from its rows alone. See the study's `criterion`. */
export function judgeSparsity(rows: readonly Row[], scale: Scale): Judgement {
  const scenarios = [...new Set(rows.flatMap(({ setting }) => setting?.scenario ?? []))].map(String);
  const gate = allOf(
    "the originals have learned by heart",
    scenarios.flatMap((scenario) => admits(rows, scenario)),
  );
  const best = bestFinetuning(rows);
  const first = allOf("l1-sparse against the best fine-tuning, class", [
    above(`UA of l1-sparse minus UA of ${best}`, paired(rows, "l1-sparse", best, "UA"), "points"),
    lower(`AvgGap of l1-sparse minus AvgGap of ${best}`, paired(rows, "l1-sparse", best, "AvgGap")),
    atMost("RA lost by l1-sparse", mean(paired(rows, "original", "l1-sparse", "RA")), allowedLoss, "points"),
  ]);
  const sparse = sparsityAt(scale);
  const changes = methods.map((method) => gapChange(rows, [method], scenarios, sparse));
  const second = below(
    `AvgGap at sparsity ${sparse} minus dense, mean of ${methods.join(", ")}`,
    gapChange(rows, methods, scenarios, sparse),
  );
  const worse = methods.filter((_, i) => clearlyAbove(changes[i]));

  const conditions = [gate, first, second];
  const side = methods.map((method, i) => below(`AvgGap at sparsity ${sparse} minus dense, ${method}`, changes[i]));
  const say = (verdict: Verdict, reason: string): Judgement => ({ verdict, reason, conditions, side });
  const told = (parts: readonly Condition[]) => parts.map(({ name, detail }) => `${name}: ${detail}`).join(" ");
  if (!gate.holds) return say("not at this scale", `Nothing memorised, nothing to forget. ${gate.detail}`);
  if (worse.length >= 2)
    return say("contradicted", `Sparsity widens the gap for ${worse.join(" and ")}. ${told(side)}`);
  if (first.holds && second.holds) return say("replicated", told([first, second]));
  if (first.holds || second.holds) return say("partly", told([first, second]));
  return say("not at this scale", told([first, second]));
}

/** Whether the dense originals of a scenario fit their training set, and are worse on others. */
function admits(rows: readonly Row[], scenario: string): Condition[] {
  const least = (measure: string) =>
    Math.min(...bySeed(rows, { arm: "original", setting: dense(scenario) }, measure).values());
  return [
    atLeast(`least training accuracy, ${scenario}`, least("trainAccuracy"), admission.trainAccuracy, "%"),
    atLeast(`least gap to test accuracy, ${scenario}`, least("gap"), admission.gap, "points"),
  ];
}

/** The fine-tuning that came nearest to gold on the tuning seed, ordinary or with high learning rates. */
function bestFinetuning(rows: readonly Row[]): string {
  const tuned = (arm: string) =>
    rows.find(
      ({ arm: own, setting, measures }) =>
        own === arm && setting?.scenario === "class" && setting.sparsity === 0 && "tuningGap" in measures,
    )?.measures.tuningGap ?? Number.POSITIVE_INFINITY;
  return tuned("FT-high-lr") < tuned("FT") ? "FT-high-lr" : "FT";
}

const paired = (rows: readonly Row[], a: string, b: string, measure: string): readonly number[] =>
  pairBySeed(rows, { a: { arm: a, setting: dense("class") }, b: { arm: b, setting: dense("class") }, measure })
    .differences;

/** By seed: what sparsity adds to the AvgGap, on average over methods and scenarios. */
function gapChange(
  rows: readonly Row[],
  arms: readonly string[],
  scenarios: readonly string[],
  sparsity: number,
): readonly number[] {
  const all = arms.flatMap((arm) =>
    scenarios.map(
      (scenario) =>
        pairBySeed(rows, {
          a: { arm, setting: { scenario, sparsity } },
          b: { arm, setting: dense(scenario) },
          measure: "AvgGap",
        }).differences,
    ),
  );
  return all[0].map((_, seed) => mean(all.map((differences) => differences[seed])));
}

const above = (name: string, differences: readonly number[], unit: string): Condition =>
  signed(name, differences, clearlyAbove(differences), `above 0, in ${unit}`);

const below = (name: string, differences: readonly number[]): Condition =>
  signed(name, differences, clearlyBelow(differences), "below 0, in points");

/** Holds when the mean difference is below 0. */
const lower = (name: string, differences: readonly number[]): Condition =>
  signed(name, differences, mean(differences) < 0, "mean below 0, in points");

function signed(name: string, differences: readonly number[], holds: boolean, asked: string): Condition {
  const { mean: estimate, low, high, n } = pairedInterval(differences);
  const interval = Number.isFinite(low) && Number.isFinite(high) ? { interval: [low, high] as const } : {};
  const text = interval.interval ? ` [${low.toFixed(2)}, ${high.toFixed(2)}]` : "";
  return {
    name,
    holds,
    detail: `${estimate.toFixed(2)}${text} over ${n} seeds (asked: ${asked}).`,
    estimate,
    ...interval,
  };
}
