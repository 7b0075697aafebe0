import { add, bitOr, bitXor, shiftLeft, shiftRight } from "../primitives/elementwise.js";
import { reshape, slice } from "../primitives/structure.js";
import { literal, type Tensor } from "../tensor.js";
import { parity, rotations, rounds } from "./threefry.js";

/** A 32-bit constant. */
export const word = (value: number): Tensor => literal({ data: Uint32Array.of(value), shape: [], dtype: "uint32" });

/** Threefry-2x32 on whole tensors of counters (Salmon et al., 2011). */
export function threefry(k: Tensor, c0: Tensor, c1: Tensor): [Tensor, Tensor] {
  const k0 = reshape(slice(k, [0], [1]), []);
  const k1 = reshape(slice(k, [1], [2]), []);
  const keys = [k0, k1, bitXor(word(parity), bitXor(k0, k1))];
  let x = add(c0, k0);
  let y = add(c1, k1);
  for (let r = 0; r < rounds; r++) {
    const d = rotations[r % 8];
    x = add(x, y);
    y = bitXor(bitOr(shiftLeft(y, word(d)), shiftRight(y, word(32 - d))), x);
    if (r % 4 === 3) {
      const s = (r + 1) / 4;
      x = add(x, keys[s % 3]);
      y = add(y, add(keys[(s + 1) % 3], word(s)));
    }
  }
  return [x, y];
}
