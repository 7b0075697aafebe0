import { armColours } from "../../src/lab/figures/marks.js";
import { mean } from "../../src/lab/stats.js";
import type { Figure, MetricPoint, Row } from "../../src/lab/study.js";

type Plot = typeof import("@observablehq/plot");

/** A point of a mean curve over seeds; `line` says which of the lines of a colour it is. */
interface Point {
  readonly group: string;
  readonly line: string;
  readonly step: number;
  readonly value: number;
}

const train = { strokeDasharray: "6 4" };
const dotted = { strokeDasharray: "1.5 4", strokeLinecap: "round" } as const;

/** Losses over training with the alignment below, for each eps; then the amounts of data; then part B. */
export function lazyFigures(_rows: readonly Row[], metrics: readonly MetricPoint[]): readonly Figure[] {
  const students = metrics.filter(({ arm }) => arm !== "mlp");
  const epsilons = unique(students.map(({ setting }) => Number(setting?.eps))).sort((a, b) => b - a);
  const sizes = unique(students.map(({ setting }) => Number(setting?.P)));
  return [
    ...epsilons.map((eps) =>
      sweepFigure(
        eps,
        students.filter(({ setting }) => setting?.eps === eps && setting.P === sweepSize(students)),
      ),
    ),
    ...(sizes.length > 1
      ? [
          sizesFigure(
            students.filter(({ arm }) => arm === "network"),
            epsilons[0],
            sweepSize(students),
          ),
        ]
      : []),
    ...(metrics.length > students.length ? [transferFigure(metrics.filter(({ arm }) => arm === "mlp"))] : []),
  ];
}

/** The size at which there are linearised networks. */
const sweepSize = (points: readonly MetricPoint[]) => points.find(({ arm }) => arm === "linearised")?.setting?.P;

const alphaName = ({ setting }: MetricPoint) => `α = ${setting?.alpha}`;

function sweepFigure(eps: number, points: readonly MetricPoint[]): Figure {
  const network = points.filter(({ arm }) => arm === "network");
  const linearised = points.filter(({ arm }) => arm === "linearised");
  return {
    name: `grokking-eps-${String(eps).replace(".", "_")}`,
    title: `Train and test loss at eps = ${eps}, and the alignment of features`,
    caption:
      "Means over seeds. Above: losses in % of their start; train dashed, test solid, test of the linearised network " +
      "dotted (it depends on alpha only through eta). Dots: the test loss at the fit, where the mean train loss is first " +
      "below 2 %. Below: the alignment of the second moment of the weights with the task's direction.",
    plot: (Plot) => {
      const groups = unique(byAlpha(network).map(alphaName));
      return [
        lossChart(groups, "Loss (% of its start): train dashed, test solid, test of the linearised network dotted", [
          ...lines(Plot, relative(network, "train", alphaName), train),
          ...lines(Plot, relative(network, "test", alphaName)),
          ...lines(Plot, relative(linearised, "test", alphaName), dotted),
          Plot.dot(fits(network, alphaName), { x: "step", y: "value", fill: "group", r: 4 }),
        ]),
        alignmentChart(groups, lines(Plot, means(network, "featureAlignment", alphaName))),
      ];
    },
  };
}

function sizesFigure(points: readonly MetricPoint[], eps: number, sweep: unknown): Figure {
  const alpha = points.find(({ setting }) => setting?.P !== sweep)?.setting?.alpha;
  const chosen = points.filter(({ setting }) => setting?.eps === eps && setting.alpha === alpha);
  const name = ({ setting }: MetricPoint) => `P = ${setting?.P}`;
  return {
    name: "amount-of-data",
    title: `Too little, intermediate and enough data (alpha = ${alpha}, eps = ${eps})`,
    caption: "Means over seeds of losses in % of their start; train dashed, test solid.",
    plot: (Plot) => {
      const sorted = chosen.toSorted((a, b) => Number(a.setting?.P) - Number(b.setting?.P));
      return lossChart(unique(sorted.map(name)), "Loss (% of its start): train dashed, test solid", [
        ...lines(Plot, relative(chosen, "train", name), train),
        ...lines(Plot, relative(chosen, "test", name)),
      ]);
    },
  };
}

function transferFigure(points: readonly MetricPoint[]): Figure {
  return {
    name: "part-b",
    title: "Part B: an MLP on images under the same control",
    caption:
      "Means over seeds of losses in % of their start; train dashed, test solid. Curves that agree cover one another.",
    plot: (Plot) =>
      lossChart(
        unique(byAlpha(points).map(alphaName)),
        "Loss (% of its start): train dashed, test solid",
        [
          ...lines(Plot, relative(points, "train", alphaName), train),
          ...lines(Plot, relative(points, "test", alphaName)),
        ],
        imageDomain,
      ),
  };
}

const byAlpha = (points: readonly MetricPoint[]) =>
  points.toSorted((a, b) => Number(a.setting?.alpha) - Number(b.setting?.alpha));

/** In %: losses may reach rounding error; the picture ends before. */
const studentDomain = [1e-3, 150];
const imageDomain = [0.1, 150];

const step = { type: "log", label: "Step (log)", labelArrow: "none", tickFormat: "," };

/** Losses on a logarithmic axis; `marks` says what each kind of line is. */
const lossChart = (groups: readonly string[], label: string, marks: readonly object[], domain = studentDomain) => ({
  height: 360,
  x: step,
  y: { type: "log", domain, grid: true, label, labelArrow: "none", tickFormat: "~g" },
  color: { ...armColours(groups), legend: true },
  marks,
});

const alignmentChart = (groups: readonly string[], marks: readonly object[]) => ({
  height: 240,
  x: step,
  y: { domain: [0, 1], grid: true, label: "Feature alignment", labelArrow: "none" },
  color: armColours(groups),
  marks,
});

const lines = (Plot: Plot, points: readonly Point[], style: object = {}) => [
  Plot.line(points, { x: "step", y: "value", stroke: "group", z: "line", strokeWidth: 1.8, clip: true, ...style }),
];

/** The mean over seeds of a value at each step; the start, step 0, has no place on a logarithmic axis. */
function means(points: readonly MetricPoint[], name: string, group: (point: MetricPoint) => string): Point[] {
  const cells = new Map<string, MetricPoint[]>();
  for (const point of points) {
    const key = `${group(point)}|${point.arm}|${point.step}`;
    const cell = cells.get(key);
    if (cell) cell.push(point);
    else cells.set(key, [point]);
  }
  return [...cells.values()]
    .map((cell) => ({
      group: group(cell[0]),
      line: `${group(cell[0])} ${cell[0].arm}`,
      step: cell[0].step,
      value: mean(cell.map(({ values }) => values[name])),
    }))
    .filter(({ step }) => step > 0)
    .sort((a, b) => a.step - b.step);
}

/** Like `means`, of the loss in % of that of the same run at step 0. */
function relative(points: readonly MetricPoint[], name: string, group: (point: MetricPoint) => string): Point[] {
  const run = ({ arm, seed, setting }: MetricPoint) => JSON.stringify([arm, seed, setting]);
  const start = new Map(points.filter(({ step }) => step === 0).map((point) => [run(point), point.values[name]]));
  const shares = points.map((point) => ({
    ...point,
    values: { [name]: (100 * point.values[name]) / start.get(run(point))! },
  }));
  return means(shares, name, group);
}

/** Where the mean train loss is first below 2 %, on the curve of the test loss. */
function fits(points: readonly MetricPoint[], group: (point: MetricPoint) => string): Point[] {
  const test = relative(points, "test", group);
  const seen = new Map<string, Point>();
  for (const { line, step, value } of relative(points, "train", group)) {
    if (value < 2 && !seen.has(line)) seen.set(line, test.find((point) => point.line === line && point.step === step)!);
  }
  return [...seen.values()];
}

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];
