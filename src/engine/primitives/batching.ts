import type { Tensor } from "../tensor.js";
import { reshape, transpose } from "./structure.js";

/**
 * Prepares operands of a broadcasting operation for a leading batch axis: per-example ranks are made equal with axes of
 * size one after the batch axis, so that broadcasting lines up as it would for one example.
 */
export function alignForBatch(inputs: readonly Tensor[], batched: readonly boolean[]): Tensor[] {
  const rank = Math.max(...inputs.map((t, i) => t.rank - (batched[i] ? 1 : 0)));
  return inputs.map((t, i) => {
    if (!batched[i] || t.rank === rank + 1) return t;
    const [size, ...rest] = t.shape;
    return reshape(t, [size, ...new Array(rank - rest.length).fill(1), ...rest]);
  });
}

/** Moves axis `from` to position `to`. */
export function moveAxis(t: Tensor, from: number, to: number): Tensor {
  if (from === to) return t;
  const order = t.shape.map((_, i) => i).filter((i) => i !== from);
  order.splice(to, 0, from);
  return transpose(t, order);
}
