import { ShapeError } from "../engine/errors.js";
import { mul } from "../engine/primitives/elementwise.js";
import { sliceAxis } from "../engine/primitives/structure.js";
import { normalAxis, show } from "../engine/shape.js";
import type { Tensor } from "../engine/tensor.js";
import { type Activation, activationOf } from "./activations.js";

/**
 * The gated linear unit a f(b), with a and b the two halves of `axis` (Dauphin et al., 2017; Shazeer, 2020). Throws
 * `ShapeError` when the axis does not halve.
 */
export function glu(
  x: Tensor,
  { activation = "sigmoid", axis = -1 }: { activation?: Activation; axis?: number } = {},
): Tensor {
  const at = normalAxis("glu", axis, x.shape);
  const size = x.shape[at];
  if (size % 2 !== 0) throw new ShapeError("glu", `axis ${axis} of ${show(x.shape)} does not halve`);
  return mul(sliceAxis(x, at, 0, size / 2), activationOf(activation)(sliceAxis(x, at, size / 2, size)));
}

/** a gelu(b), with a and b the two halves of the last axis. */
export const geglu = (x: Tensor): Tensor => glu(x, { activation: "gelu" });
/** a silu(b), with a and b the two halves of the last axis. */
export const swiglu = (x: Tensor): Tensor => glu(x, { activation: "silu" });
