import type { Shown, View } from "../../../src/lab/figures/view.js";
import { viewed } from "../../../src/lab/figures/view.js";
import type { Figure } from "../../../src/lab/study.js";

export interface DrawOptions extends Pick<View, "seeds" | "hidden"> {
  /** Room on the page, in pixels. */
  readonly width: number;
}

export interface Drawn {
  readonly charts: readonly Element[];
  /** The arms that the figure lists, with their colours; empty where it is not made of arms. */
  readonly arms: ReadonlyMap<string, string>;
  readonly tables: readonly { readonly x?: string; readonly y: string; readonly data: readonly Shown[] }[];
}

/** No figure is drawn wider: lines of sight get long. */
const widest = 760;

/** Draws a figure for the page: as wide as there is room, with tips. */
export async function drawFigure(figure: Figure, { width, seeds, hidden }: DrawOptions): Promise<Drawn> {
  const Plot = await import("@observablehq/plot");
  const arms = new Map<string, string>();
  const tables: Drawn["tables"][number][] = [];
  const drawn = figure.plot(
    viewed(Plot, {
      seeds,
      hidden,
      tips: true,
      onArms: (colours) => {
        for (const [name, colour] of colours) arms.set(name, colour);
      },
      onData: (labels, data) => tables.push({ ...labels, data }),
    }),
  );
  const charts = (Array.isArray(drawn) ? drawn : [drawn]).map((options: any) => {
    const own = options.width === undefined ? { width: Math.min(width, widest) } : {};
    // The page's own list of arms takes the place of their legend.
    const color = arms.size > 0 && options.color ? { color: { ...options.color, legend: false } } : {};
    const chart = Plot.plot({
      marginLeft: 60,
      marginRight: 24,
      marginTop: 28,
      marginBottom: 44,
      height: 380,
      ...options,
      ...own,
      ...color,
    });
    return withoutNames(chart);
  });
  return { charts, arms, tables };
}

/** Plot names its groups of marks, which have no role that a name could belong to. */
export function withoutNames<T extends Element>(chart: T): T {
  for (const group of chart.querySelectorAll("g[aria-label]")) group.removeAttribute("aria-label");
  return chart;
}
