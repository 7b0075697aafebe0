import type { NDArray } from "../engine/index.js";
import { type Examples, rowCount } from "./problem.js";

/** The rows of `a` that also stand in `b`, inputs and labels alike, to the bit. */
export function sharedRows(a: Examples, b: Examples): number[] {
  const both = (rows: Examples) => [rows.x, ...(a.y && b.y ? [rows.y!] : [])].map(rowWords);
  const [ours, theirs] = [both(a), both(b)];
  if (ours.some(({ width }, i) => width !== theirs[i].width)) return [];
  const places = new Map<number, number[]>();
  for (let row = 0; row < rowCount(b); row++) {
    const key = hashOf(theirs, row);
    places.set(key, [...(places.get(key) ?? []), row]);
  }
  return Array.from({ length: rowCount(a) }, (_, row) => row).filter((row) =>
    places.get(hashOf(ours, row))?.some((other) => equalRows(ours, row, theirs, other)),
  );
}

/** The rows of an array as whole numbers, which are equal where all bits are. */
interface RowWords {
  readonly words: Uint8Array | Uint32Array;
  /** Of a row. */
  readonly width: number;
}

function rowWords({ data, shape }: NDArray): RowWords {
  const { buffer, byteOffset, byteLength, BYTES_PER_ELEMENT } = data;
  const words =
    BYTES_PER_ELEMENT < 4
      ? new Uint8Array(buffer, byteOffset, byteLength)
      : new Uint32Array(buffer, byteOffset, byteLength / 4);
  return { words, width: words.length / (shape[0] || 1) };
}

/** FNV-1a, a word at a time. */
function hashOf(parts: readonly RowWords[], row: number): number {
  let hash = 0x811c9dc5;
  for (const { words, width } of parts)
    for (let i = row * width; i < (row + 1) * width; i++) hash = Math.imul(hash ^ words[i], 0x01000193);
  return hash;
}

const equalRows = (a: readonly RowWords[], row: number, b: readonly RowWords[], other: number): boolean =>
  a.every(({ words, width }, part) => {
    for (let i = 0; i < width; i++) if (words[row * width + i] !== b[part].words[other * width + i]) return false;
    return true;
  });
