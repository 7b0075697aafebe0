/** Rotation distances of Threefry-2x32 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011). */
export const rotations = [13, 15, 26, 6, 17, 29, 16, 24] as const;
export const parity = 0x1bd11bda;
export const rounds = 20;

/** One Threefry-2x32-20 block on the host: the same function that `random/` runs inside graphs. */
export function threefry2x32(k0: number, k1: number, c0: number, c1: number): [number, number] {
  const k2 = (parity ^ k0 ^ k1) >>> 0;
  const keys = [k0 >>> 0, k1 >>> 0, k2];
  let x = (c0 + keys[0]) >>> 0;
  let y = (c1 + keys[1]) >>> 0;
  for (let r = 0; r < rounds; r++) {
    const d = rotations[r % 8];
    x = (x + y) >>> 0;
    y = ((y << d) | (y >>> (32 - d))) >>> 0;
    y = (y ^ x) >>> 0;
    if (r % 4 === 3) {
      const s = (r + 1) / 4;
      x = (x + keys[s % 3]) >>> 0;
      y = (y + keys[(s + 1) % 3] + s) >>> 0;
    }
  }
  return [x, y];
}
