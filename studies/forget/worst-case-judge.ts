import {
  above,
  allOf,
  atLeast,
  atMost,
  below,
  type Condition,
  type Judgement,
  mean,
  type Row,
  type Scale,
  type Verdict,
} from "../../src/lab/index.js";
import { admission } from "./bench.js";
import { clearlyAbove, clearlyBelow, pairedInterval } from "./conventions.js";

/** The criterion's numbers, in points. */
const retrainedGap = 5;
const testChange = 2;
const leastRandomError = 5;
const methods = ["FT", "GA", "RL"] as const;

/** The verdict of worst-case-forget-sets, from its rows alone. See the study's `criterion`. */
export function judgeWorstCase(rows: readonly Row[], scale: Scale): Judgement {
  const seeds = [...new Set(rows.map(({ seed }) => seed))].sort((a, b) => a - b);
  /** By seed, the mean over arms, and over draws where a set was drawn several times. */
  const values = (arms: readonly string[], scenario: string, measure: string): number[] =>
    seeds.map((seed) =>
      mean(
        rows
          .filter((row) => row.seed === seed && arms.includes(row.arm) && row.setting?.scenario === scenario)
          .map(({ measures }) => measures[measure]),
      ),
    );
  /** Whether these methods have a row for each retrained model on such sets: one that diverged has none. */
  const has = (scenario: string, arms: readonly string[]) =>
    seeds.every((seed) => {
      const count = (arm: string) =>
        rows.filter((row) => row.seed === seed && row.arm === arm && row.setting?.scenario === scenario).length;
      return count("gold") > 0 && arms.every((arm) => count(arm) === count("gold"));
    });
  /** By seed, a measure on one set minus the same on another. */
  const difference = (arms: readonly string[], a: string, b: string, measure: string): number[] => {
    const [first, second] = [values(arms, a, measure), values(arms, b, measure)];
    return first.map((value, i) => value - second[i]);
  };

  const gate = allOf("the originals have learned by heart", [
    atLeast("least training accuracy", least(rows, "trainAccuracy"), admission.trainAccuracy, "%"),
    atLeast("least gap to test accuracy", least(rows, "gap"), admission.gap, "points"),
  ]);
  const complete: Condition = {
    name: "no method that is judged diverged",
    holds: has("random", methods) && has("worst", methods) && has("low-loss", ["FT"]),
    detail: "Asked: FT, GA and RL on each random and worst-case set, FT on the rows of lowest loss.",
  };
  const room = atLeast(
    "error of retrained models on random sets",
    mean(values(["gold"], "random", "UA")),
    leastRandomError,
    "%",
  );
  const retrained = difference(["gold"], "random", "worst", "UA");
  const a = clear("UA of retraining, random minus worst", retrained, "above", retrainedGap);
  const b = allOf("so do FT, GA and RL, and the test set hardly notices", [
    clear("UA, worst minus random", difference(methods, "worst", "random", "UA"), "below"),
    clear("MIA, worst minus random", difference(methods, "worst", "random", "MIA"), "below"),
    atMost("change of TA", mean(difference(methods, "worst", "random", "TA").map(Math.abs)), testChange, "points"),
  ]);
  const c = clear(
    "UA of retraining and FT, worst minus lowest loss",
    difference(["gold", "FT"], "worst", "low-loss", "UA"),
    "below",
  );
  const side = [
    ...(has("worst-GA", ["FT", "RL"])
      ? [
          clear(
            "transfer: UA of FT and RL, worst case by GA minus random",
            difference(["FT", "RL"], "worst-GA", "random", "UA"),
            "below",
          ),
        ]
      : []),
    ...(has("easiest", [])
      ? [clear("UA of retraining, easiest minus random", difference(["gold"], "easiest", "random", "UA"), "above")]
      : []),
    ...(has("low-gradient", ["FT"])
      ? [
          clear(
            "UA of retraining and FT, worst minus lowest gradient norm",
            difference(["gold", "FT"], "worst", "low-gradient", "UA"),
            "below",
          ),
        ]
      : []),
    ...(has("worst", ["RL"]) && has("random", ["RL"])
      ? [clear("AvgGap of RL, worst minus random", difference(["RL"], "worst", "random", "AvgGap"), "above")]
      : []),
  ];
  const conditions = [gate, complete, room, a, b, c];
  const say = (verdict: Verdict, reason: string): Judgement => ({ verdict, reason, conditions, side });
  const told = (parts: readonly Condition[]) => parts.map(({ name, detail }) => `${name}: ${detail}`).join(" ");
  if (scale === "smoke") return say("not at this scale", "A smoke run gives no verdict.");
  if (!gate.holds) return say("not at this scale", `Nothing memorised, nothing to forget. ${gate.detail}`);
  if (!complete.holds)
    return say("not at this scale", `Means would be those of different methods on different sets. ${complete.detail}`);
  if (!room.holds)
    return say(
      "not at this scale",
      `Retrained models fit random sets already, so that none can be worse. ${told([room])}`,
    );
  if (mean(retrained) <= 0) return say("contradicted", `The worst set is no harder than random ones. ${told([a])}`);
  if (a.holds && b.holds && c.holds) return say("replicated", told([a, b, c]));
  if (a.holds && b.holds)
    return say(
      "partly",
      `The search finds no harder rows than a sort by loss does, and buys nothing here. ${told([a, b, c])}`,
    );
  return say("not at this scale", told([a, b, c]));
}

const least = (rows: readonly Row[], measure: string): number =>
  Math.min(...rows.filter((row) => measure in row.measures).map(({ measures }) => measures[measure]));

/** Holds when paired differences are clear of 0 on the side asked for: interval, sign in every seed, and mean if asked. */
function clear(name: string, differences: readonly number[], side: "above" | "below", atLeastBy?: number): Condition {
  const of = side === "above" ? above : below;
  const condition = of(name, pairedInterval(differences), { mean: atLeastBy, limit: 0, unit: "points" });
  const agree = side === "above" ? clearlyAbove(differences) : clearlyBelow(differences);
  return { ...condition, holds: condition.holds && agree };
}
