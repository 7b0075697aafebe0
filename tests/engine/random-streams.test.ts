import { describe, expect, it } from "vitest";
import { hostRandom, random, type Tensor, tensor, vmap } from "../../src/engine/index.js";
import { threefry2x32 } from "../../src/engine/random/threefry.js";
import { numbers, onEachBackend } from "./helpers.js";

/** Keys [n, 2] as numbers below 2^64, written out. */
const names = (flat: readonly number[]): string[] =>
  Array.from({ length: flat.length / 2 }, (_, i) => `${flat[2 * i]},${flat[2 * i + 1]}`);
const known = (k: readonly number[], c0: number, c1: number): number[] => threefry2x32(k[0], k[1], c0, c1);

onEachBackend("streams of keys", () => {
  const k = random.key(77);
  const n = 20_000;
  it("split and foldIn never meet: among each other, their own children, and other seeds", async () => {
    const parents = [k, random.key(78), random.key(2 ** 32 + 77)];
    const steps = tensor(Int32Array.from({ length: n }, (_, i) => i));
    const folded = (from: Tensor) => vmap((step: Tensor) => random.foldIn(from, step))(steps) as Tensor;
    const all = await Promise.all(
      parents.flatMap((p) => [
        numbers(random.split(p, n)),
        numbers(folded(p)),
        numbers(random.split(random.foldIn(p, 0), n)),
      ]),
    );
    const keys = [...parents.map(() => []), ...all].flat().length / 2;
    expect(new Set(all.flatMap(names)).size).toBe(keys);
    expect(keys).toBe(9 * n);
  });
  it("keys do not repeat the words that are drawn from their parent", async () => {
    const keys = new Set(names(await numbers(random.split(k, n))));
    const words = await numbers(random.bits(k, [2 * n]));
    const pairs = Array.from({ length: n }, (_, i) => `${words[i]},${words[n + i]}`);
    expect(pairs.filter((p) => keys.has(p))).toEqual([]);
    expect(new Set(pairs).size).toBe(n);
  });
  it("the graph's split and foldIn are the host's, block for block", async () => {
    const host = [0, 77];
    expect(await numbers(random.split(k, 100))).toEqual(
      Array.from({ length: 100 }, (_, i) => known(host, i, 0xffffffff)).flat(),
    );
    const step = 2 ** 32 - 1;
    const once = known(host, step, 0xfffffffe);
    expect(await numbers(random.foldIn(k, step))).toEqual(once);
    const twice = known(known(once, 2, 0xffffffff), 9, 0xfffffffe);
    expect(await numbers(random.foldIn(random.splitList(random.foldIn(k, step), 3)[2], 9))).toEqual(twice);
  });
  it("neighbouring keys give numbers that are independent", async () => {
    const keys = random.split(k, 64);
    const draw = (key: Tensor) => random.normal(key, [500]);
    const x = await numbers(vmap(draw)(keys) as Tensor);
    const row = (i: number) => x.slice(500 * i, 500 * (i + 1));
    // 63 correlations of 500 pairs, each of standard deviation 1 / sqrt(500): their squares sum to about 63.
    let statistic = 0;
    for (let i = 0; i + 1 < 64; i++) statistic += row(i).reduce((s, v, j) => s + v * row(i + 1)[j], 0) ** 2 / 500;
    expect(Math.abs(statistic - 63)).toBeLessThan(4 * Math.sqrt(2 * 63));
  });
});

describe("streams on the host", () => {
  it("are Threefry blocks of the seed's key, both words of each", () => {
    const seed = 2 ** 33 + 5;
    const key = threefry2x32(5, 2, 0, 0);
    const stream = hostRandom(seed);
    const expected = [0, 1, 2].flatMap((i) => known(key, i, 0));
    expect(expected.map(() => stream.uint32())).toEqual(expected);
  });
  it("never meet, for many labels", () => {
    const parent = hostRandom(5);
    const first = Array.from({ length: 20_000 }, (_, i) => {
      const child = parent.fork(i);
      return `${child.uint32()},${child.uint32()}`;
    });
    expect(new Set(first).size).toBe(20_000);
  });
});
