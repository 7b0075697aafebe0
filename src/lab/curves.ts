import { z } from "zod";
import { canonicalJson } from "./json.js";
import type { MetricPoint } from "./study.js";

/** The curves of a run as the ledger keeps them: one series for each arm, seed and setting, in columns. */
export interface Curves {
  readonly version: 1;
  /** The run that they are from. */
  readonly run: string;
  readonly series: readonly Series[];
}

interface Series {
  readonly arm: string;
  readonly seed: number;
  readonly setting?: Readonly<Record<string, number | string>>;
  readonly steps: readonly number[];
  /** By name, one number for each step; null where a point has no such value. */
  readonly values: Readonly<Record<string, readonly (number | null)[]>>;
}

export const curvesSchema: z.ZodType<Curves> = z.object({
  version: z.literal(1),
  run: z.string(),
  series: z.array(
    z.object({
      arm: z.string(),
      seed: z.number(),
      setting: z.record(z.string(), z.union([z.number(), z.string()])).optional(),
      steps: z.array(z.number()),
      values: z.record(z.string(), z.array(z.number().nullable())),
    }),
  ),
});

/** No series keeps more points: a figure has no room to show them. */
const mostPoints = 200;

/**
 * The points of a run as curves, those of long series evenly thinned with both ends kept, numbers to five significant
 * digits. Series of the same length keep the same places, so that means over seeds stay means.
 */
export function curvesOf(run: string, points: readonly MetricPoint[]): Curves {
  const groups = new Map<string, MetricPoint[]>();
  for (const point of points) {
    const key = canonicalJson([point.arm, point.seed, point.setting ?? {}]);
    const group = groups.get(key);
    if (group) group.push(point);
    else groups.set(key, [point]);
  }
  const series = [...groups.values()].map((all): Series => {
    const kept = thinned(all, mostPoints);
    const [{ arm, seed, setting }] = kept;
    const names = [...new Set(kept.flatMap(({ values }) => Object.keys(values)))];
    const column = (name: string) =>
      kept.map(({ values }) => (Object.hasOwn(values, name) ? Number(values[name].toPrecision(5)) : null));
    return {
      arm,
      seed,
      ...(setting ? { setting } : {}),
      steps: kept.map(({ step }) => step),
      values: Object.fromEntries(names.map((name) => [name, column(name)])),
    };
  });
  return { version: 1, run, series };
}

/** Curves as points again. */
export const curvePoints = ({ series }: Curves): MetricPoint[] =>
  series.flatMap(({ arm, seed, setting, steps, values }) =>
    steps.map((step, i) => ({
      arm,
      seed,
      step,
      ...(setting ? { setting } : {}),
      values: Object.fromEntries(
        Object.entries(values).flatMap(([name, column]) => (column[i] === null ? [] : [[name, column[i]!]])),
      ),
    })),
  );

/** At most `most` of the elements, evenly spaced, the first and the last among them. */
export function thinned<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all;
  return Array.from({ length: most }, (_, i) => all[Math.round((i * (all.length - 1)) / (most - 1))]);
}
