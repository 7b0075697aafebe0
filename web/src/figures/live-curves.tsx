import { useEffect, useRef, useState } from "preact/hooks";
import { armColours } from "../../../src/lab/figures/marks.js";
import type { MeasureInfo, MetricPoint } from "../../../src/lab/study.js";
import { withoutNames } from "./draw.js";
import { SeriesStore } from "./series.js";
import { useWidth } from "./use-width.js";
import "./figure.css";

interface Props {
  /** A list that grows; a new one stands for another run. */
  readonly points: readonly MetricPoint[];
  readonly measures?: Readonly<Record<string, MeasureInfo>>;
  readonly arms?: Readonly<Record<string, string>>;
}

/** Drawn at most this often, so that the page stays smooth. */
const milliseconds = 400;

/** The curves of a run that is under way. */
export function LiveCurves({ points, measures = {}, arms = {} }: Props) {
  const holder = useRef<HTMLDivElement>(null);
  const width = useWidth(holder);
  const store = useRef(new SeriesStore());
  const [metrics, setMetrics] = useState<readonly string[]>([]);
  const [chosen, setChosen] = useState<string>();
  const last = useRef(0);
  const metric = chosen ?? metrics[0];

  useEffect(() => {
    store.current.take(points);
    const names = store.current.metrics;
    if (names.length !== metrics.length) setMetrics([...names]);
    if (!metric || width === 0) return;
    let current = true;
    const timer = setTimeout(
      async () => {
        last.current = performance.now();
        const Plot = await import("@observablehq/plot");
        if (!current || !holder.current) return;
        const curves = store.current.curves(metric).map((point) => ({ ...point, arm: arms[point.arm] ?? point.arm }));
        const names = [...new Set(curves.map(({ arm }) => arm))];
        const chart = withoutNames(
          Plot.plot({
            width: Math.min(width, 760),
            height: 300,
            marginLeft: 56,
            x: { label: "Step", labelArrow: "none" },
            y: { label: measures[metric]?.label ?? metric, labelArrow: "none", grid: true, nice: true },
            color: { ...armColours(names), legend: true },
            marks: [
              Plot.line(curves, {
                x: "step",
                y: "value",
                z: "key",
                stroke: "arm",
                strokeWidth: 1.6,
                strokeOpacity: 0.85,
              }),
              Plot.tip(
                curves,
                Plot.pointer({
                  x: "step",
                  y: "value",
                  title: (d) => `${d.arm}, seed ${d.seed}\nstep ${d.step}: ${Number(d.value.toPrecision(4))}`,
                }),
              ),
            ],
          }),
        );
        holder.current.replaceChildren(chart);
      },
      Math.max(0, last.current + milliseconds - performance.now()),
    );
    return () => {
      current = false;
      clearTimeout(timer);
    };
    // The list itself grows in place, so its length says what is new.
  }, [points, points.length, metric, metrics.length, width]);

  return (
    <figure class="plot-figure live-curves" aria-label="Curves">
      {metrics.length > 1 && (
        <label class="small">
          Metric
          <select value={metric} onChange={({ currentTarget }) => setChosen(currentTarget.value)}>
            {metrics.map((name) => (
              <option key={name} value={name}>
                {measures[name]?.label ?? name}
              </option>
            ))}
          </select>
        </label>
      )}
      <div
        ref={holder}
        class="chart"
        role="img"
        aria-label={metric ? `${measures[metric]?.label ?? metric} against step` : "Curves"}
        data-testid="live-chart"
      >
        {!metric && <p class="soft">No curve yet.</p>}
      </div>
    </figure>
  );
}
