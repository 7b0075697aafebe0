import type { NDArray } from "../engine/dtype.js";
import { HebbError } from "../engine/errors.js";
import { type Dataset, hostValues, size } from "./dataset.js";

/** Whether one number describes all features together, or each feature has its own. */
export type Per = "dataset" | "feature";

/** An affine map of the inputs, `(x - shift) / scale`, with one entry, or one per feature. */
export interface Scaling {
  readonly shift: Float64Array;
  readonly scale: Float64Array;
}

/**
 * Mean 0 and standard deviation 1: `(x - mean) / std`, measured on `train` alone and applied to every part.
 *
 * `per: "dataset"` (the default) takes one mean and one standard deviation over all values, as is usual for images;
 * `"feature"` one of each per feature. A constant feature becomes 0. Inputs come back as float32.
 */
export function standardise<S extends { readonly train: Dataset }>(parts: S, options: { readonly per?: Per } = {}): S {
  return applyToAll(parts, standardScaling(parts.train, options.per));
}

/** The minimum of `train` to 0 and its maximum to 1, over all values or per feature; other parts may leave [0, 1]. */
export function scale01<S extends { readonly train: Dataset }>(parts: S, options: { readonly per?: Per } = {}): S {
  return applyToAll(parts, rangeScaling(parts.train, options.per));
}

/** The next feature's index; counting is several times faster here than `i % groups`. */
const after = (group: number, groups: number): number => (group + 1 < groups ? group + 1 : 0);

/** The mean and the (population) standard deviation of the inputs. */
export function standardScaling(dataset: Dataset, per: Per = "dataset"): Scaling {
  const { values, groups } = grouped(dataset, per);
  const count = values.length / groups;
  const shift = new Float64Array(groups);
  const scale = new Float64Array(groups);
  for (let i = 0, g = 0; i < values.length; i++, g = after(g, groups)) shift[g] += values[i];
  for (let g = 0; g < groups; g++) shift[g] /= count;
  // Two passes: the sum of squares minus the squared mean loses its digits when the mean is large.
  for (let i = 0, g = 0; i < values.length; i++, g = after(g, groups)) {
    const deviation = values[i] - shift[g];
    scale[g] += deviation * deviation;
  }
  for (let g = 0; g < groups; g++) scale[g] = Math.sqrt(scale[g] / count) || 1;
  return { shift, scale };
}

function rangeScaling(dataset: Dataset, per: Per = "dataset"): Scaling {
  const { values, groups } = grouped(dataset, per);
  const low = new Float64Array(groups).fill(Number.POSITIVE_INFINITY);
  const high = new Float64Array(groups).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0, g = 0; i < values.length; i++, g = after(g, groups)) {
    if (values[i] < low[g]) low[g] = values[i];
    if (values[i] > high[g]) high[g] = values[i];
  }
  return { shift: low, scale: high.map((most, g) => most - low[g] || 1) };
}

function grouped(dataset: Dataset, per: Per) {
  const values = hostValues(dataset.x, dataset.name);
  if (values.length === 0) throw new HebbError(`${dataset.name} has no examples to measure its scale on.`);
  return { values, groups: per === "feature" ? values.length / size(dataset) : 1 };
}

/** The data set with `(x - shift) / scale` as its inputs, float32. */
export function applyScaling(dataset: Dataset, { shift, scale }: Scaling): Dataset {
  const values = hostValues(dataset.x, dataset.name);
  const groups = shift.length;
  if (groups !== 1 && groups * size(dataset) !== values.length) {
    throw new HebbError(
      `${dataset.name}: rows of shape [${dataset.x.shape.slice(1)}] do not fit a scaling of ${groups} features.`,
    );
  }
  const data = new Float32Array(values.length);
  for (let i = 0, g = 0; i < values.length; i++, g = after(g, groups)) data[i] = (values[i] - shift[g]) / scale[g];
  return { ...dataset, x: { ...dataset.x, data, dtype: "float32" } };
}

function applyToAll<S extends { readonly train: Dataset }>(parts: S, scaling: Scaling): S {
  const entries = Object.entries(parts) as [string, Dataset][];
  return Object.fromEntries(entries.map(([name, part]) => [name, applyScaling(part, scaling)])) as S;
}

/**
 * Images at half the size: each pixel is the mean of a 2x2 block of the last two axes, so `[n, 28, 28]` becomes
 * float32 `[n, 14, 14]`. Throws `HebbError` when a side is odd or the inputs are not images.
 */
export function averagePool2x2(dataset: Dataset): Dataset {
  const { shape } = dataset.x;
  const [height, width] = shape.slice(-2);
  if (shape.length < 3 || height % 2 !== 0 || width % 2 !== 0) {
    throw new HebbError(
      `averagePool2x2: ${dataset.name} has inputs of shape [${shape}], expected images with even sides.`,
    );
  }
  const values = hostValues(dataset.x, dataset.name);
  const data = new Float32Array(values.length / 4);
  // Images lie one below the other, and heights are even: the whole stack is pooled as one tall image.
  for (let row = 0, at = 0; at < data.length; row += 2) {
    for (let column = 0; column < width; column += 2, at++) {
      const i = row * width + column;
      data[at] = (values[i] + values[i + 1] + values[i + width] + values[i + width + 1]) / 4;
    }
  }
  const x: NDArray = { data, shape: [...shape.slice(0, -2), height / 2, width / 2], dtype: "float32" };
  return { ...dataset, x };
}
