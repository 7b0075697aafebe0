import { bandLine, dotInterval, type Figure, type MetricPoint, type Row } from "../../src/lab/index.js";
import { sets } from "./worst-case-sets.js";

const methods = { gold: "Retraining", FT: "FT", GA: "GA", RL: "RL", "l1-sparse": "l1-sparse" } as const;

/** Steps of half a power of ten: the loss at the lower end of a bin of `lossHistogram`. */
const lowestPower = -8;
export const lossBins = 18;

/** The share of losses in each bin, the first and the last open to their side. */
export function lossHistogram(losses: readonly number[]): number[] {
  const counts = new Array(lossBins).fill(0);
  for (const loss of losses) {
    const bin = Math.floor(2 * (Math.log10(loss) - lowestPower));
    counts[Math.min(Math.max(bin, 0), lossBins - 1)] += 1 / losses.length;
  }
  return counts;
}

export function worstCaseFigures(rows: readonly Row[], metrics: readonly MetricPoint[]): readonly Figure[] {
  return [
    {
      name: "unlearning-accuracy",
      title: "Error on the forget set, by how the set was chosen",
      caption:
        "A dot for each seed (and each draw of random sets), the mean with its 95 % interval. Retraining is exact; where it " +
        "errs little, the rows can be told from what is left, and no method can make a model forget them.",
      plot: (Plot) =>
        dotInterval(
          Plot,
          rows
            .filter(({ arm, measures }) => arm in methods && "UA" in measures)
            .map(({ arm, setting, measures }) => ({
              arm: String(setting?.scenario),
              panel: methods[arm as keyof typeof methods],
              value: measures.UA,
            })),
          { value: { label: "Error on the forget set (%)" }, arms: shown(rows) },
        ),
    },
    {
      name: "original-loss",
      title: "Loss under the original model of the chosen rows",
      caption:
        "Share of rows in steps of half a power of ten; mean over seeds. The bins at the ends hold what lies beyond.",
      plot: (Plot) =>
        bandLine(
          Plot,
          metrics
            .filter(({ values }) => "share" in values)
            .map(({ setting, step, values }) => ({
              arm: String(setting?.scenario),
              x: lowestPower + step / 2,
              y: values.share,
            })),
          {
            x: { label: "Loss of the row (power of ten)" },
            y: { label: "Share of the set", format: "%" },
            arms: shown(rows),
          },
        ),
    },
  ];
}

/** The sets that were measured, with their names. */
const shown = (rows: readonly Row[]): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(sets).filter(([set]) => rows.some(({ setting }) => setting?.scenario === set)));
