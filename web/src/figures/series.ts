import { thinned } from "../../../src/lab/curves.js";
import type { MetricPoint } from "../../../src/lab/study.js";

/** One curve of the live figure: a metric of an arm and seed under a setting. */
export interface LiveSeries {
  readonly arm: string;
  readonly seed: number;
  readonly key: string;
  readonly points: { readonly step: number; readonly value: number }[];
}

/** Curves by metric, filled as points come; each point is looked at once. */
export class SeriesStore {
  readonly #byMetric = new Map<string, Map<string, LiveSeries>>();
  #taken = 0;

  /** Takes what is new in a list that only grows; a shorter list is another run. */
  take(points: readonly MetricPoint[]): void {
    if (points.length < this.#taken) {
      this.#byMetric.clear();
      this.#taken = 0;
    }
    for (; this.#taken < points.length; this.#taken++) {
      const { arm, seed, step, setting, values } = points[this.#taken];
      for (const [name, value] of Object.entries(values)) {
        const key = `${arm}|${seed}|${setting ? JSON.stringify(setting) : ""}`;
        let metric = this.#byMetric.get(name);
        if (!metric) this.#byMetric.set(name, (metric = new Map()));
        let series = metric.get(key);
        if (!series) metric.set(key, (series = { arm, seed, key, points: [] }));
        series.points.push({ step, value });
      }
    }
  }

  get metrics(): readonly string[] {
    return [...this.#byMetric.keys()];
  }

  /** The curves of a metric, the latest `most` series, each thinned to what can be seen. */
  curves(metric: string, { points = 240, most = 60 }: { points?: number; most?: number } = {}) {
    const all = [...(this.#byMetric.get(metric)?.values() ?? [])].slice(-most);
    return all.flatMap(({ arm, seed, key, points: own }) =>
      thinned(own, points).map(({ step, value }) => ({ arm, seed, key, step, value })),
    );
  }
}
