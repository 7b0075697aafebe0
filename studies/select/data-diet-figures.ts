import type { Dataset } from "../../src/data/index.js";
import { bandLine, dotInterval, imageGrid } from "../../src/lab/figures/marks.js";
import { type Figure, type MetricPoint, mean, type Row } from "../../src/lab/index.js";

const armNames = {
  el2n: "EL2N",
  grand: "GraNd",
  "grand-init": "GraNd at init",
  forgetting: "forgetting",
  "input-norm": "input norm",
  "el2n-easy": "EL2N, easiest kept",
  random: "random",
} as const;

/** An image to show, in the form of a metric's setting: text and numbers. */
export interface ExtremeImage {
  readonly rank: "highest" | "lowest";
  readonly score: number;
  readonly label: string;
  readonly width: number;
  readonly height: number;
  /** Grey values 0 to 255, a byte each, in base64. */
  readonly pixels: string;
}

/** The images with the highest scores, then those with the lowest, from the most extreme one on. */
export function extremeImages(
  { x, y, classNames }: Dataset,
  [height, width]: readonly [number, number],
  score: readonly number[],
  count = 10,
): ExtremeImage[] {
  const order = score.map((_, i) => i).sort((a, b) => score[b] - score[a]);
  const one = (rank: ExtremeImage["rank"]) => (row: number) => {
    const grey = (x.data as Float32Array).subarray(row * width * height, (row + 1) * width * height);
    const pixels = btoa(String.fromCharCode(...Array.from(grey, (value) => Math.round(255 * value))));
    const label = classNames?.[Number(y.data[row])] ?? String(y.data[row]);
    return { rank, score: score[row], label, width, height, pixels };
  };
  return [...order.slice(0, count).map(one("highest")), ...order.reverse().slice(0, count).map(one("lowest"))];
}

export function dataDietFigures(rows: readonly Row[], metrics: readonly MetricPoint[]): readonly Figure[] {
  const figures = [accuracyFigure(rows), halfFigure(rows), imageFigure(metrics), windowFigure(rows)];
  return figures.filter((figure) => figure !== undefined);
}

/** The final runs on pruned rows, with the names of the arms that there are. */
function prunedRuns(rows: readonly Row[]) {
  const runs = rows.filter(({ arm, setting, measures }) => arm in armNames && "accuracy" in measures && setting?.keep);
  const arms = Object.fromEntries(Object.entries(armNames).filter(([arm]) => runs.some((row) => row.arm === arm)));
  return { runs, arms };
}

const fullRuns = (rows: readonly Row[]) => rows.filter(({ arm, measures }) => arm === "full" && "accuracy" in measures);

function accuracyFigure(rows: readonly Row[]): Figure | undefined {
  const { runs, arms } = prunedRuns(rows);
  if (runs.length === 0) return undefined;
  // Whatever the score, keeping everything is training on all rows: there all lines meet.
  const ends = Object.keys(arms).flatMap((arm) => fullRuns(rows).map((row) => ({ ...row, arm })));
  const points = [...runs, ...ends].map(({ arm, setting, measures }) => ({
    arm,
    x: 100 * Number(setting?.keep),
    y: measures.accuracy,
  }));
  return {
    name: "accuracy",
    title: "Accuracy after pruning, by the score that chose the examples",
    caption:
      "Test accuracy of networks retrained on the kept rows for the same number of steps: mean over seeds in a band of " +
      "its 95 % interval. At 100 % all rows are kept.",
    plot: (Plot) => bandLine(Plot, points, { x: { label: "rows kept (%)" }, y: { label: "test accuracy (%)" }, arms }),
  };
}

function halfFigure(rows: readonly Row[]): Figure | undefined {
  const { runs, arms } = prunedRuns(rows);
  const half = runs.filter(({ setting }) => setting?.keep === 0.5);
  if (half.length === 0) return undefined;
  const shown = [...fullRuns(rows), ...half].map(({ arm, measures }) => ({ arm, value: measures.accuracy }));
  return {
    name: "half",
    title: "Half of the rows kept",
    caption: "Test accuracy of every seed (faint), and the mean with its 95 % interval, beside training on all rows.",
    plot: (Plot) =>
      dotInterval(Plot, shown, { value: { label: "test accuracy (%)" }, arms: { ...arms, full: "all rows" } }),
  };
}

function imageFigure(metrics: readonly MetricPoint[]): Figure | undefined {
  const shown = metrics.filter(({ setting }) => setting?.pixels !== undefined).sort((a, b) => a.step - b.step);
  const images = shown.map(({ setting, values }) => {
    const { label, width, height, pixels } = setting as unknown as ExtremeImage;
    const bytes = Uint8Array.from(atob(pixels), (byte) => byte.charCodeAt(0));
    return { pixels: bytes, width, height, label: `${label}: ${values.score.toFixed(2)}` };
  });
  if (images.length === 0) return undefined;
  return {
    name: "examples",
    title: "The examples with the highest and with the lowest EL2N",
    caption: "Above the ten highest, below the ten lowest, with label and score (averaged over the score runs).",
    plot: (Plot) => imageGrid(Plot, images, { columns: 10, range: [0, 255], side: 84 }),
  };
}

function windowFigure(rows: readonly Row[]): Figure | undefined {
  const arms = { window: "true labels", "noisy-window": "noisy labels" };
  const points = rows
    .filter((row) => row.arm in arms && "accuracy" in row.measures)
    .map((row) => ({ arm: row.arm, x: 100 * Number(row.setting?.offset), y: row.measures.accuracy }));
  if (points.length === 0) return undefined;
  const keep = rows.find((row) => row.arm in arms && row.setting?.keep !== undefined)?.setting?.keep;
  const random = (arm: string, label: string) => {
    const values = rows.filter((row) => row.arm === arm && row.setting?.keep === keep).map((r) => r.measures.accuracy);
    return values.length > 0 ? [{ at: mean(values), label }] : [];
  };
  return {
    name: "windows",
    title: "Which part of the EL2N ranking to keep, with and without wrong labels",
    caption:
      `Test accuracy on a window of ${100 * Number(keep)} % of the ranking, by how many of the highest scores are left ` +
      "out before it: mean over seeds in a band of its 95 % interval.",
    plot: (Plot) =>
      bandLine(Plot, points, {
        x: { label: "highest scores left out (%)" },
        y: { label: "test accuracy (%)" },
        arms,
        references: [...random("random", "random rows"), ...random("noisy-random", "random rows, noisy labels")],
      }),
  };
}
