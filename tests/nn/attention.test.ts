import { describe, expect, test } from "vitest";
import { concat, grad, jit, random, sum, type Tensor, tensor } from "../../src/engine/index.js";
import {
  alibi,
  causalMask,
  dotProductAttention,
  type MultiHeadParams,
  multiHeadAttention,
  paddingMask,
  rotary,
  sinusoidal,
} from "../../src/nn/index.js";
import { allClose, golden, ints } from "./golden.js";

const key = random.key(6);
const wide = { dtype: "float64" } as const;
const positions = (n: number, from = 0) => tensor(Int32Array.from({ length: n }, (_, i) => from + i));

describe("multiHeadAttention", () => {
  const { x, params, visible, lengths, y, dx, dk, context, crossParams, z } = golden("nn-models").multiHead;
  test("gives PyTorch's values and gradients with masks", async () => {
    const layer = multiHeadAttention(6, { heads: 2, ...wide });
    const run = jit((p: MultiHeadParams, input: Tensor) => {
      const mask = paddingMask(ints(lengths), 4);
      const both = visible.cast("int32").mul(mask.cast("int32")).cast("bool");
      const apply = (q: MultiHeadParams, t: Tensor) => layer.apply(q, t, { mask: both });
      const squares = (q: MultiHeadParams, t: Tensor) => sum(apply(q, t).mul(apply(q, t)));
      const [gp, gx] = grad(squares, { argnums: [0, 1] })(p, input);
      return { y: apply(p, input), dx: gx, dk: gp.k.w };
    });
    await allClose(await run(params, x), { y, dx, dk });
  });
  test("attends to a context of another width", async () => {
    const layer = multiHeadAttention(6, { heads: 2, contextWidth: 5, ...wide });
    await allClose(layer.apply(crossParams, x, { context }), z);
  });
  test("groups share keys: as many heads with those keys repeated", async () => {
    const grouped = multiHeadAttention(8, { heads: 4, groups: 2, ...wide });
    const full = multiHeadAttention(8, { heads: 4, ...wide });
    const p = grouped.init(key);
    expect(p.k.w.shape).toEqual([8, 4]);
    const repeat = ({ w, b }: MultiHeadParams["k"]) => ({
      w: w
        .reshape(8, 2, 1, 2)
        .mul(tensor([[1], [1]], wide))
        .reshape(8, 8),
      b: b!
        .reshape(2, 1, 2)
        .mul(tensor([[1], [1]], wide))
        .reshape(8),
    });
    const input = random.normal(key, [2, 3, 8], wide);
    await allClose(grouped.apply(p, input), full.apply({ ...p, k: repeat(p.k), v: repeat(p.v) }, input), 1e-12);
  });
  test.each([{}, { groups: 1 }, { positions: "rotary" }, { positions: "alibi" }] as const)(
    "step by step with a cache as all at once: %j",
    async (options) => {
      const layer = multiHeadAttention(8, { heads: 2, causal: true, ...options, ...wide });
      const p = layer.init(key);
      const input = random.normal(key, [2, 5, 8], wide);
      let cache = layer.initCache(2, 7);
      const parts: Tensor[] = [];
      for (const [start, end] of [
        [0, 2],
        [2, 3],
        [3, 5],
      ]) {
        const [out, next] = layer.step(p, input.slice([0, start], [2, end]), cache);
        parts.push(out);
        cache = next;
      }
      const all = layer.apply(p, input);
      await allClose(parts, [all.slice([0, 0], [2, 2]), all.slice([0, 2], [2, 3]), all.slice([0, 3], [2, 5])], 1e-12);
      expect(await cache.position.item()).toBe(5);
    },
  );
  test.each(["rotary", "alibi"] as const)("%s positions make the order matter", async (positions) => {
    const plain = multiHeadAttention(8, { heads: 2 });
    const placed = multiHeadAttention(8, { heads: 2, positions });
    const p = plain.init(key);
    const input = random.normal(key, [1, 3, 8]);
    const turned = concat([input.slice([0, 1], [1, 3]), input.slice([0, 0], [1, 1])], 1);
    const gap = async (layer: typeof plain) => {
      const first = layer.apply(p, input).slice([0, 0], [1, 1]);
      const d = first.sub(layer.apply(p, turned).slice([0, 2], [1, 3]));
      return sum(d.mul(d)).item();
    };
    expect(await gap(plain)).toBeLessThan(1e-10);
    expect(await gap(placed)).toBeGreaterThan(1e-4);
  });
  test("dropout of weights, with a key only", async () => {
    const layer = multiHeadAttention(8, { heads: 2, dropout: 0.5 });
    const p = layer.init(key);
    const input = random.normal(key, [1, 6, 8]);
    const at = async (k?: random.Key) => (await layer.apply(p, input, { key: k }).data()).toString();
    expect(await at()).toBe((await multiHeadAttention(8, { heads: 2 }).apply(p, input).data()).toString());
    expect(await at(random.key(1))).not.toBe(await at());
  });
  test("errors", () => {
    expect(() => multiHeadAttention(6, { heads: 4 })).toThrow("attention: 4 heads do not divide the width 6.");
    expect(() => multiHeadAttention(8, { heads: 4, groups: 3 })).toThrow("attention: 3 groups do not divide 4 heads.");
    const layer = multiHeadAttention(6, { heads: 2 });
    expect(() => layer.apply(layer.init(key), tensor([[1]]))).toThrow("the layer takes [B, T, 6], got [1, 1]");
    const q = random.normal(key, [1, 2, 3, 4]);
    expect(() => dotProductAttention(q, q, q, { mask: tensor([1]) })).toThrow("the mask has dtype float32, not bool");
    expect(() => dotProductAttention(q, random.normal(key, [1, 3, 3, 4]), q)).toThrow(
      "queries [1, 2, 3, 4] and keys [1, 3, 3, 4] do not fit",
    );
  });
});

test("what a mask hides changes nothing", async () => {
  const [q, k, v] = [0, 1, 2].map((i) => random.normal(random.key(i), [1, 2, 3, 4]));
  const other = random.normal(random.key(7), [1, 2, 1, 4]);
  const swap = (t: Tensor) => t.slice([0, 0, 0], [1, 2, 2]);
  const mask = paddingMask(tensor([2], { dtype: "int32" }), 3);
  const changed = (t: Tensor) => concat([swap(t), other], 2);
  await allClose(
    dotProductAttention(q, changed(k), changed(v), { mask }),
    dotProductAttention(q, swap(k), swap(v)),
    1e-6,
  );
  expect(await causalMask(2, 3).tolist()).toEqual([
    [1, 0, 0],
    [1, 1, 0],
  ]);
});

describe("positions", () => {
  test("sinusoidal: sines and cosines of geometric frequencies", async () => {
    const y = (await sinusoidal(positions(3), 4).tolist()) as number[][];
    const row = (p: number) => [Math.sin(p), Math.cos(p), Math.sin(p / 100), Math.cos(p / 100)];
    [0, 1, 2].forEach((p) => {
      expect(y[p]).toEqual(row(p).map((value) => expect.closeTo(value, 5)));
    });
    expect(() => sinusoidal(positions(3), 5)).toThrow("sinusoidal: the width 5 for [3] must be even");
  });
  test("rotary keeps lengths, and products depend on distances only", async () => {
    const [q, k] = [random.normal(random.key(1), [1, 6], wide), random.normal(random.key(2), [1, 6], wide)];
    const product = (p: number, s: number) => sum(rotary(q, positions(1, p)).mul(rotary(k, positions(1, s))));
    await allClose([product(3, 1), product(0, 0)], [product(12, 10), sum(q.mul(k))], 1e-12);
    await allClose(sum(rotary(q, positions(1, 5)).mul(rotary(q, positions(1, 5)))), sum(q.mul(q)), 1e-12);
    expect(() => rotary(tensor([[1, 2, 3]]), positions(1))).toThrow("rotary: the width 3 for [1, 3] must be even");
  });
  test("alibi: slopes times distances", async () => {
    const y = (await alibi(8, positions(2), positions(2)).tolist()) as number[][][];
    expect(y.map((h) => h[1][0])).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((h) => -(2 ** -h)));
    expect(y[0]).toEqual([
      [-0, -0.5],
      [-0.5, -0],
    ]);
    // The paper's rule for six heads: those of four, then every other one of eight.
    const six = (await alibi(6, positions(1, 1), positions(1)).tolist()) as number[][][];
    expect(six.map((h) => -h[0][0])).toEqual([2 ** -2, 2 ** -4, 2 ** -6, 2 ** -8, 2 ** -1, 2 ** -3]);
  });
});
