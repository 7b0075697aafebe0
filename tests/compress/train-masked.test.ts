import { describe, expect, it } from "vitest";
import { applyMask, maskedStep, randomMaskLike, stackTrees, trainMasked } from "../../src/compress/index.js";
import { crossEntropy, hostRandom, type NDArray, random, type Tensor, tensor, vmap } from "../../src/engine/index.js";
import { mlp } from "../../src/nn/index.js";
import { adam, addDecayedWeights, chain, type Optimizer, sgd } from "../../src/optim/index.js";
import { values } from "./values.js";

const model = mlp({ sizes: [6, 8, 3], init: "glorotNormal" });
const loss = (logits: Tensor, y: Tensor) => crossEntropy(logits, y).mean();
const source = hostRandom(11);
const batch = (): { x: NDArray; y: NDArray } => ({
  x: { data: Float32Array.from({ length: 60 }, () => source.normal()), shape: [10, 6], dtype: "float32" },
  y: { data: Int32Array.from({ length: 10 }, () => source.integer(3)), shape: [10], dtype: "int32" },
});
const batches = (n: number) => Array.from({ length: n }, batch);

/** Half the weights alive in each layer. */
const halfMask = (seed = 0) => {
  const half = (n: number, shape: number[]) =>
    tensor(
      Float32Array.from({ length: n }, (_, i) => i % 2),
      { shape },
    );
  const mask = {
    layers: [
      { w: half(48, [6, 8]), b: tensor(1) },
      { w: half(24, [8, 3]), b: tensor(1) },
    ],
  };
  return randomMaskLike(mask, hostRandom(seed));
};

const last = async <T>(items: AsyncIterable<T>): Promise<T> => {
  let final: T | undefined;
  for await (const item of items) final = item;
  return final!;
};

describe("trainMasked", () => {
  const optimizers: Record<string, Optimizer> = {
    "Adam with L2 decay": chain(addDecayedWeights(0.01), adam({ learningRate: 0.01 })),
    "SGD with momentum and decay": sgd({ learningRate: 0.05, momentum: 0.9, weightDecay: 0.01 }),
  };
  for (const [name, optimizer] of Object.entries(optimizers)) {
    it(`keeps dead weights and their moments at 0 through 100 steps of ${name}`, async () => {
      const mask = await halfMask();
      const start = model.init(random.key(1));
      const end = await last(trainMasked(model.apply, loss, start, mask, optimizer, { batches: batches(100) }));
      expect(end.step).toBe(100);
      const moments = momentTrees(end.state);
      expect(moments.length).toBeGreaterThan(0);
      for (const [l, layer] of mask.layers.entries()) {
        const alive = await values(layer.w);
        for (const tree of [end.params, ...moments]) {
          const w = await values(tree.layers[l].w);
          expect(w.every((value, i) => alive[i] === 1 || value === 0)).toBe(true);
          expect(w.filter((value, i) => alive[i] === 1 && value !== 0).length).toBeGreaterThan(0);
        }
      }
      // Biases train although their mask is a single 1.
      expect((await values(end.params.layers[0].b)).some((b) => b !== 0)).toBe(true);
    });
  }

  it("masks the start, trains the dense network under a full mask, and lowers the loss", async () => {
    const one = batch();
    const optimizer = adam({ learningRate: 0.02 });
    const losses: number[] = [];
    for await (const { loss: value } of trainMasked(
      model.apply,
      loss,
      model.init(random.key(2)),
      await halfMask(),
      optimizer,
      {
        batches: new Array(60).fill(one),
        steps: 50,
      },
    )) {
      losses.push(value);
    }
    expect(losses.length).toBe(50);
    expect(losses[49]).toBeLessThan(losses[0] / 2);
  });

  it("refuses a mask of other parameters and stops on abort", async () => {
    const wrong = mlp({ sizes: [6, 7, 3] }).init(random.key(0));
    const run = (mask: typeof wrong, signal?: AbortSignal) =>
      last(
        trainMasked(model.apply, loss, model.init(random.key(0)), mask, adam({ learningRate: 0.01 }), {
          batches: batches(2),
          signal,
        }),
      );
    await expect(run(wrong)).rejects.toThrow(/trainMasked: the shapes \[8\] and \[7\] at "layers\[0\]\.b"/);
    await expect(run({ layers: [] } as never)).rejects.toThrow(/differ in structure/);
    await expect(run(await halfMask(), AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
  });

  it("stops at a loss that is not finite, naming the step", async () => {
    const [first, second] = batches(2);
    (second.x.data as Float32Array)[0] = Number.NaN;
    const steps: number[] = [];
    const run = async () => {
      const options = { batches: [first, second] };
      const training = trainMasked(
        model.apply,
        loss,
        model.init(random.key(0)),
        await halfMask(),
        sgd({ learningRate: 0.1 }),
        options,
      );
      for await (const { step } of training) steps.push(step);
    };
    await expect(run()).rejects.toThrow("trainMasked: the loss became NaN at step 2.");
    expect(steps).toEqual([1]);
  });
});

describe("maskedStep", () => {
  it("mapped over stacked models is each model's own step", async () => {
    const optimizer = adam({ learningRate: 0.01 });
    const step = maskedStep(model.apply, loss, optimizer);
    const masks = [await halfMask(1), await halfMask(2)];
    const params = masks.map((mask, i) => applyMask(model.init(random.key(i)), mask));
    const data = batches(2).map(({ x, y }) => ({ x: tensor(x), y: tensor(y) }));
    const alone = params.map((p, i) => step(p, optimizer.init(p), masks[i], data[i].x, data[i].y));
    const stacked = await stackTrees(params);
    const xs = (await stackTrees(data)).x;
    const ys = (await stackTrees(data)).y;
    const [together] = vmap(step)(stacked, vmap(optimizer.init)(stacked), await stackTrees(masks), xs, ys);
    for (const i of [0, 1]) {
      const expected = await values(alone[i][0].layers[0].w);
      const got = (await values(together.layers[0].w)).slice(48 * i, 48 * (i + 1));
      got.forEach((value, k) => {
        expect(value).toBeCloseTo(expected[k], 6);
      });
    }
  });
});

/** The trees inside an optimiser's state that are shaped like the parameters. */
function momentTrees(state: unknown): ReturnType<typeof model.init>[] {
  if (typeof state !== "object" || state === null) return [];
  if ("layers" in state) return [state as ReturnType<typeof model.init>];
  return Object.values(state).flatMap(momentTrees);
}
