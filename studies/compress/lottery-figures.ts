import { bandLine, type CurvePoint } from "../../src/lab/figures/marks.js";
import { mean } from "../../src/lab/stats.js";
import type { Figure, Row } from "../../src/lab/study.js";

const arms = {
  ticket: "ticket",
  reinit: "reinitialised",
  randomMask: "random mask",
  oneShot: "one-shot",
};

const density = (rows: readonly Row[]) => {
  const least = Math.min(...rows.map(({ setting }) => 100 * Number(setting?.density)));
  const ticks = [100, 70, 50, 40, 30, 20, 15, 10, 7, 5, 3, 2, 1].filter((tick) => tick >= least);
  return { label: "Weights left (%, log)", log: true, reverse: true, ticks };
};

/** Accuracy at early stop, and the early-stop step, against density. */
export function lotteryFigures(rows: readonly Row[]): readonly Figure[] {
  return [
    {
      name: "accuracy-density",
      title: "Test accuracy at early stop against density",
      caption:
        "Mean over seeds with its 95 % interval. Tickets keep the weights that training left largest and go back to their " +
        "first values; “reinitialised” has the same structure with new ones; “random mask” has another structure of the " +
        "same layerwise densities; “one-shot” was pruned in a single round.",
      plot: (Plot) =>
        bandLine(Plot, points(rows, "testAtStop"), {
          x: density(rows),
          y: { label: "Test accuracy at early stop (%)" },
          arms,
          references: denseReference(rows, "testAtStop"),
        }),
    },
    {
      name: "steps-density",
      title: "Early-stop step against density",
      caption:
        "The step of least validation loss: how fast a network learns. Mean over seeds with its 95 % interval; evaluated " +
        "every 100 steps.",
      plot: (Plot) =>
        bandLine(Plot, points(rows, "earlyStopStep"), {
          x: density(rows),
          y: { label: "Early-stop step" },
          arms,
          references: denseReference(rows, "earlyStopStep"),
        }),
    },
  ];
}

/** The dense network is where all lines would begin; it is drawn as the tickets' first point. */
const points = (rows: readonly Row[], measure: string): CurvePoint[] =>
  rows.map(({ arm, setting, measures }) => ({
    arm: arm === "dense" ? "ticket" : arm,
    x: 100 * Number(setting?.density),
    y: measures[measure],
  }));

function denseReference(rows: readonly Row[], measure: string) {
  const dense = rows.filter(({ arm }) => arm === "dense").map(({ measures }) => measures[measure]);
  return dense.length > 0 ? [{ at: mean(dense), label: "dense" }] : [];
}
