import { HebbError, type NDArray } from "../engine/index.js";
import type { WeightMask } from "../nn/index.js";
import { fromHost, toHost } from "./host.js";

/**
 * A mask as text: one bit for each weight of the prunable tensors, in the order of the tree, in base64. Small enough for
 * a JSON file: a ticket is its initial weights' seed and this.
 */
export async function packMask(mask: unknown): Promise<string> {
  const { leaves } = await toHost(mask, "packMask");
  const prunable = leaves.filter(isPrunable);
  const bytes = new Uint8Array(Math.ceil(prunable.reduce((n, leaf) => n + leaf.data.length, 0) / 8));
  let bit = 0;
  for (const { data } of prunable) {
    for (let i = 0; i < data.length; i++, bit++) if (data[i]) bytes[bit >> 3] |= 1 << (bit & 7);
  }
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** The inverse of `packMask`; `like` is any mask of the same shapes. Throws `HebbError` when the lengths do not fit. */
export async function unpackMask<P>(text: string, like: WeightMask<P>): Promise<WeightMask<P>> {
  const { leaves, def } = await toHost(like, "unpackMask");
  const bits = leaves.filter(isPrunable).reduce((n, leaf) => n + leaf.data.length, 0);
  const bytes = atob(text);
  if (bytes.length !== Math.ceil(bits / 8)) {
    throw new HebbError(`unpackMask: ${bytes.length} bytes do not hold a mask of ${bits} weights.`);
  }
  let bit = 0;
  return fromHost(
    def,
    leaves.map((leaf) => {
      if (!isPrunable(leaf)) return leaf;
      const data = Float32Array.from(leaf.data as Float32Array, () => (bytes.charCodeAt(bit >> 3) >> (bit++ & 7)) & 1);
      return { ...leaf, data };
    }),
  );
}

const isPrunable = (mask: NDArray): boolean => mask.shape.length > 0;
