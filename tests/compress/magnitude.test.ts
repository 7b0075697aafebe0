import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  applyMask,
  fullMask,
  keepPerRound,
  magnitudeMask,
  maskDensity,
  oneShotMask,
  survivors,
} from "../../src/compress/index.js";
import { hostRandom, random, type Tensor, tensor } from "../../src/engine/index.js";
import { mlp } from "../../src/nn/index.js";
import { values } from "./values.js";

const vector = (values: readonly number[]) => ({ w: tensor(Float32Array.from(values), { shape: [values.length, 1] }) });
const kept = (mask: { w: Tensor }) => values(mask.w);

describe("magnitudeMask", () => {
  it("keeps the largest magnitudes, whatever their sign", async () => {
    expect(await kept(await magnitudeMask(vector([0.5, -3, 0.1, 2, -0.2]), 0.4))).toEqual([0, 1, 0, 1, 0]);
  });

  it("with everything kept is the full mask, under which a tree keeps its bits", async () => {
    const params = mlp({ sizes: [5, 4, 3] }).init(random.key(3));
    const mask = await magnitudeMask(params, 1);
    expect((await maskDensity(mask)).density).toBe(1);
    for (const [i, { w, b }] of applyMask(params, mask).layers.entries()) {
      expect(await values(w)).toEqual(await values(params.layers[i].w));
      expect(await values(b)).toEqual(await values(params.layers[i].b));
    }
  });

  it("meets the count exactly and breaks ties by index", async () => {
    expect(await kept(await magnitudeMask(vector([1, -1, 1, 1, -1]), 0.4))).toEqual([0, 0, 0, 1, 1]);
    expect(await kept(await magnitudeMask(vector([2, 1, 1, 3, 1, 0]), 0.5))).toEqual([1, 0, 0, 1, 1, 0]);
  });

  it("counts and compares only weights still alive", async () => {
    const alive = { w: tensor(Float32Array.of(0, 1, 1, 1, 1), { shape: [5, 1] }) };
    // The dead weight is the largest, but it must not come back, nor count among those to remove a share of.
    const mask = await magnitudeMask(vector([9, 4, 3, 2, 1]), 0.5, "layer", { alive });
    expect(await kept(mask)).toEqual([0, 1, 1, 0, 0]);
  });

  it("lets all tensors with the same share compete under global scope", async () => {
    const params = {
      a: tensor([
        [10, 0.1],
        [0.2, 9],
      ]),
      b: tensor([[8, 7, 0.3, 0.4]]),
      c: tensor([[0.01, 0.02]]),
    };
    const mask = await magnitudeMask(params, (path) => (path === "c" ? 0.5 : 0.5), "global");
    expect([await values(mask.a), await values(mask.b), await values(mask.c)]).toEqual([
      [1, 0, 0, 1],
      [1, 1, 0, 1],
      [0, 0],
    ]);
    // A tensor with a share of its own competes with itself only.
    const apart = await magnitudeMask(params, (path) => (path === "c" ? 0.51 : 0.5), "global");
    expect([await values(apart.a), await values(apart.b), await values(apart.c)]).toEqual([
      [1, 0, 0, 1],
      [1, 1, 0, 0],
      [0, 1],
    ]);
  });

  it("breaks ties of a global pool in the order of the tree", async () => {
    const params = { a: tensor([[1, 1]]), b: tensor([[1, 1]]) };
    const mask = await magnitudeMask(params, 0.25, "global");
    expect([await values(mask.a), await values(mask.b)]).toEqual([
      [0, 0],
      [0, 1],
    ]);
  });

  it("never prunes biases and normalisation parameters, unless told to", async () => {
    const params = { b: tensor([0.1, 0.2]), scale: tensor(0.5), w: tensor([[1, 2]]) };
    const mask = await magnitudeMask(params, 0.5);
    expect([mask.b.shape, mask.scale.shape, await mask.b.item()]).toEqual([[], [], 1]);
    const all = await magnitudeMask(params, 0.5, "layer", { exclude: () => false });
    expect(await values(all.b)).toEqual([0, 1]);
  });

  it("keeps exactly round(keep * alive), all of them at least as large as any that goes", async () => {
    const weights = fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(weights, fc.double({ min: 0, max: 1, noNaN: true }), async (values, keep) => {
        const mask = await kept(await magnitudeMask(vector(values), keep));
        const sizes = (wanted: number) => values.filter((_, i) => mask[i] === wanted).map(Math.abs);
        expect(sizes(1).length).toBe(Math.round(keep * values.length));
        expect(Math.max(-1, ...sizes(0))).toBeLessThanOrEqual(Math.min(5, ...sizes(1)));
      }),
      { numRuns: 60 },
    );
  });

  it("prunes monotonically: a smaller share keeps a subset", async () => {
    const random = hostRandom(3);
    const params = vector(Array.from({ length: 200 }, () => random.normal()));
    const [large, small] = [await kept(await magnitudeMask(params, 0.7)), await kept(await magnitudeMask(params, 0.2))];
    expect(small.every((m, i) => m <= large[i])).toBe(true);
  });

  it("refuses bad shares, masks of other trees, and weights that cannot be ranked", async () => {
    const params = vector([1, 2, 3]);
    await expect(magnitudeMask(params, 1.2)).rejects.toThrow(/"w" must lie in \[0, 1\], got 1.2/);
    await expect(magnitudeMask(params, 0.5, "layer", { alive: vector([1, 1]) })).rejects.toThrow(
      /\[3,1\] and \[2,1\] at "w"/,
    );
    await expect(magnitudeMask(params, 0.5, "layer", { alive: { v: tensor([[1]]) } as never })).rejects.toThrow(
      /differ in structure at "w"/,
    );
    await expect(magnitudeMask(vector([1, Number.NaN]), 0.5)).rejects.toThrow(/weight 1 of "w" is NaN/);
    const integers = { w: tensor(Int32Array.of(1, 2), { shape: [2, 1] }) };
    await expect(magnitudeMask(integers, 0.5)).rejects.toThrow(/"w" is int32/);
  });
});

describe("oneShotMask and keepPerRound", () => {
  it("reaches in one pass as many weights as the rounds would, layer by layer", async () => {
    const random = hostRandom(1);
    const draw = (a: number, b: number) =>
      tensor(
        Float32Array.from({ length: a * b }, () => random.normal()),
        { shape: [a, b] },
      );
    const params = { layers: [{ w: draw(30, 20) }, { w: draw(20, 7) }] };
    const keep = await keepPerRound(fullMask(params));
    const mask = await oneShotMask(params, keep, 5);
    const { tensors } = await maskDensity(mask);
    expect(tensors["layers[0].w"].alive).toBe(survivors(600, 0.8, 5));
    expect(tensors["layers[1].w"].alive).toBe(survivors(140, 0.9, 5));
  });

  it("gives the output layer half the rate, and says which tensors there are", async () => {
    const mask = fullMask({ head: tensor([[1]]), zbody: tensor([[1]]), bias: tensor([1]) });
    const keep = await keepPerRound(mask, { output: "head" });
    expect([keep("head"), keep("zbody")]).toEqual([0.9, 0.8]);
    await expect(keepPerRound(mask, { output: "heat" })).rejects.toThrow(/did you mean "head"/);
    await expect(keepPerRound(mask, { output: "bias" })).rejects.toThrow(/no prunable tensor/);
    await expect(keepPerRound(fullMask({ b: tensor([1]) }))).rejects.toThrow(/no tensor of the parameters is prunable/);
  });
});
