import type { Figure, Row } from "../../src/lab/index.js";

interface Axis {
  readonly measure: string;
  readonly label: string;
}

export interface ScatterOptions extends Pick<Figure, "title" | "caption"> {
  readonly x: Axis;
  readonly y: Axis;
}

/** A dot for each row that has both measures, arms by colour. */
export const scatter = (rows: readonly Row[], { title, caption, x, y }: ScatterOptions): Figure => ({
  name: "scatter",
  title,
  caption,
  plot: (Plot) => ({
    x: { label: x.label, grid: true },
    y: { label: y.label, grid: true },
    color: { legend: true },
    marks: [
      Plot.frame(),
      Plot.dot(
        rows
          .filter(({ measures }) => x.measure in measures && y.measure in measures)
          .map(({ arm, measures }) => ({ arm, x: measures[x.measure], y: measures[y.measure] })),
        { x: "x", y: "y", stroke: "arm", r: 4 },
      ),
    ],
  }),
});
