import { bandLine, type Figure, type MetricPoint, type Row } from "../../src/lab/index.js";
import { trajectoryFigure } from "./track-l-figures.js";

const arms = { GA: "GA", GradDiff: "GradDiff", NPO: "NPO", "NPO+RT": "NPO+RT", "NPO+KL": "NPO+KL", DPO: "DPO" };

export function negativePreferenceFigures(rows: readonly Row[], metrics: readonly MetricPoint[]): readonly Figure[] {
  return [
    trajectoryFigure(rows, arms, {
      measure: "Prob",
      label: "Mean probability of the answers to be forgotten",
    }),
    {
      name: "distance",
      title: "How far logistic regression is carried away",
      caption:
        "Distance of the parameters from where they started, by steps; mean over draws in a band of its 95 % interval. " +
        "Gradient ascent goes on at a constant rate, NPO like a logarithm.",
      plot: (Plot) =>
        bandLine(
          Plot,
          metrics
            .filter(({ arm }) => arm === "toy")
            .flatMap(({ step, values }) => (["ga", "npo"] as const).map((arm) => ({ arm, x: step, y: values[arm] }))),
          {
            x: { label: "steps (log)", log: true },
            y: { label: "distance from the start (log)", log: true },
            arms: { ga: "GA", npo: "NPO" },
          },
        ),
    },
  ];
}
