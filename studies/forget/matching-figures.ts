import { bandLine, type Figure, type MetricPoint, type Row } from "../../src/lab/index.js";
import { armNames } from "./matching-arms.js";
import { ridgeArms } from "./matching-ridge.js";

export function matchingFigures(rows: readonly Row[], metrics: readonly MetricPoint[]): readonly Figure[] {
  return [
    {
      name: "klom",
      title: "How far unlearned models are from retrained ones",
      caption:
        "KLoM, 95th percentile over rows, in nats: on forget rows and on rows that nobody trained on, over all models. Retrained " +
        "models against each other are the floor; nothing can be expected below it. Left: the rows of one class that lie " +
        "farthest along its first principal direction; right: random rows.",
      plot: (Plot) => {
        const points = rows
          .filter(({ setting, measures }) => setting?.models === "all" && "p95Forget" in measures)
          .map(({ arm, setting, measures }) => ({
            arm: armNames[arm as keyof typeof armNames],
            set: `${setting!.set} rows`,
            forget: measures.p95Forget,
            val: measures.p95Val,
          }));
        return {
          width: 760,
          height: 400,
          grid: true,
          x: { label: "KLoM on test rows", zero: true },
          y: { label: "KLoM on forget rows", zero: true },
          fx: { label: null },
          color: { domain: Object.values(armNames), scheme: "tableau10", legend: true },
          marks: [
            Plot.frame(),
            Plot.ruleY(
              points.filter(({ arm }) => arm === armNames.floor),
              { y: "forget", fx: "set", strokeDasharray: "4 3", strokeOpacity: 0.7 },
            ),
            Plot.ruleX(
              points.filter(({ arm }) => arm === armNames.floor),
              { x: "val", fx: "set", strokeDasharray: "4 3", strokeOpacity: 0.7 },
            ),
            Plot.dot(points, { x: "val", y: "forget", fx: "set", fill: "arm", r: 6 }),
          ],
        };
      },
    },
    {
      name: "lds",
      title: "Datamodels get better with more models behind them",
      caption:
        "Linear datamodelling score: rank correlation between predicted and actual margins of test rows after training on fresh " +
        "subsets, mean over rows. Dashed: the criterion's threshold.",
      plot: (Plot) =>
        bandLine(
          Plot,
          rows
            .filter(({ arm, setting }) => arm === "datamodels" && setting?.penalty !== "that of DMM")
            .map(({ arm, setting, measures }) => ({ arm, x: Number(setting?.models), y: measures.lds })),
          {
            x: { label: "models", log: true },
            y: { label: "LDS" },
            arms: { datamodels: "datamodels" },
            references: [{ at: 0.3, label: "asked" }],
          },
        ),
    },
    {
      name: "ridge",
      title: "Ridge regression: distance to the retrained parameters",
      caption:
        "Relative error of the parameters against full-batch iterations, mean over draws with its 95 % band, for each weight " +
        "lambda of the regulariser. The weaker it is, the more gradient descent on the retain set depends on directions in " +
        "which the retain rows hardly vary.",
      plot: (Plot) =>
        bandLine(
          Plot,
          metrics
            .filter(({ values, step }) => "error" in values && step > 0)
            .map(({ arm, step, setting, values }) => ({
              arm,
              x: step,
              y: values.error,
              panel: `lambda ${setting?.lambda}`,
            })),
          {
            x: { label: "iterations", log: true },
            y: { label: "relative error", log: true, domain: [1e-3, 1] },
            arms: ridgeArms,
            references: [{ at: 0.01, label: "1 %" }],
            dots: false,
            width: 900,
          },
        ),
    },
  ];
}
