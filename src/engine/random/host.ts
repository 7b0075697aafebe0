import { threefry2x32 } from "./threefry.js";

/** A seeded stream of random numbers on the host, for shuffles, resamples and generators. */
export interface HostRandom {
  /** A 32-bit unsigned integer. */
  uint32(): number;
  /** A float64 in [0, 1) with 53 random bits. */
  uniform(): number;
  /** A standard normal float64 (Box–Muller). */
  normal(): number;
  /** An integer in [0, n), without modulo bias. */
  integer(n: number): number;
  /** A random permutation of 0..n-1 (Fisher–Yates). */
  permutation(n: number): Int32Array;
  /** An independent stream for `label`; the same label gives the same stream. */
  fork(label: number | string): HostRandom;
}

/**
 * Counter-based host random numbers (Threefry-2x32): the stream is a function of the seed alone, the same on every
 * machine.
 */
export function hostRandom(seed: number, stream = 0): HostRandom {
  return fromKey(...threefry2x32(seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, stream >>> 0, 0));
}

function fromKey(k0: number, k1: number): HostRandom {
  let counter = 0;
  let spare: number | undefined;
  let spareNormal: number | undefined;
  const uint32 = () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const [x, y] = threefry2x32(k0, k1, counter >>> 0, Math.floor(counter / 2 ** 32));
    counter++;
    spare = y;
    return x;
  };
  const uniform = () => ((uint32() >>> 5) * 2 ** 26 + (uint32() >>> 6)) / 2 ** 53;
  const normal = () => {
    if (spareNormal !== undefined) {
      const value = spareNormal;
      spareNormal = undefined;
      return value;
    }
    const r = Math.sqrt(-2 * Math.log(1 - uniform()));
    const t = 2 * Math.PI * uniform();
    spareNormal = r * Math.sin(t);
    return r * Math.cos(t);
  };
  const integer = (n: number) => {
    if (!Number.isSafeInteger(n) || n <= 0 || n > 2 ** 32)
      throw new RangeError(`integer(n): n must be in 1..2^32, got ${n}.`);
    const limit = 2 ** 32 - (2 ** 32 % n);
    for (;;) {
      const value = uint32();
      if (value < limit) return value % n;
    }
  };
  const permutation = (n: number) => {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = integer(i + 1);
      const t = order[i];
      order[i] = order[j];
      order[j] = t;
    }
    return order;
  };
  const fork = (label: number | string) => {
    // FNV-1a folds a label of any kind into 32 bits; the high counter word 0xffffffff is never reached by the stream.
    let hash = 0x811c9dc5;
    for (const ch of String(label)) hash = Math.imul(hash ^ ch.codePointAt(0)!, 0x01000193) >>> 0;
    return fromKey(...threefry2x32(k0, k1, hash, 0xffffffff));
  };
  return { uint32, uniform, normal, integer, permutation, fork };
}
