import { linalg, sub, type Tensor, mean as tensorMean } from "../../src/engine/index.js";
import { dotInterval, type Figure, type MetricPoint, mean, type Row } from "../../src/lab/index.js";

/** The models whose representation is shown. */
export const panels = { original: "original", LAF: "LAF", gold: "gold" } as const;

const barNames = {
  original: "original",
  FT: "FT",
  GA: "GA",
  GradDiff: "GradDiff",
  RL: "RL",
  LAF: "LAF",
  "LAF+R": "LAF+R",
  "no-alignment": "LAF, no alignment",
  "no-extraction": "LAF, no extraction",
  floor: "gold, against gold",
} as const;

/** Features [n, d] in the plane of their two largest principal components, [n, 2]. */
export async function principalPlane(features: Tensor): Promise<[x: number, y: number][]> {
  const wide = features.cast("float64");
  const centred = sub(wide, tensorMean(wide, 0, { keepDims: true }));
  const { vectors } = linalg.eigh(centred.transpose().matmul(centred));
  const d = features.shape[1];
  const flat = (await centred.matmul(vectors.slice([0, d - 2], [d, d])).data()) as Float64Array;
  return Array.from({ length: features.shape[0] }, (_, i) => [flat[2 * i + 1], flat[2 * i]]);
}

export function labelAgnosticFigures(rows: readonly Row[], metrics: readonly MetricPoint[]): readonly Figure[] {
  return [...planeFigures(metrics), gapFigure(rows)].filter((figure) => figure !== undefined);
}

/** Where rows lie in the representation of the original, of LAF and of a retrained model: one figure for each scenario. */
function planeFigures(metrics: readonly MetricPoint[]): Figure[] {
  const points = metrics.flatMap(({ arm, setting, values }) =>
    arm in panels && setting?.rows !== undefined
      ? [
          {
            ...values,
            scenario: String(setting.scenario),
            rows: setting.rows,
            panel: panels[arm as keyof typeof panels],
          },
        ]
      : [],
  );
  return [...new Set(points.map(({ scenario }) => scenario))].map((scenario) => {
    const own = points.filter((point) => point.scenario === scenario);
    return {
      name: `representation-${scenario}`,
      title: `The representation before and after forgetting (${scenario})`,
      caption:
        "Rows in the plane of the two largest principal components of each model's own features, first seed: a sample of " +
        "the retain set and of the forget set. Axes differ between the panels.",
      plot: (Plot) =>
        Object.values(panels)
          .filter((panel) => own.some((point) => point.panel === panel))
          .map((panel) => ({
            title: panel,
            width: 420,
            height: 340,
            x: { ticks: [], label: null },
            y: { ticks: [], label: null },
            color: { domain: ["retain", "forget"], range: ["#b5b5b5", "#d1495b"], legend: true },
            marks: [
              Plot.dot(
                own.filter((point) => point.panel === panel),
                { x: "x", y: "y", fill: "rows", r: 2.2, sort: { channel: "fill", reverse: true } },
              ),
            ],
          })),
    };
  });
}

function gapFigure(rows: readonly Row[]): Figure | undefined {
  const arms = Object.fromEntries(Object.entries(barNames).filter(([arm]) => rows.some((row) => row.arm === arm)));
  const values = rows
    .filter(({ arm, measures }) => arm in arms && "AvgGap" in measures)
    .map(({ arm, setting, measures }) => ({ arm, value: measures.AvgGap, panel: String(setting?.scenario) }));
  if (values.length === 0) return undefined;
  const floor = rows.filter(({ arm }) => arm === "floor").map(({ measures }) => measures.AvgGap);
  return {
    name: "gaps",
    title: "How far from retraining",
    caption:
      "AvgGap in points, every seed (faint) and the mean with its 95 % interval, by scenario. The line is the noise floor: " +
      "retrained models against one another.",
    plot: (Plot) =>
      dotInterval(Plot, values, {
        value: { label: "mean gap to gold (points)" },
        arms,
        references: floor.length > 0 ? [{ at: mean(floor), label: "floor" }] : [],
      }),
  };
}
