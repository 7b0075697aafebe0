import { hostRandom, type NDArray } from "../../src/engine/index.js";
import { klom } from "../../src/forget/index.js";
import { type Interval, mean, quantile } from "../../src/lab/index.js";

/** Rows by what they are to the models. */
export interface RowGroups {
  readonly forget: Int32Array;
  readonly retain: Int32Array;
  /** Rows that nobody trained on. */
  readonly val: Int32Array;
}

/** KLoM of each group of rows, in nats. */
export interface KlomSummary {
  readonly forget: Float64Array;
  readonly retain: Float64Array;
  readonly val: Float64Array;
}

/** Margins of golds and of unlearned models on all rows, [models, rows], compared group by group. */
export function klomOf(gold: NDArray, unlearned: NDArray, groups: RowGroups): KlomSummary {
  const of = (rows: Int32Array) => klom(columns(gold, rows), columns(unlearned, rows));
  return { forget: of(groups.forget), retain: of(groups.retain), val: of(groups.val) };
}

/** Means and 95th percentiles. */
export const klomMeasures = ({ forget, retain, val }: KlomSummary) => ({
  klomForget: mean([...forget]),
  klomRetain: mean([...retain]),
  klomVal: mean([...val]),
  p95Forget: quantile(forget, 0.95),
  p95Retain: quantile(retain, 0.95),
  p95Val: quantile(val, 0.95),
});

/** The columns of these rows. */
export function columns({ data, shape: [models, width], dtype }: NDArray, rows: Int32Array): NDArray {
  const out = new Float32Array(models * rows.length);
  for (let model = 0; model < models; model++)
    for (let i = 0; i < rows.length; i++) out[model * rows.length + i] = Number(data[model * width + rows[i]]);
  return { data: out, shape: [models, rows.length], dtype };
}

/** Models of several fleets as one: [models, ...] each. */
export function pooled(parts: readonly NDArray[]): NDArray {
  const data = Float32Array.from(parts.flatMap((part) => Array.from(part.data as Float32Array)));
  const models = parts.reduce((sum, { shape }) => sum + shape[0], 0);
  return { data, shape: [models, ...parts[0].shape.slice(1)], dtype: "float32" };
}

/**
 * The mean of differences, [groups of models][rows], and its percentile bootstrap interval: groups and rows are both drawn
 * anew, 10,000 times.
 */
export function rowsAndModelsBootstrap(differences: readonly (readonly number[])[], level = 0.95): Interval {
  const random = hostRandom(0);
  const [groups, rows] = [differences.length, differences[0].length];
  const means = Float64Array.from({ length: 10_000 }, () => {
    const drawn = Array.from({ length: rows }, () => random.integer(rows));
    let sum = 0;
    for (let g = 0; g < groups; g++) {
      const own = differences[random.integer(groups)];
      for (const row of drawn) sum += own[row];
    }
    return sum / (groups * rows);
  });
  const tail = (1 - level) / 2;
  return {
    mean: mean(differences.flat()),
    low: quantile(means, tail),
    high: quantile(means, 1 - tail),
    n: groups * rows,
    method: "bootstrap",
  };
}
