import type { Spec } from "../core.js";
import { sizeOf } from "../shape.js";
import type { Attribute, Emitter } from "./emitter.js";

const domain = "com.microsoft.nchwc";

/** What decides whether a convolution can run in the blocked layout, and how. */
interface Convolution {
  readonly x: Spec;
  readonly w: Spec;
  readonly groups: number;
}

/**
 * Whether ONNX Runtime's convolution in its blocked layout (channels in groups of `block` that lie next to each other) is
 * the faster one, though input, kernel and result are brought into that layout and back: not for kernels of one position,
 * which are plain matrix products, nor for those that are larger than the input.
 */
export function prefersBlocks({ x, w, groups }: Convolution, block: number): boolean {
  const [o, c, ...kernel] = w.shape;
  return (
    block > 0 &&
    x.dtype === "float32" &&
    kernel.length === 2 &&
    groups === 1 &&
    o % block === 0 &&
    c % block === 0 &&
    sizeOf(kernel) > 1 &&
    sizeOf(w.shape) <= sizeOf(x.shape)
  );
}

/**
 * A convolution in the blocked layout. The runtime chooses this form by itself, but only for kernels that are constants,
 * which those of a network in training are not.
 */
export function emitBlockedConv(
  e: Emitter,
  [x, w]: readonly string[],
  { w: { shape } }: Pick<Convolution, "w">,
  block: number,
  geometry: Readonly<Record<string, Attribute>>,
): string {
  const [o, c, ...kernel] = shape;
  const split = e.node("Reshape", [w, e.ints([o / block, block, c / block, block, ...kernel])]);
  // Blocks of output channels, of input channels, positions; then the channels in a block, of the output innermost.
  const turned = e.node("Transpose", [split], { perm: [0, 2, 4, 5, 3, 1] });
  const weights = e.node("Reshape", [turned, e.ints(shape)]);
  const input = e.node("ReorderInput", [x], {}, domain);
  const out = e.node("Conv", [input, weights], geometry, domain);
  return e.node("ReorderOutput", [out], { channels: o }, domain);
}
