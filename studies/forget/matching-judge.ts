import { allOf, atLeast, atMost, bySeed, type Condition, type Judgement, type Row } from "../../src/lab/index.js";
import { armNames, baselines } from "./matching-arms.js";

/** The criterion's numbers. */
const leastLds = 0.3;
const floorFactor = 1.5;

const short = (value: number): string => String(Number(value.toPrecision(3))).replace("-", "−");

/** The verdict on rows of the study: a pure function. */
export function judgeMatching(rows: readonly Row[]): Judgement {
  const scores = rows.filter(({ arm }) => arm === "datamodels");
  const [used, fitted] = ["that of DMM", "best on held-out subsets"].map(
    (penalty) => scores.filter(({ setting }) => setting?.penalty === penalty).at(-1)!.measures.lds,
  );
  const gate = atLeast("LDS of the datamodels", fitted, leastLds);
  const partA = ridgeCondition(rows);
  const { condition: partB, reversed } = networkCondition(rows, "aligned");
  const conditions = [gate, partA, partB];
  const sets = new Set(rows.filter(({ arm }) => arm === "original").map(({ setting }) => setting?.set));
  const side = [
    atLeast("LDS of the datamodels with DMM's penalty", used, leastLds),
    ...(sets.has("random") ? [networkCondition(rows, "random").condition] : []),
    ...ridgeByLambda(rows, "omHalf"),
  ];
  const say = (verdict: Judgement["verdict"], reason: string): Judgement => ({ verdict, reason, conditions, side });
  if (!gate.holds) return say("not at this scale", `The datamodels predict too little. ${gate.name}: ${gate.detail}`);
  if (partA.holds && partB.holds) return say("replicated", "Both parts hold.");
  if (partB.holds) return say("partly", `The part on networks holds; not so ${partA.name}: ${partA.detail}`);
  if (partA.holds) return say("partly", `The convex part holds; not so ${partB.name}: ${partB.detail}`);
  if (reversed) return say("contradicted", `Datamodel matching is worse than the best baseline. ${partB.detail}`);
  return say("not at this scale", `Neither part holds. ${partA.detail} ${partB.detail}`);
}

/** Fewer iterations than gradient descent, on every draw at every lambda. */
const ridgeCondition = (rows: readonly Row[]): Condition => ({
  ...allOf("(A) oracle matching takes fewer iterations than gradient descent on every draw", ridgeByLambda(rows, "om")),
});

function ridgeByLambda(rows: readonly Row[], arm: string): Condition[] {
  const lambdas = [...new Set(rows.filter((row) => row.arm === arm).map(({ setting }) => Number(setting?.lambda)))];
  return lambdas.map((lambda) => {
    const of = (which: string, measure: string) => bySeed(rows, { arm: which, setting: { lambda } }, measure);
    const [own, gd] = [of(arm, "iterations"), of("gd", "iterations")];
    const reached = of(arm, "reached");
    const draws = [...own.keys()];
    const fewer = draws.filter((draw) => reached.get(draw) === 1 && own.get(draw)! < gd.get(draw)!).length;
    const middle = (values: ReadonlyMap<number, number>) =>
      [...values.values()].sort((a, b) => a - b)[Math.floor(values.size / 2)];
    const detail =
      `fewer on ${fewer} of ${draws.length} draws (median ${middle(own)} against ${middle(gd)} iterations to 1 %; asked: ` +
      "on all).";
    const name = `${arm === "om" ? "" : "half of the weight on forget rows, "}lambda ${lambda}`;
    return { name, holds: fewer === draws.length, detail };
  });
}

/** Nearer to the golds on forget rows than the best baseline, with retain and other rows near the noise floor. */
function networkCondition(rows: readonly Row[], set: string): { condition: Condition; reversed: boolean } {
  const of = (arm: string, measure: string): number | undefined =>
    rows.find((row) => row.arm === arm && row.setting?.set === set && row.setting.models === "all")?.measures[measure];
  const known = baselines.filter((arm) => of(arm, "klomForget") !== undefined);
  const best = known.toSorted((a, b) => of(a, "klomForget")! - of(b, "klomForget")!)[0];
  const gain = rows.find(({ arm, setting }) => arm === "dmm" && setting?.set === set && setting.against === best);
  if (!gain) {
    const detail = "datamodel matching or every baseline diverged.";
    return { condition: { name: `(B) ${set} set`, holds: false, detail }, reversed: false };
  }
  const { gain: mean, gainLow: low, gainHigh: high } = gain.measures;
  const lower: Condition = {
    name: `KLoM on forget rows, best baseline (${armNames[best]}) minus DMM`,
    holds: low > 0,
    detail:
      `${short(mean)} nats [${short(low)}, ${short(high)}], ${short(of(best, "klomForget")!)} against ` +
      `${short(of("dmm", "klomForget")!)} over all models (asked: interval above 0).`,
    estimate: mean,
    interval: [low, high],
  };
  const near = (["klomRetain", "klomVal"] as const).map((measure) =>
    atMost(
      `KLoM of DMM on ${measure === "klomRetain" ? "retain" : "test"} rows`,
      of("dmm", measure)!,
      floorFactor * of("floor", measure)!,
      "nats",
    ),
  );
  return { condition: allOf(`(B) DMM on the ${set} set`, [lower, ...near]), reversed: high < 0 };
}
