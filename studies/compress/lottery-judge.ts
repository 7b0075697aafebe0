import { bySeed, mean, type PairOptions, pairBySeed, signCount, widerInterval } from "../../src/lab/stats.js";
import type { Condition, Judgement, Row, Scale } from "../../src/lab/study.js";
import { above, allOf, atLeast, below, decide } from "../../src/lab/verdict.js";

/** The criterion's numbers, fixed before anything ran. */
const gateTrainAccuracy = 93;
const primaryGain = 0.4;
const allowedLoss = 0.2;

/** The criterion's rounds; at smoke scale, with 4 rounds, others stand in for them. */
const roundsAt = (scale: Scale) =>
  scale === "smoke"
    ? { primary: [3, 4], second: [2, 3], third: 2, random: [2, 4] }
    : { primary: [9, 12], second: [7, 9], third: 7, random: [7, 12] };

/** The verdict on rows of the study: a pure function. */
export function judgeLottery(rows: readonly Row[], scale: Scale): Judgement {
  const at = roundsAt(scale);
  const ticket = (round: number) => ({ arm: "ticket", setting: { round } });
  const minus = (arm: string, round: number, measure = "testAtStop"): PairOptions => ({
    a: ticket(round),
    b: arm === "dense" ? arm : { arm, setting: { round } },
    measure,
  });
  const gains = (arm: string, round: number) => pairBySeed(rows, minus(arm, round)).differences;

  const dense = [...bySeed(rows, { arm: "dense" }, "trainFinal").values()];
  const gate = atLeast("dense network's training accuracy", mean(dense), gateTrainAccuracy, "%");

  const primary = allOf(
    "ticket beats reinit at early stop",
    at.primary.map((round) => {
      const diffs = gains("reinit", round);
      const bounds = { mean: primaryGain, limit: 0, unit: "pp" };
      return agreeing(above(`ticket minus reinit, round ${round}`, widerInterval(diffs), bounds), diffs, 1);
    }),
  );

  const second = allOf(
    "ticket keeps the dense network's accuracy",
    at.second.map((round) => {
      const diffs = gains("dense", round);
      const bounds = { limit: -allowedLoss, unit: "pp" };
      const inside = diffs.map((d) => d + allowedLoss);
      return agreeing(above(`ticket minus dense, round ${round}`, widerInterval(diffs), bounds), inside, 1);
    }),
  );

  const steps = pairBySeed(rows, minus("dense", at.third, "earlyStopStep")).differences;
  const third = agreeing(
    below(`ticket stops earlier than dense, round ${at.third}`, widerInterval(steps), { limit: 0, unit: "steps" }),
    steps,
    -1,
  );

  const contradicted = allOf("ticket is worse than reinit, both trained to convergence", [
    ...at.primary.map((round) => {
      const diffs = gains("reinit", round);
      const bounds = { limit: 0, unit: "pp" };
      return agreeing(below(`ticket minus reinit, round ${round}`, widerInterval(diffs), bounds), diffs, -1);
    }),
    ...at.primary.flatMap((round) => ["ticket", "reinit"].map((arm) => converged(rows, arm, round))),
  ]);

  const side = at.random.flatMap((round) =>
    (["randomMask", "oneShot"] as const).map((arm) =>
      above(`ticket minus ${sideNames[arm]}, round ${round}`, widerInterval(gains(arm, round)), {
        limit: 0,
        unit: "pp",
      }),
    ),
  );

  return decide({ gate, primary, rest: [second, third], contradicted, side });
}

const sideNames = { randomMask: "random mask", oneShot: "one-shot" } as const;

/** With three seeds an interval is not enough: all of them must have the claimed sign. */
function agreeing(condition: Condition, diffs: readonly number[], sign: 1 | -1): Condition {
  if (diffs.length !== 3 || signCount(diffs, sign) === 3) return condition;
  return { ...condition, holds: false, detail: `${condition.detail} The three seeds do not agree in sign.` };
}

const converged = (rows: readonly Row[], arm: string, round: number): Condition => {
  const all = [...bySeed(rows, { arm, setting: { round } }, "converged").values()];
  const past = all.filter((value) => value === 1).length;
  const detail = `in ${past} of ${all.length} seeds the least validation loss came before the last evaluation (asked: all).`;
  return { name: `${arm} converged, round ${round}`, holds: past === all.length, detail };
};
