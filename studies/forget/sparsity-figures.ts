import { bandLine, type Figure, mean, type Row } from "../../src/lab/index.js";

const methods = { FT: "fine-tuning", GA: "gradient ascent", IU: "influence" } as const;

export function sparsityFigures(rows: readonly Row[]): readonly Figure[] {
  return [gapFigure(rows), scatterFigure(rows)].filter((figure) => figure !== undefined);
}

const scored = (rows: readonly Row[]) => rows.filter(({ measures }) => "AvgGap" in measures);

function gapFigure(rows: readonly Row[]): Figure | undefined {
  const points = scored(rows)
    .filter(({ arm }) => arm in methods)
    .map(({ arm, setting, measures }) => ({
      arm,
      x: 100 * Number(setting?.sparsity),
      y: measures.AvgGap,
      panel: String(setting?.scenario),
    }));
  if (points.length === 0) return undefined;
  const floor = scored(rows).filter(({ arm }) => arm === "floor");
  const references =
    floor.length > 0 ? [{ at: mean(floor.map(({ measures }) => measures.AvgGap)), label: "noise floor" }] : [];
  return {
    name: "gap",
    title: "Distance from retraining, by how sparse the model is",
    caption:
      "Mean distance of UA, RA, TA and MIA from gold models with the same mask: mean over seeds in a band of its 95 % " +
      "interval. Noise floor: how far gold models are from one another.",
    plot: (Plot) =>
      bandLine(Plot, points, {
        x: { label: "weights removed (%)" },
        y: { label: "AvgGap (points)" },
        arms: methods,
        references,
      }),
  };
}

function scatterFigure(rows: readonly Row[]): Figure | undefined {
  const dots = rows
    .filter(({ arm, setting, measures }) => "UA" in measures && arm !== "floor" && setting?.sparsity === 0)
    .map(({ arm, setting, measures }) => ({ arm, scenario: setting?.scenario, UA: measures.UA, RA: measures.RA }));
  if (dots.length === 0) return undefined;
  return {
    name: "scatter",
    title: "What is forgotten and what is kept",
    caption: "Dense models, one dot for each seed. The ideal is gold's place, not a corner.",
    plot: (Plot) => ({
      x: { label: "error on the forget set (%)", grid: true },
      y: { label: "accuracy on the retain set (%)", grid: true },
      fx: { label: null },
      color: { legend: true },
      symbol: { legend: false },
      marks: [Plot.frame(), Plot.dot(dots, { x: "UA", y: "RA", stroke: "arm", fx: "scenario", r: 4 })],
    }),
  };
}
