import type { SideBySide } from "../../../src/lab/compare.js";
import { bandLine, dotInterval } from "../../../src/lab/figures/marks.js";
import type { Figure, MeasureInfo } from "../../../src/lab/study.js";
import { type Group, groups, measureLabel, valuesOf } from "./lines.js";
import type { Subject } from "./subjects.js";

/** More plots, or more rows in one plot, than anybody looks at. */
const mostCurves = 8;
const mostRows = 60;

type Plot = typeof import("@observablehq/plot");

export interface FigureOptions {
  readonly title: string;
  readonly base: number;
  readonly measure: string;
  readonly info?: MeasureInfo;
  /** Per seed the difference to the baseline, in place of the values. */
  readonly difference: boolean;
  /** The setting along the x axis of curves; without it each line is a row of dots. */
  readonly x?: string;
}

/** What is drawn: points of subjects (by key), in groups. */
interface Drawing {
  readonly panels: readonly Panel[];
  readonly names: Readonly<Record<string, string>>;
  readonly axis: string;
  readonly references: readonly { readonly at: number; readonly label: string }[];
}

interface Panel {
  readonly label: string;
  readonly points: readonly { readonly arm: string; readonly x: number; readonly y: number }[];
}

/**
 * The lines of one measure as a figure: a curve for each subject along a setting, or rows of seeds with their interval.
 * Undefined where there is nothing to draw, such as differences to a baseline that shares no seed and setting.
 */
export function comparisonFigure(
  subjects: readonly Subject[],
  lines: readonly SideBySide[],
  { title, base, measure, info, difference, x: wanted }: FigureOptions,
): Figure | undefined {
  const found = wanted === undefined ? [] : groups(lines, wanted);
  const curves = wanted === undefined ? [] : found.filter(isCurve(wanted));
  const x = curves.length > 0 ? wanted : undefined;
  const all = x === undefined ? groups(lines, undefined) : curves;
  const most = x === undefined ? Math.max(1, Math.floor(mostRows / subjects.length)) : mostCurves;
  const panels = all.slice(0, most).map((group) => ({
    label: clip(group.label),
    points: group.lines.flatMap((line) =>
      subjects.flatMap(({ key }, i) =>
        valuesOf(line, i, base, difference).map((y) => ({ arm: key, x: Number(line.setting[x ?? ""]), y })),
      ),
    ),
  }));

  const label = measureLabel(measure, info);
  const baseline = subjects[base].label;
  const drawn = new Set(panels.flatMap(({ points }) => points.map(({ arm }) => arm)));
  if (drawn.size === 0) return undefined;
  const drawing: Drawing = {
    panels,
    // A subject without any value would be an empty row.
    names: Object.fromEntries(subjects.flatMap(({ key, label }) => (drawn.has(key) ? [[key, label]] : []))),
    axis: difference ? `${label}, minus ${baseline}` : label,
    references: difference ? [{ at: 0, label: `as ${baseline}` }] : [],
  };
  const caption = [
    x === undefined ? "Dots are seeds." : "",
    difference
      ? `Mean differences to ${baseline}, paired by seed, with 95 % intervals.`
      : "Means over seeds with 95 % intervals.",
    panels.length < all.length ? `The first ${panels.length} of ${all.length} groups are drawn.` : "",
    x !== undefined && curves.length < found.length ? `What was measured at one ${x} only stands in the table.` : "",
  ];
  return {
    name: ["compare", measure, ...(difference ? ["difference"] : [])].join("-"),
    title,
    caption: caption.filter(Boolean).join(" "),
    plot: (Plot) => (x === undefined ? rows(Plot, drawing) : plots(Plot, x, drawing)),
  };
}

/** Whether a group has more than one place along the axis. */
const isCurve =
  (x: string) =>
  ({ lines }: Group): boolean =>
    new Set(lines.map(({ setting }) => setting[x])).size > 1;

/** A row of dots for each subject, in panels. */
const rows = (Plot: Plot, { panels, names, axis, references }: Drawing) =>
  dotInterval(
    Plot,
    panels.flatMap(({ label, points }) => points.map(({ arm, y }) => ({ arm, value: y, panel: label }))),
    { value: { label: axis }, arms: names, references },
  );

/** A plot of curves for each panel, all over the same stretch of the axis. */
function plots(Plot: Plot, x: string, { panels, names, axis, references }: Drawing): object[] {
  const places = panels.flatMap(({ points }) => points.map((point) => point.x));
  const { log, domain } = stretch(places);
  return panels.map(({ label, points }, i) => {
    const options = bandLine(Plot, points, {
      x: { label: x, log, domain },
      y: { label: label ? `${axis}: ${label}` : axis },
      arms: names,
      references,
      ...(panels.length > 1 ? { height: 260 } : {}),
    });
    // One legend is enough for plots below one another.
    return i === 0 ? options : { ...options, color: { ...options.color, legend: false } };
  });
}

/** The stretch of the axis with a little room at its ends; in powers where it spans more than one and a half of ten. */
function stretch(places: readonly number[]): { readonly log: boolean; readonly domain?: [number, number] } {
  const [low, high] = [Math.min(...places), Math.max(...places)];
  if (!(high > low)) return { log: false };
  if (low > 0 && high / low >= 30) {
    const room = (high / low) ** 0.03;
    return { log: true, domain: [low / room, high * room] };
  }
  const room = 0.03 * (high - low);
  return { log: false, domain: [low - room, high + room] };
}

const clip = (text: string): string => (text.length > 32 ? `${text.slice(0, 31)}…` : text);
