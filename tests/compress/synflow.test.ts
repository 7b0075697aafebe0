import { describe, expect, it } from "vitest";
import { fullMask, magnitudeMask, maskDensity, synflowMask, synflowScores } from "../../src/compress/index.js";
import { matmul, mul, random, relu, sum, type Tensor, tensor } from "../../src/engine/index.js";
import { mlp } from "../../src/nn/index.js";
import { values } from "./values.js";

interface Chain {
  readonly layers: readonly Tensor[];
}
/** A network of products and ReLUs alone, for which the flow is conserved. */
const chain = (p: Chain, x: Tensor): Tensor =>
  p.layers.reduce((h, w, i) => (i < p.layers.length - 1 ? relu(matmul(h, w)) : matmul(h, w)), x);
const drawn = (scales: readonly number[]): Chain => ({
  layers: scales.map((scale, i) =>
    mul(random.normal(random.key(i), [i === 0 ? 5 : 6, i === scales.length - 1 ? 3 : 6]), scale),
  ),
});

describe("synflowScores", () => {
  it("sum to the same flow in every layer", async () => {
    const params = drawn([0.01, 1, 30]);
    const { layers } = synflowScores(chain, params, fullMask(params), [5]);
    const sums = await Promise.all(layers.map(async (s) => (await sum(s).data())[0] as number));
    for (const total of sums) expect(total / sums[0]).toBeCloseTo(1, 10);
  });

  it("of two layers are the sums over all paths through a weight", async () => {
    const params: Chain = { layers: [tensor([[1, -2]]), tensor([[3], [-4]])] };
    const { layers } = synflowScores(chain, params, fullMask(params), [1]);
    // Two paths: 1 x 3 and 2 x 4.
    expect([await values(layers[0]), await values(layers[1])]).toEqual([
      [3, 8],
      [3, 8],
    ]);
  });
});

describe("synflowMask", () => {
  it("meets the density exactly and keeps every layer alive where magnitudes lose one", async () => {
    const params = drawn([0.001, 1, 1]);
    const mask = await synflowMask(chain, params, 0.1, { inputShape: [5] });
    const { alive, total, tensors } = await maskDensity(mask);
    expect(alive).toBe(Math.round(total * 0.1));
    expect(Object.values(tensors).every((one) => one.alive > 0)).toBe(true);
    const { tensors: byMagnitude } = await maskDensity(await magnitudeMask(params, 0.1, "global"));
    expect(Object.values(byMagnitude)[0].alive).toBe(0);
  });

  it("leaves biases alone, and all weights with a share of 1", async () => {
    const model = mlp({ sizes: [4, 5, 3] });
    const params = model.init(random.key(1));
    expect((await maskDensity(await synflowMask(model.apply, params, 1, { inputShape: [4] }))).density).toBe(1);
    const half = await synflowMask(model.apply, params, 0.5, { inputShape: [4], rounds: 3 });
    expect(half.layers.map(({ b }) => b?.rank)).toEqual([0, 0]);
  });

  it("refuses what it cannot do", async () => {
    const params = drawn([1, 1]);
    await expect(synflowMask(chain, params, 0, { inputShape: [5] })).rejects.toThrow("must lie in (0, 1], got 0");
    await expect(synflowMask(chain, params, 0.5, { inputShape: [5], rounds: 0 })).rejects.toThrow("got 0");
  });
});
