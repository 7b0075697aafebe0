import { encode } from "fast-png";
import { withInterval } from "../numbers.js";
import { interval } from "../stats.js";
import { palette } from "./palette.js";
import { type View, viewOf } from "./view.js";

type Plot = typeof import("@observablehq/plot");
type PlotOptions = import("@observablehq/plot").PlotOptions;

/** A value of `arm` at `x`, for one seed. `panel` puts it into one of several plots side by side. */
export interface CurvePoint {
  readonly arm: string;
  readonly x: number;
  readonly y: number;
  readonly panel?: string;
}

/** One axis: what it shows with its unit, and how. */
export interface AxisOptions {
  readonly label: string;
  readonly log?: boolean;
  readonly reverse?: boolean;
  readonly domain?: readonly [number, number];
  readonly ticks?: readonly number[];
  /** A d3 format, for example `"%"` for shares. */
  readonly format?: string;
}

/** A named horizontal line, for example chance or a threshold of the criterion. */
export interface Reference {
  readonly at: number;
  readonly label: string;
}

export interface BandLineOptions {
  readonly x: AxisOptions;
  readonly y: AxisOptions;
  /** Arms in the order of the legend, with the names to show. Default: as they come. */
  readonly arms?: Readonly<Record<string, string>>;
  readonly references?: readonly Reference[];
  /** Mark each point, not only the line. Default: when there are at most 20 along the x axis. */
  readonly dots?: boolean;
  readonly width?: number;
  readonly height?: number;
}

/** One line per arm: the mean over seeds, in a band of its 95 % interval. */
export function bandLine(Plot: Plot, points: readonly CurvePoint[], options: BandLineOptions): PlotOptions {
  const view = viewOf(Plot);
  const names = options.arms ?? ownNames(points);
  const seen = points.filter(({ arm }) => arm in names && !view.hidden?.has(names[arm]));
  const shown = meansOf(
    seen,
    ({ arm, x, panel }) => ({ arm: names[arm], x, panel }),
    ({ y }) => y,
  ).sort((a, b) => a.x - b.x);
  const floor = options.y.log ? Math.min(...points.map(({ y }) => y).filter((y) => y > 0)) : Number.NEGATIVE_INFINITY;
  const panels = shown.some(({ panel }) => panel !== undefined);
  const place = { x: "x", z: "arm", stroke: "arm", ...(panels ? { fx: "panel" } : {}) };
  const clip = options.x.domain !== undefined || options.y.domain !== undefined;
  const dots = options.dots ?? new Set(shown.map(({ x }) => x)).size <= 20;
  tell(view, names, { x: options.x.label, y: options.y.label }, shown);
  const each = seen.map((point) => ({ ...point, arm: names[point.arm] }));
  return {
    ...size(options),
    x: { ...wholeTicks(points), ...axis(options.x) },
    y: { ...axis(options.y), grid: true },
    fx: { label: null },
    color: { ...armColours(Object.values(names)), legend: true },
    marks: [
      view.seeds
        ? Plot.dot(each, { ...place, stroke: null, fill: "arm", fillOpacity: 0.4, y: "y", r: 2.5, clip })
        : Plot.areaY(shown, {
            ...place,
            stroke: null,
            fill: "arm",
            fillOpacity: 0.18,
            y1: ({ low }: Summary) => Math.max(low, floor),
            y2: "high",
            clip: true,
          }),
      ...(options.references ?? []).flatMap((reference) => referenceLine(Plot, reference)),
      Plot.line(shown, { ...place, y: "mean", strokeWidth: 2, clip: true }),
      ...(dots ? [Plot.dot(shown, { ...place, stroke: null, fill: "arm", y: "mean", r: 3, clip })] : []),
      ...(view.tips
        ? [
            Plot.tip(
              shown,
              Plot.pointer({ ...tipPlace(place), y: "mean", title: (d: Told) => tipText(d, options.x.label) }),
            ),
          ]
        : []),
    ],
  };
}

/** A value of one arm for one seed; `panel` puts it under a heading of its own. */
export interface ArmValue {
  readonly arm: string;
  readonly value: number;
  readonly panel?: string;
}

export interface DotIntervalOptions {
  readonly value: AxisOptions;
  readonly arms?: Readonly<Record<string, string>>;
  readonly references?: readonly Reference[];
  readonly width?: number;
  readonly height?: number;
}

/** One row per arm: every seed as a faint dot, the mean with its 95 % interval over them. */
export function dotInterval(Plot: Plot, values: readonly ArmValue[], options: DotIntervalOptions): PlotOptions {
  const view = viewOf(Plot);
  const names = options.arms ?? ownNames(values);
  const shown = values
    .filter(({ arm }) => arm in names && !view.hidden?.has(names[arm]))
    .map((value) => ({ ...value, arm: names[value.arm] }));
  const means = meansOf(
    shown,
    ({ arm, panel }) => ({ arm, panel }),
    ({ value }) => value,
  );
  tell(view, names, { y: options.value.label }, means);
  const panels = [...new Set(shown.map(({ panel }) => panel))];
  const place = { y: "arm", ...(panels.length > 1 ? { fy: "panel" } : {}) };
  const rows = Object.keys(names).length * panels.length;
  return {
    height: 84 + rows * 32,
    marginLeft: 24 + Math.max(...Object.values(names).map((name) => name.length)) * 6.6,
    marginRight: panels.length > 1 ? 24 + Math.max(...panels.map((panel) => (panel ?? "").length)) * 6.6 : 24,
    ...size(options),
    x: { ...axis(options.value), grid: true },
    y: { label: null, domain: Object.values(names) },
    fy: { label: null, domain: panels },
    color: armColours(Object.values(names)),
    marks: [
      ...(options.references ?? []).map(({ at }) => Plot.ruleX([at], { strokeDasharray: "4 3", strokeOpacity: 0.7 })),
      ...(options.references ?? []).map(({ at, label }) =>
        Plot.text([label], { x: [at], text: [label], frameAnchor: "top", dy: -10, fontSize: 11 }),
      ),
      Plot.dot(shown, { ...place, x: "value", fill: "arm", fillOpacity: 0.35, r: 3.5 }),
      Plot.ruleY(means, { ...place, x1: "low", x2: "high", stroke: "arm", strokeWidth: 2.5 }),
      Plot.dot(means, { ...place, x: "mean", fill: "arm", stroke: "currentColor", r: 5 }),
      ...(view.tips ? [Plot.tip(means, Plot.pointer({ ...place, x: "mean", title: (d: Told) => tipText(d) }))] : []),
    ],
  };
}

/** A grey image, row by row. */
export interface GridImage {
  readonly pixels: ArrayLike<number>;
  readonly width: number;
  readonly height: number;
  readonly label?: string;
}

export interface ImageGridOptions {
  /** Images in one line. Default: 10. */
  readonly columns?: number;
  /** The values drawn black and white. Default: the least and the greatest of all images. */
  readonly range?: readonly [number, number];
  /** Side of one image on the page. Default: 60. */
  readonly side?: number;
}

/** Small grey images in a grid, in reading order, each with its label below. */
export function imageGrid(Plot: Plot, images: readonly GridImage[], options: ImageGridOptions = {}): PlotOptions {
  const { columns = 10, side = 60 } = options;
  const [black, white] = options.range ?? extent(images);
  const lines = Math.ceil(images.length / columns);
  const label = images.some((image) => image.label !== undefined) ? 18 : 0;
  const cells = images.map((image, i) => ({
    column: i % columns,
    line: Math.floor(i / columns),
    source: greyPng(image, black, white),
    label: image.label ?? "",
  }));
  const place = { x: "column", y: "line" };
  return {
    width: columns * (side + 8),
    height: 16 + lines * (side + label + 8),
    marginTop: 8,
    marginBottom: 8,
    marginLeft: 0,
    marginRight: 0,
    x: { domain: [-0.5, columns - 0.5], axis: null },
    y: { domain: [lines - 0.5, -0.5], axis: null },
    marks: [
      Plot.image(cells, {
        ...place,
        src: "source",
        width: side,
        height: side,
        dy: -label / 2,
        imageRendering: "pixelated",
      }),
      Plot.text(cells, { ...place, text: "label", dy: side / 2 + 2, fontSize: 11 }),
    ],
  };
}

/** The colour scale of arms: the same arm has the same colour in every figure that lists the same arms. */
export const armColours = (names: readonly string[]) => ({
  type: "categorical" as const,
  domain: names,
  range: names.map((_, i) => palette[i % palette.length]),
});

interface Summary {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Mean and 95 % interval of the items that share a key; a single value has no interval and is drawn without a band. */
function meansOf<Item, Key extends object>(
  items: readonly Item[],
  key: (item: Item) => Key,
  value: (item: Item) => number,
): (Key & Summary)[] {
  const groups = new Map<string, { key: Key; values: number[] }>();
  for (const item of items) {
    const name = JSON.stringify(key(item));
    const group = groups.get(name) ?? { key: key(item), values: [] };
    group.values.push(value(item));
    groups.set(name, group);
  }
  return [...groups.values()].map(({ key, values }) => {
    const { mean, low, high } = interval(values);
    return { ...key, mean, ...(values.length > 1 ? { low, high } : { low: mean, high: mean }) };
  });
}

type Told = Summary & { readonly arm: string; readonly x?: number; readonly panel?: string };

function tell(
  view: View,
  names: Readonly<Record<string, string>>,
  labels: { readonly x?: string; readonly y: string },
  data: readonly Told[],
): void {
  const { domain, range } = armColours(Object.values(names));
  view.onArms?.(new Map(domain.map((name, i) => [name, range[i]])));
  view.onData?.(labels, data);
}

/** Where the pointer finds a point: by position, not by colour. */
const tipPlace = ({ stroke: _, ...place }: { readonly stroke: string; readonly x: string; readonly z: string }) =>
  place;

function tipText({ arm, x, mean, low, high }: Told, label?: string): string {
  const { mean: middle, interval: limits = "" } = withInterval(mean, ...(low < high ? [low, high] : []));
  return [
    arm,
    ...(x === undefined ? [] : [`${label}: ${Number(x.toPrecision(4))}`]),
    `${middle} ${limits}`.trim(),
  ].join("\n");
}

function referenceLine(Plot: Plot, { at, label }: Reference) {
  return [
    Plot.ruleY([at], { strokeDasharray: "4 3", strokeOpacity: 0.7 }),
    Plot.text([label], {
      y: [at],
      text: [label],
      frameAnchor: "right",
      textAnchor: "end",
      lineAnchor: "bottom",
      dy: -4,
      fontSize: 11,
      fillOpacity: 0.8,
    }),
  ];
}

/** Ticks at the points themselves when these are few whole numbers, such as rounds: not at halves between them. */
function wholeTicks(points: readonly CurvePoint[]) {
  const values = [...new Set(points.map(({ x }) => x))];
  return values.length <= 12 && values.every((x) => Number.isInteger(x) && Math.abs(x) < 1e4)
    ? { ticks: values, tickFormat: "d" }
    : {};
}

const axis = ({ label, log, reverse, domain, ticks, format }: AxisOptions) => ({
  label,
  labelArrow: "none" as const,
  nice: domain === undefined && !log,
  ...(log ? { type: "log" as const } : {}),
  ...(reverse ? { reverse } : {}),
  ...(domain ? { domain } : {}),
  ...(ticks ? { ticks } : {}),
  ...(format ? { tickFormat: format } : {}),
});

const size = ({ width, height }: { width?: number; height?: number }) => ({
  ...(width ? { width } : {}),
  ...(height ? { height } : {}),
});

const ownNames = (items: readonly { arm: string }[]): Record<string, string> =>
  Object.fromEntries(items.map(({ arm }) => [arm, arm]));

function extent(images: readonly GridImage[]): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const { pixels } of images) {
    for (let i = 0; i < pixels.length; i++) {
      low = Math.min(low, pixels[i]);
      high = Math.max(high, pixels[i]);
    }
  }
  return [low, high];
}

function greyPng({ pixels, width, height }: GridImage, black: number, white: number): string {
  const data = Uint8Array.from(pixels, (value) => {
    const share = white === black ? 0.5 : (value - black) / (white - black);
    return Math.round(255 * Math.min(1, Math.max(0, share)));
  });
  const bytes = encode({ width, height, data, depth: 8, channels: 1 });
  return `data:image/png;base64,${btoa(String.fromCharCode(...bytes))}`;
}
