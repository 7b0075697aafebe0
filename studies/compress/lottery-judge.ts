import { bySeed, type Interval, mean, pairBySeed, widerInterval } from "../../src/lab/stats.js";
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

/**
 * The verdict on rows of the study: a pure function. (With three seeds all differences must have the claimed sign: a t
 * interval of three values that is clear of 0 implies it.)
 */
export function judgeLottery(rows: readonly Row[], scale: Scale): Judgement {
  const at = roundsAt(scale);
  /** Ticket minus another arm, over paired seeds. */
  const difference = (arm: string, round: number, measure = "testAtStop"): Interval => {
    const other = arm === "dense" ? arm : { arm, setting: { round } };
    return widerInterval(pairBySeed(rows, { a: { arm: "ticket", setting: { round } }, b: other, measure }).differences);
  };

  const fit = mean([...bySeed(rows, { arm: "dense" }, "trainFinal").values()]);
  const gate = atLeast("dense network's training accuracy", fit, gateTrainAccuracy, "%");
  const primary = allOf(
    "ticket beats reinit at early stop",
    at.primary.map((round) =>
      above(`ticket minus reinit, round ${round}`, difference("reinit", round), {
        mean: primaryGain,
        limit: 0,
        unit: "pp",
      }),
    ),
  );
  const second = allOf(
    "ticket keeps the dense network's accuracy",
    at.second.map((round) =>
      above(`ticket minus dense, round ${round}`, difference("dense", round), { limit: -allowedLoss, unit: "pp" }),
    ),
  );
  const third = below(
    `ticket stops earlier than dense, round ${at.third}`,
    difference("dense", at.third, "earlyStopStep"),
    { limit: 0, unit: "steps" },
  );
  const contradicted = allOf("ticket is worse than reinit, both trained to convergence", [
    ...at.primary.map((round) =>
      below(`ticket minus reinit, round ${round}`, difference("reinit", round), { limit: 0, unit: "pp" }),
    ),
    ...at.primary.flatMap((round) => ["ticket", "reinit"].map((arm) => converged(rows, arm, round))),
  ]);
  const side = at.random.flatMap((round) =>
    (["randomMask", "oneShot"] as const).map((arm) =>
      above(`ticket minus ${sideNames[arm]}, round ${round}`, difference(arm, round), { limit: 0, unit: "pp" }),
    ),
  );
  return decide({ gate, primary, rest: [second, third], contradicted, side });
}

const sideNames = { randomMask: "random mask", oneShot: "one-shot" } as const;

const converged = (rows: readonly Row[], arm: string, round: number): Condition => {
  const all = [...bySeed(rows, { arm, setting: { round } }, "converged").values()];
  const past = all.filter((value) => value === 1).length;
  const detail = `in ${past} of ${all.length} seeds the least validation loss came before the last evaluation (asked: all).`;
  return { name: `${arm} converged, round ${round}`, holds: past === all.length, detail };
};
