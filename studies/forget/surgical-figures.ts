import { armColours, type Figure, imageGrid, type MetricPoint, mean, type Row } from "../../src/lab/index.js";
import { digitCount, pixels } from "./digit-denoiser.js";
import { arms } from "./surgical-arms.js";
import { erasedLimit } from "./surgical-measures.js";

/** The columns of the grid. */
const shown = { original: "before", surgical: "surgical", esd1: "ESD", unpreserved: "weight 0" } as const;

export function surgicalFigures(_rows: readonly Row[], metrics: readonly MetricPoint[]): readonly Figure[] {
  return [
    {
      name: "samples",
      title: "Samples from the same noise, before and after",
      caption:
        "One column for each label, the erased one first. From top to bottom: the original model, and then at equal erasure " +
        "(the first look at which at most 15 % of the samples still showed the digit) surgical erasing with an alternative, " +
        "ESD, and surgical erasing that preserves nothing. First seed, first digit.",
      plot: (Plot) =>
        imageGrid(
          Plot,
          Object.keys(shown).flatMap((arm) => pictures(metrics, arm as keyof typeof shown)),
          { columns: digitCount, range: [-1, 1] },
        ),
    },
    {
      name: "erased-drift",
      title: "What erasing costs the other digits, along training",
      caption:
        "Each line goes through the looks at one arm's models, from the start (upper left) on: the share of samples under " +
        "the erased label that still show the digit, and how far samples of the other nine moved. Means over digits and " +
        "seeds; the comparison is made where a run first falls below the dashed line.",
      plot: (Plot) => {
        const points = curve(metrics);
        return {
          width: 640,
          height: 420,
          x: { label: "Mean squared change of the other digits' samples", zero: true },
          y: { label: "Samples that still show the digit (%)", grid: true, domain: [0, 100] },
          color: { ...armColours(Object.values(arms)), legend: true },
          marks: [
            Plot.ruleY([erasedLimit], { strokeDasharray: "4 3", strokeOpacity: 0.7 }),
            Plot.line(points, { x: "drift", y: "erasedRate", z: "arm", stroke: "arm", strokeWidth: 2 }),
            Plot.dot(points, { x: "drift", y: "erasedRate", fill: "arm", r: 3 }),
          ],
        };
      },
    },
  ];
}

/** The recorded pictures of an arm, that of the erased label first. */
function pictures(metrics: readonly MetricPoint[], arm: keyof typeof shown) {
  return metrics
    .filter((point) => point.arm === arm && "p0" in point.values)
    .sort((a, b) => first(a) - first(b))
    .map(({ setting, values }) => ({
      pixels: Array.from({ length: pixels }, (_, i) => values[`p${i}`]),
      width: 8,
      height: 8,
      label: setting?.label === setting?.erase ? `${shown[arm]}: ${setting?.label}` : `${setting?.label}`,
    }));
}

const first = ({ setting }: MetricPoint): number => (setting?.label === setting?.erase ? -1 : Number(setting?.label));

/** The mean over digits and seeds of what was seen at each look, in the order of training. */
function curve(metrics: readonly MetricPoint[]) {
  return Object.entries(arms).flatMap(([arm, name]) => {
    const own = metrics.filter((point) => point.arm === arm && "erasedRate" in point.values);
    const steps = [...new Set(own.map(({ step }) => step))].sort((a, b) => a - b);
    const at = (step: number, value: string) =>
      mean(own.filter((point) => point.step === step).map(({ values }) => values[value]));
    return steps.map((step) => ({ arm: name, erasedRate: at(step, "erasedRate"), drift: at(step, "drift") }));
  });
}
