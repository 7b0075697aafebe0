import { armColours, type Figure, mean, type Row } from "../../src/lab/index.js";

/** Where an arm stands at a step, averaged over seeds. */
interface Point {
  readonly arm: string;
  readonly scenario: string;
  readonly step: number;
  readonly x: number;
  readonly MU: number;
}

/** Utility against how much of the forget set is left, a line for each arm from the original on. */
export function trajectoryFigure(
  rows: readonly Row[],
  arms: Readonly<Record<string, string>>,
  { measure, label }: { readonly measure: string; readonly label: string },
): Figure {
  const points = Object.entries(arms).flatMap(([arm, name]) =>
    along(rows, arm, measure).map((p) => ({ ...p, arm: name })),
  );
  const gold = averaged(
    rows.filter((row) => row.arm === "gold" && row.setting?.gold === 0),
    measure,
  );
  return {
    name: "trajectories",
    title: "Utility against what is left of the answers",
    caption:
      "Each line follows one arm from the original model (right) along its steps; means over seeds. The star is the gold " +
      "model, which never saw the authors.",
    plot: (Plot) => ({
      width: 760,
      height: 420,
      x: { label, grid: true },
      y: { label: "Model utility", grid: true },
      fx: { label: null },
      color: { ...armColours(Object.values(arms)), legend: true },
      marks: [
        Plot.line(points, { x: "x", y: "MU", z: "arm", stroke: "arm", fx: "scenario", strokeWidth: 2 }),
        Plot.dot(points, { x: "x", y: "MU", fill: "arm", fx: "scenario", r: 3 }),
        Plot.dot(gold, { x: "x", y: "MU", fx: "scenario", symbol: "star", r: 8, fill: "currentColor" }),
      ],
    }),
  };
}

/** The points of an arm, the original first. */
function along(rows: readonly Row[], arm: string, measure: string): Point[] {
  const own = rows.filter((row) => row.arm === arm);
  const scenarios = new Set(own.map(({ setting }) => setting?.scenario));
  const start = rows.filter((row) => row.arm === "original" && scenarios.has(row.setting?.scenario));
  return averaged([...start, ...own], measure).sort((a, b) => a.step - b.step);
}

function averaged(rows: readonly Row[], measure: string): Point[] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = JSON.stringify([row.setting?.scenario, row.setting?.step ?? 0]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups].map(([key, group]) => {
    const [scenario, step] = JSON.parse(key);
    const of = (name: string) => mean(group.map(({ measures }) => measures[name]));
    return { arm: group[0].arm, scenario, step, x: of(measure), MU: of("MU") };
  });
}
