import {
  bandLine,
  type CurvePoint,
  dotInterval,
  type Figure,
  type MetricPoint,
  mean,
  type Row,
} from "../../src/lab/index.js";

/** The predictions that the histograms count: 35 bins of 0.04 from -0.2 on; what lies outside counts at the ends. */
const bins = { from: -0.2, width: 0.04, count: 35 } as const;

/** The arms whose predictions are shown. */
export const shownArms = {
  original: "original",
  gold: "gold",
  FT: "FT",
  amnesiac: "Gaussian amnesiac",
  blindspot: "Blindspot",
} as const;

const barNames = {
  original: "original",
  FT: "FT",
  GA: "GA",
  GradDiff: "GradDiff",
  amnesiac: "Gaussian amnesiac",
  blindspot: "Blindspot",
  "no-attention": "Blindspot, beta = 0",
  "proxy-only": "proxy alone",
  "full-proxy": "proxy of all rows",
} as const;

/** The share of predictions in each bin. */
export function histogram(values: ArrayLike<number>): number[] {
  const shares = new Array<number>(bins.count).fill(0);
  for (const value of Array.from(values)) {
    const bin = Math.floor((value - bins.from) / bins.width);
    shares[Math.min(bins.count - 1, Math.max(0, bin))] += 1 / values.length;
  }
  return shares;
}

export function deepRegressionFigures(rows: readonly Row[], metrics: readonly MetricPoint[]): readonly Figure[] {
  return [histogramFigure(metrics), errorFigure(rows)].filter((figure) => figure !== undefined);
}

function histogramFigure(metrics: readonly MetricPoint[]): Figure | undefined {
  const points = metrics
    .filter(({ arm, values, setting }) => arm in shownArms && "share" in values && setting?.scenario === "range")
    .map(
      ({ arm, step, values }): CurvePoint => ({ arm, x: bins.from + (step + 0.5) * bins.width, y: 100 * values.share }),
    );
  if (points.length === 0) return undefined;
  return {
    name: "predictions",
    title: "What models answer on the forgotten range",
    caption:
      "Share of predictions on the forget set (true values 0 to 1/3), by their size: mean over seeds in a band of its 95 % " +
      "interval. Models retrained without these rows cannot extrapolate; a method should give their curve, not the original's.",
    plot: (Plot) =>
      bandLine(Plot, points, {
        x: { label: "prediction (share of 90 degrees)" },
        y: { label: "rows (%)" },
        arms: shownArms,
        dots: false,
      }),
  };
}

function errorFigure(rows: readonly Row[]): Figure | undefined {
  const own = rows.filter(({ setting, measures }) => setting?.scenario === "range" && "TA" in measures);
  const arms = Object.fromEntries(Object.entries(barNames).filter(([arm]) => own.some((row) => row.arm === arm)));
  const golds = own.filter(({ arm }) => arm === "gold").map(({ measures }) => measures.TA);
  const values = own.filter(({ arm }) => arm in arms).map(({ arm, measures }) => ({ arm, value: measures.TA }));
  if (values.length === 0 || golds.length === 0) return undefined;
  const gold = mean(golds);
  return {
    name: "retain-error",
    title: "The price: error on test rows like those to keep",
    caption:
      "Mean absolute error in percent of the range of 90 degrees, every seed (faint) and the mean with its 95 % interval. " +
      "The lines are the mean of retrained models and 1.15 times it.",
    plot: (Plot) =>
      dotInterval(Plot, values, {
        value: { label: "mean absolute error (%)" },
        arms,
        references: [
          { at: gold, label: "gold" },
          { at: 1.15 * gold, label: "1.15 gold" },
        ],
      }),
  };
}
