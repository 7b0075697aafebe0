import { gatherRows } from "../data/index.js";
import { type Feed, jit, type Tensor } from "../engine/index.js";
import { type Labelled, type LabelledBatch, rowCount } from "./problem.js";

/**
 * A number for each row of a data set, float32 `[n]`: `score(params, batch)` gives `[b]` for a batch. It is compiled once,
 * and goes over the rows in blocks of one size, so that large sets need little memory.
 */
export function rowScores<P>(
  score: (params: P, batch: LabelledBatch) => Tensor,
  { block = 100, signal }: { readonly block?: number; readonly signal?: AbortSignal } = {},
): (params: P, rows: Labelled) => Promise<Float32Array> {
  const compiled = jit((params: P, x: Tensor, y: Tensor) => score(params, { x, y }), { name: "rowScores" });
  return async (params, rows) => {
    const n = rowCount(rows);
    const size = Math.min(block, n);
    const out = new Float32Array(n);
    for (let start = 0; start < n; start += size) {
      signal?.throwIfAborted();
      // The last block ends at the last row and may overlap the one before, so that all have one shape.
      const from = Math.min(start, n - size);
      const indices = Int32Array.from({ length: size }, (_, i) => from + i);
      const [x, y] = [gatherRows(rows.x, indices), gatherRows(rows.y, indices)];
      const scores = await compiled(params as Feed<P>, x as Feed<Tensor>, y as Feed<Tensor>);
      out.set((await scores.data()) as Float32Array, from);
    }
    return out;
  };
}
