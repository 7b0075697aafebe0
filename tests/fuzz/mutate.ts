import { type HostRandom, hostRandom } from "../../src/engine/random/host.js";

/** No mutated file is longer. */
const longest = 2 ** 14;

/** Numbers that lengths, offsets and sizes stumble over. */
const extremes = [
  ...[0n, 1n, 2n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0x8000n, 0xffffn, 0x10000n, 0x7fffffffn, 0x80000000n, 0xfffffffen],
  ...[0xffffffffn, 0x100000000n, 2n ** 40n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n],
];

/** What texts stumble over. */
const words = [
  ...["-1", "0", "1e999", "-0", "0.5", "1e-400", "99999999999999999999", "9007199254740993", "NaN", "null", "true"],
  ...["{", "}", "[", "]", "[[[[[[[[", '"', "'", ",", ":", "\n", "\r\n", "\t", " ", "\0", "\x1b[31m", "\\u0000", "\\"],
  ...["__proto__", '"__proto__":{"x":1},', '"constructor":{"prototype":{"x":1}},', "constructor", "toString", "length"],
  ...["../", "../../etc/passwd", "/", "..", "~", "%2e%2e", "\ufeff", "\ud83d\ude00", "\u202e", "é"],
];

type Mutation = (bytes: Uint8Array, random: HostRandom, other: Uint8Array, own: readonly Uint8Array[]) => Uint8Array;

const encoder = new TextEncoder();
const general = words.map((word) => encoder.encode(word));

/** `bytes` with those from `from` to `to` replaced by `by`. */
function splice(bytes: Uint8Array, from: number, to: number, by: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length - (to - from) + by.length);
  out.set(bytes.subarray(0, from));
  out.set(by, from);
  out.set(bytes.subarray(to), from + by.length);
  return out;
}

/** A place from 0 to `end`, `end` included. */
const place = (random: HostRandom, end: number): number => random.integer(end + 1);

/** The ends of a random part, more often a short one. */
function part(random: HostRandom, length: number): [number, number] {
  const from = place(random, length);
  const size = random.integer(2) ? random.integer(9) : random.integer(length + 1);
  return [from, Math.min(length, from + size)];
}

function overwrite(bytes: Uint8Array, random: HostRandom, width: number, value: bigint): Uint8Array {
  if (bytes.length < width) return bytes;
  const out = bytes.slice();
  const at = random.integer(bytes.length - width + 1);
  const little = random.integer(2);
  for (let i = 0; i < width; i++) out[at + (little ? i : width - 1 - i)] = Number((value >> BigInt(8 * i)) & 255n);
  return out;
}

const mutations: readonly Mutation[] = [
  // A bit is turned.
  (bytes, random) => {
    if (bytes.length === 0) return bytes;
    const out = bytes.slice();
    out[random.integer(bytes.length)] ^= 1 << random.integer(8);
    return out;
  },
  (bytes, random) => overwrite(bytes, random, 1, BigInt(random.integer(256))),
  (bytes, random) => overwrite(bytes, random, 2 ** random.integer(4), extremes[random.integer(extremes.length)]),
  // A number grows or shrinks a little.
  (bytes, random) => {
    if (bytes.length === 0) return bytes;
    const out = bytes.slice();
    out[random.integer(bytes.length)] += random.integer(9) - 4;
    return out;
  },
  // A digit of a text becomes another one.
  (bytes, random) => {
    const out = bytes.slice();
    const start = place(random, bytes.length);
    const at = bytes.findIndex((byte, i) => i >= start && byte >= 48 && byte <= 57);
    if (at >= 0) out[at] = 48 + random.integer(10);
    return out;
  },
  (bytes, random) => bytes.slice(0, place(random, bytes.length)),
  (bytes, random) => splice(bytes, ...part(random, bytes.length), new Uint8Array(0)),
  // A part is repeated, once or many times.
  (bytes, random) => {
    const [from, to] = part(random, bytes.length);
    const times = random.integer(4) ? 1 : 2 ** random.integer(8);
    const room = Math.max(0, longest - bytes.length);
    const copies = new Uint8Array(Math.min(room, (to - from) * times));
    for (let i = 0; i < copies.length; i++) copies[i] = bytes[from + (i % (to - from))];
    return splice(bytes, from, from, copies);
  },
  (bytes, random) => {
    const at = place(random, bytes.length);
    const noise = Uint8Array.from({ length: 1 + random.integer(12) }, () => random.integer(256));
    return splice(bytes, at, at, noise);
  },
  // A word is put in, or put over something.
  (bytes, random, _other, own) => {
    const list = own.length > 0 && random.integer(2) ? own : general;
    const word = list[random.integer(list.length)];
    const at = place(random, bytes.length);
    return splice(bytes, at, Math.min(bytes.length, at + (random.integer(2) ? word.length : 0)), word);
  },
  // A part of another file is put in, or the end of one is taken.
  (bytes, random, other) => {
    const [from, to] = part(random, other.length);
    return splice(bytes, ...part(random, bytes.length), other.subarray(from, to));
  },
  (bytes, random, other) => {
    const share = random.uniform();
    const [at, from] = [Math.floor(share * bytes.length), Math.floor(share * other.length)];
    return splice(bytes, at, bytes.length, other.subarray(from));
  },
];

/** A file with one to six mutations; `other` lends parts, `words` are those of the format. */
export function mutate(
  bytes: Uint8Array,
  random: HostRandom,
  other: Uint8Array,
  words: readonly Uint8Array[],
): Uint8Array {
  let out = bytes;
  for (let steps = 1 + Math.min(random.integer(6), random.integer(6)); steps > 0; steps--)
    out = mutations[random.integer(mutations.length)](out, random, other, words);
  return out.subarray(0, longest);
}

export { type HostRandom, hostRandom };
