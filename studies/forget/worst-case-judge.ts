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
  const has = (scenario: string) => rows.some((row) => row.setting?.scenario === scenario);
  /** By seed, a measure on one set minus the same on another. */
  const difference = (arms: readonly string[], a: string, b: string, measure: string): number[] => {
    const [first, second] = [values(arms, a, measure), values(arms, b, measure)];
    return first.map((value, i) => value - second[i]);
  };

  const gate = allOf("the originals have learned by heart", [
    atLeast("least training accuracy", least(rows, "trainAccuracy"), admission.trainAccuracy, "%"),
    atLeast("least gap to test accuracy", least(rows, "gap"), admission.gap, "points"),
  ]);
  const room = atLeast(
    "error of retrained models on random sets",
    mean(values(["gold"], "random", "UA")),
    leastRandomError,
    "%",
  );
  const retrained = difference(["gold"], "random", "worst", "UA");
  const a = above("retraining errs less on the worst set than on random ones, by", pairedInterval(retrained), {
    mean: retrainedGap,
    unit: "points",
  });
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
    ...(has("worst-GA")
      ? [
          clear(
            "transfer: UA of FT and RL, worst case by GA minus random",
            difference(["FT", "RL"], "worst-GA", "random", "UA"),
            "below",
          ),
        ]
      : []),
    ...(has("easiest")
      ? [clear("UA of retraining, easiest minus random", difference(["gold"], "easiest", "random", "UA"), "above")]
      : []),
    ...(has("low-gradient")
      ? [
          clear(
            "UA of retraining and FT, worst minus lowest gradient norm",
            difference(["gold", "FT"], "worst", "low-gradient", "UA"),
            "below",
          ),
        ]
      : []),
    clear("AvgGap of RL, worst minus random", difference(["RL"], "worst", "random", "AvgGap"), "above"),
  ];
  const conditions = [gate, room, a, b, c];
  const say = (verdict: Verdict, reason: string): Judgement => ({ verdict, reason, conditions, side });
  const told = (parts: readonly Condition[]) => parts.map(({ name, detail }) => `${name}: ${detail}`).join(" ");
  if (scale === "smoke") return say("not at this scale", "A smoke run gives no verdict.");
  if (!gate.holds) return say("not at this scale", `Nothing memorised, nothing to forget. ${gate.detail}`);
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

/** Holds when paired differences are clear of 0 on the side asked for: interval, and sign in every seed. */
function clear(name: string, differences: readonly number[], side: "above" | "below"): Condition {
  const of = side === "above" ? above : below;
  const holds = side === "above" ? clearlyAbove(differences) : clearlyBelow(differences);
  return { ...of(name, pairedInterval(differences), { limit: 0, unit: "points" }), holds };
}
