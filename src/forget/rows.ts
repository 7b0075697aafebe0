import { gatherRows } from "../data/index.js";
import { dtypes } from "../engine/dtype.js";
import { HebbError, type HostRandom, type NDArray } from "../engine/index.js";
import type { Labelled } from "./problem.js";

/** The rows of `a`, then those of `b`. Throws `HebbError` when their shapes or dtypes differ. */
export function joinRows(name: string, a: Labelled, b: Labelled): Labelled {
  return { name, x: joined(name, a.x, b.x), y: joined(name, a.y, b.y) };
}

/** Some of the rows, in this order. */
export const takeRows = ({ name, x, y }: Labelled, rows: Int32Array): Labelled => ({
  name,
  x: gatherRows(x, rows),
  y: gatherRows(y, rows),
});

function joined(name: string, a: NDArray, b: NDArray): NDArray {
  const [rest, other] = [a, b].map(({ shape, dtype }) => `${dtype}[${shape.slice(1)}]`);
  if (rest !== other) throw new HebbError(`joinRows: rows of ${rest} and of ${other} do not make one set (${name}).`);
  const data = new (dtypes[a.dtype].array as Float32ArrayConstructor)(a.data.length + b.data.length);
  data.set(a.data as Float32Array);
  data.set(b.data as Float32Array, a.data.length);
  return { data, shape: [a.shape[0] + b.shape[0], ...a.shape.slice(1)], dtype: a.dtype };
}

/**
 * The same rows with labels drawn uniformly from all classes, the true one among them. Where a label counts for nothing
 * (-1), it stays. Throws `HebbError` for targets that are no labels.
 */
export function randomLabels(rows: Labelled, classes: number, random: HostRandom): Labelled {
  if (rows.y.dtype !== "int32")
    throw new HebbError(`randomLabels: the ${rows.name} set has ${rows.y.dtype} targets, not int32 labels.`);
  const data = Int32Array.from(rows.y.data as Int32Array, (label) => (label < 0 ? label : random.integer(classes)));
  return { ...rows, y: { ...rows.y, data } };
}
