import { Inflate, zipSync } from "fflate";
import { HebbError } from "../engine/errors.js";
import { quote } from "../engine/quote.js";
import { greatestExpansion, mostUnpacked } from "./deflate.js";

/** Compressed bytes that are unpacked between two checks of how much came out. */
const portion = 2 ** 14;

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly checksum: number;
  /** Where the entry's local header starts and its packed bytes end. */
  readonly begin: number;
  readonly end: number;
  readonly packed: Uint8Array;
  /** Bytes when unpacked. */
  readonly size: number;
}

export interface ZipOptions {
  /**
   * Refuse an archive whose entries are larger than this when unpacked, all together. Default: a hundred times the
   * archive's size, or 256 MiB where that is more.
   */
  readonly maxBytes?: number;
}

/**
 * The files of a ZIP archive, by name: stored or deflated, below 4 GiB, neither encrypted nor in parts. `what` names the
 * archive in errors.
 *
 * The directory is checked before anything is unpacked. Throws `HebbError` for bytes that do not hold together, names
 * that occur twice or lead out of the archive, entries that overlap, sizes that the packed bytes cannot hold, and contents
 * with another size or checksum than announced.
 */
export function unzip(
  bytes: Uint8Array,
  what: string,
  { maxBytes = mostUnpacked(bytes.length) }: ZipOptions = {},
): Map<string, Uint8Array> {
  const fail = (problem: string): never => {
    throw new HebbError(`${what}: ${problem}.`);
  };
  const entries = readDirectory(bytes, fail);
  const total = entries.reduce((sum, { size }) => sum + size, 0);
  if (total > maxBytes)
    fail(`the archive unpacks to ${total} bytes, more than the ${maxBytes} that are allowed (maxBytes)`);
  return new Map(entries.map((entry) => [entry.name, unpack(entry, fail)]));
}

/** A ZIP archive of these files. The same files give the same bytes. Throws `HebbError` for a name that leads out of it. */
export function zip(
  files: ReadonlyMap<string, Uint8Array>,
  { compress }: { compress: boolean },
): Uint8Array<ArrayBuffer> {
  for (const name of files.keys())
    if (leadsOut(name)) throw new HebbError(`zip: the name ${quote(name)} leads out of the archive.`);
  const mtime = new Date(1980, 0, 1);
  return zipSync(Object.fromEntries(files), { level: compress ? 6 : 0, mtime }) as Uint8Array<ArrayBuffer>;
}

/** Whether a name is absolute, goes upwards, is of another system or holds control characters. */
const leadsOut = (name: string): boolean =>
  name === "" ||
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they have no place in names.
  /^\/|^[A-Za-z]:|\\|[\0-\x1f]/.test(name) ||
  name.split("/").some((part) => part === "." || part === "..");

type Fail = (problem: string) => never;

const signature = { local: 0x04034b50, central: 0x02014b50, end: 0x06054b50 };
const endLength = 22;

function readDirectory(bytes: Uint8Array, fail: Fail): Entry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = findEnd(view) ?? fail("this is not a ZIP archive, or its end is missing");
  const count = view.getUint16(end + 10, true);
  const length = view.getUint32(end + 12, true);
  const start = view.getUint32(end + 16, true);
  if (view.getUint16(end + 4, true) !== 0 || view.getUint16(end + 8, true) !== count)
    fail("archives in several parts are not supported");
  if (count === 0xffff || start === 0xffffffff) fail("ZIP64 archives (4 GiB and more) are not supported");
  if (start + length > end) fail("the directory runs past its end");
  const entries: Entry[] = [];
  const names = new Set<string>();
  let at = start;
  for (let i = 0; i < count; i++) {
    if (at + 46 > start + length || view.getUint32(at, true) !== signature.central) fail("the directory is damaged");
    const next =
      at + 46 + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > start + length) fail("the directory is damaged");
    const entry = readEntry(bytes, view, at, start, fail);
    if (names.has(entry.name)) fail(`the name ${quote(entry.name)} occurs twice`);
    names.add(entry.name);
    entries.push(entry);
    at = next;
  }
  if (at !== start + length) fail("the directory is damaged");
  const sorted = entries.toSorted((a, b) => a.begin - b.begin);
  sorted.slice(1).forEach((entry, i) => {
    if (entry.begin < sorted[i].end) fail(`${quote(entry.name)} overlaps another entry`);
  });
  return entries;
}

/** The record at the archive's end is found from behind: a comment of up to 65,535 bytes may follow it. */
function findEnd(view: DataView): number | undefined {
  const first = Math.max(0, view.byteLength - endLength - 0xffff);
  for (let at = view.byteLength - endLength; at >= first; at--) {
    if (view.getUint32(at, true) !== signature.end) continue;
    if (at + endLength + view.getUint16(at + 20, true) === view.byteLength) return at;
  }
  return undefined;
}

/** The entry whose record in the directory is at `at`; its bytes must lie before `limit`. */
function readEntry(bytes: Uint8Array, view: DataView, at: number, limit: number, fail: Fail): Entry {
  const nameAt = (from: number, length: number) => new TextDecoder().decode(bytes.subarray(from, from + length));
  const name = nameAt(at + 46, view.getUint16(at + 28, true));
  const label = quote(name);
  if (leadsOut(name)) fail(`the name ${label} leads out of the archive`);
  if (view.getUint16(at + 8, true) & 1) fail(`${label} is encrypted`);
  const method = view.getUint16(at + 10, true);
  if (method !== 0 && method !== 8)
    fail(`${label} is packed by method ${method}; only stored and deflated are supported`);
  const length = view.getUint32(at + 20, true);
  const size = view.getUint32(at + 24, true);
  const begin = view.getUint32(at + 42, true);
  if (begin + 30 > limit || view.getUint32(begin, true) !== signature.local) fail(`${label} has no header`);
  const nameLength = view.getUint16(begin + 26, true);
  const from = begin + 30 + nameLength + view.getUint16(begin + 28, true);
  const end = from + length;
  if (end > limit) fail(`${label} claims ${length} packed bytes, but the archive ends before`);
  if (nameAt(begin + 30, nameLength) !== name || view.getUint16(begin + 8, true) !== method)
    fail(`${label} has a header that contradicts the directory`);
  if (method === 0 ? size !== length : size > length * greatestExpansion)
    fail(`${label} claims ${size} bytes, which its ${length} packed bytes cannot hold`);
  return { name, method, checksum: view.getUint32(at + 16, true), begin, end, packed: bytes.subarray(from, end), size };
}

function unpack({ name, method, checksum, packed, size }: Entry, fail: Fail): Uint8Array {
  const label = quote(name);
  const out = method === 0 ? packed : inflate(packed, size, label, fail);
  if (crc32(out) !== checksum) fail(`${label} is damaged: its checksum differs`);
  return out;
}

/** Unpacks little by little: memory follows what really comes out, and a stream that holds more than it should is left at once. */
function inflate(packed: Uint8Array, size: number, label: string, fail: Fail): Uint8Array {
  let out = new Uint8Array(Math.min(size, packed.length));
  let filled = 0;
  let finished = false;
  const stream = new Inflate((chunk, final) => {
    if (filled + chunk.length > size) fail(`${label} unpacks to more than the ${size} bytes that it claims`);
    if (filled + chunk.length > out.length) {
      const larger = new Uint8Array(Math.min(size, Math.max(2 * out.length, filled + chunk.length)));
      larger.set(out.subarray(0, filled));
      out = larger;
    }
    out.set(chunk, filled);
    filled += chunk.length;
    finished = final;
  });
  try {
    for (let at = 0; at < packed.length; at += portion)
      stream.push(packed.subarray(at, at + portion), at + portion >= packed.length);
  } catch (error) {
    if (error instanceof HebbError) throw error;
    fail(`${label} is damaged: ${(error as Error).message}`);
  }
  if (!finished || filled !== size) fail(`${label} unpacks to ${filled} bytes, but claims ${size}`);
  return out;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let crc = n;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = crcTable[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}
