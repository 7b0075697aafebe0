import { describe, expect, it } from "vitest";
import {
  applyMask,
  earlyStopIteration,
  fullMask,
  maskDensity,
  packMask,
  randomMaskLike,
  reinitLike,
  stackTrees,
  unpackMask,
  unstackTree,
} from "../../src/compress/index.js";
import { hostRandom, random, tensor } from "../../src/engine/index.js";
import { cnn, mlp } from "../../src/nn/index.js";
import { values } from "./values.js";

describe("masks", () => {
  it("count prunable weights only", async () => {
    const mask = { b: tensor(1), w: tensor([[1, 0, 0, 1]]), v: tensor([[1], [1]]) };
    expect(await maskDensity(mask)).toMatchObject({
      alive: 4,
      total: 6,
      tensors: { w: { alive: 2, total: 4, density: 0.5 }, v: { density: 1 } },
    });
  });

  it("leave living weights bit for bit and give a scalar mask to what is never pruned", async () => {
    const params = { b: tensor([0.1, 0.2]), w: tensor([[0.3, -0.7]]) };
    const out = applyMask(params, { b: tensor(1), w: tensor([[0, 1]]) });
    expect(out.b).toBe(params.b);
    expect((await values(out.w)).map(Math.abs)).toEqual([0, Math.fround(0.7)]);
    expect(() => applyMask(params, { w: tensor([[0, 1]]) } as never)).toThrow(/differ in structure: "b"/);
  });

  it("fit any tree: a convolutional network's kernels and its head are prunable", async () => {
    const params = cnn({ inputShape: [1, 8, 8], channels: [4, 8], classes: 3 }).init(random.key(0));
    const { tensors, density } = await maskDensity(fullMask(params));
    expect(density).toBe(1);
    expect(Object.values(tensors).length).toBeGreaterThanOrEqual(3);
    expect(Object.keys(tensors).some((path) => /bias|\.b$/.test(path))).toBe(false);
  });

  it("random masks have the same density in every layer, at other places", async () => {
    const mask = { b: tensor(1), w: tensor([[1, 1, 1, 0, 0, 0, 0, 0]]), v: tensor([[0], [1], [1]]) };
    const drawn = await randomMaskLike(mask, hostRandom(4));
    const [before, after] = [await maskDensity(mask), await maskDensity(drawn)];
    expect(after).toEqual(before);
    expect(await values(drawn.w)).not.toEqual(await values(mask.w));
    expect(await values((await randomMaskLike(mask, hostRandom(4))).w)).toEqual(await values(drawn.w));
  });

  it("draw every place equally often", async () => {
    const mask = { w: tensor([[1, 1, 0, 0, 0]]) };
    const source = hostRandom(0);
    const counts = [0, 0, 0, 0, 0];
    for (let i = 0; i < 2000; i++) {
      (await values((await randomMaskLike(mask, source)).w)).forEach((m, k) => {
        counts[k] += m;
      });
    }
    // 800 expected, standard deviation 22.
    for (const count of counts) expect(Math.abs(count - 800)).toBeLessThan(100);
  });

  it("survive packing, alone and stacked", async () => {
    const one = { b: tensor(1), w: tensor([[1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 1]]) };
    const two = { b: tensor(1), w: tensor([[0, 0, 1, 0, 0, 1, 1, 0, 1, 0, 1]]) };
    const like = fullMask({ b: tensor([1]), w: tensor([new Array(11).fill(1)]) });
    expect(await values((await unpackMask(await packMask(one), like)).w)).toEqual(await values(one.w));
    const both = await stackTrees([one, two]);
    const back = await unstackTree(await unpackMask(await packMask(both), await stackTrees([like, like])));
    expect(await values(back[1].w)).toEqual(await values(two.w));
    expect(back[1].b.shape).toEqual([]);
    await expect(unpackMask("AAAA", like)).rejects.toThrow(/3 bytes do not hold a mask of 11 weights/);
  });
});

describe("stackTrees", () => {
  it("stacks and unstacks", async () => {
    const trees = [0, 1, 2].map((i) => ({ w: tensor([[i, 10 + i]]), c: tensor(i) }));
    const all = await stackTrees(trees);
    expect([all.w.shape, all.c.shape]).toEqual([[3, 1, 2], [3]]);
    expect(await values((await unstackTree(all))[2].w)).toEqual([2, 12]);
  });

  it("refuses trees that differ, and what was not stacked", async () => {
    await expect(stackTrees([])).rejects.toThrow(/no trees/);
    await expect(stackTrees([{ w: tensor([1]) }, { w: tensor([1, 2]) }])).rejects.toThrow(/\[1\] and \[2\] at "w"/);
    await expect(unstackTree({ v: tensor([1, 2]), w: tensor([1]) })).rejects.toThrow(/"w" has the shape \[1\]/);
  });
});

describe("reinitLike", () => {
  const model = mlp({ sizes: [12, 9, 4], init: "glorotNormal" });
  const init = (seed: number) => model.init(random.key(seed));

  it("draws from the same init at another seed", async () => {
    const theta0 = init(0);
    const fresh = await reinitLike(theta0, hostRandom(0), init);
    expect(await values(fresh.layers[0].w)).not.toEqual(await values(theta0.layers[0].w));
    const again = await reinitLike(theta0, hostRandom(0), init);
    expect(await values(again.layers[1].w)).toEqual(await values(fresh.layers[1].w));
  });

  it("refuses an init that ignores its seed", async () => {
    await expect(reinitLike(init(7), hostRandom(0), () => init(7))).rejects.toThrow(/same weights again/);
    await expect(reinitLike({ w: tensor([1, 2]) }, hostRandom(0), () => ({ w: tensor([1]) }))).rejects.toThrow(
      /\[2\] and \[1\]/,
    );
  });

  it("without init, permutes every tensor: the same values at other places, constants unchanged", async () => {
    const theta0 = init(0);
    const fresh = await reinitLike(theta0, hostRandom(5));
    const [before, after] = [await values(theta0.layers[0].w), await values(fresh.layers[0].w)];
    expect(after).not.toEqual(before);
    expect(after.toSorted()).toEqual(before.toSorted());
    expect(await values(fresh.layers[0].b)).toEqual(await values(theta0.layers[0].b));
  });
});

describe("earlyStopIteration", () => {
  const log = (...losses: number[]) => losses.map((valLoss, i) => ({ step: 100 * (i + 1), valLoss }));

  it("is the first step of least validation loss", () => {
    expect(earlyStopIteration(log(3, 1, 2))).toBe(200);
    expect(earlyStopIteration(log(3, 1, 1))).toBe(200);
    expect(earlyStopIteration(log(5))).toBe(100);
    expect(earlyStopIteration(log(3, 2, 1).reverse())).toBe(300);
  });

  it("refuses empty logs and NaN", () => {
    expect(() => earlyStopIteration([])).toThrow(/no evaluation/);
    expect(() => earlyStopIteration(log(1, Number.NaN))).toThrow(/step 200 is NaN/);
  });
});
