import { describe, expect, it } from "vitest";
import { batchIndices, gatherRows } from "../../src/data/index.js";
import { crossEntropy, hostRandom, mean, mul, random, type Tensor, tensor } from "../../src/engine/index.js";
import { type MlpParams, mlp, fit as trainAlone } from "../../src/nn/index.js";
import { schedules, sgd } from "../../src/optim/index.js";
import { type Network, networkTrainer } from "../../src/select/index.js";

const r = hostRandom(1);
const n = 60;
const data = {
  x: { data: Float32Array.from({ length: n * 5 }, () => r.normal()), shape: [n, 5], dtype: "float32" as const },
  y: { data: Int32Array.from({ length: n }, () => r.integer(3)), shape: [n], dtype: "int32" as const },
};
const model = mlp({ sizes: [5, 8, 3] });
const decay = schedules.cosine({ from: 1, steps: 12 });
const options = {
  model,
  data,
  batchSize: 8,
  optimizer: (rate: Tensor) =>
    sgd({ learningRate: (step) => mul(decay(step), rate), momentum: 0.9, weightDecay: 1e-3 }),
};
const rows = Int32Array.from({ length: 20 }, (_, i) => 3 * i);
const networks: Network[] = [
  { seed: 5, learningRate: 0.1 },
  { seed: 6, learningRate: 0.02, rows },
];

async function finish(unroll: number, nets: readonly Network[] = networks, steps = 12) {
  const blocks = [];
  let params: MlpParams | undefined;
  for await (const block of networkTrainer({ ...options, unroll }).train(nets, { steps })) {
    params = block.params;
    blocks.push(block);
  }
  const last = params!.layers[1].w;
  return { blocks, w: await last.data(), shape: last.shape };
}

/** The part of network `s` of a stacked array. */
const part = (all: ArrayLike<number>, s: number, of = 2) =>
  Array.from(all).slice((s * all.length) / of, ((s + 1) * all.length) / of);

describe("networkTrainer", () => {
  it("trains every network as it would train alone, on its own rows, from its own seed", async () => {
    const { w, shape, blocks } = await finish(4);
    expect(shape).toEqual([2, 8, 3]);
    expect(blocks.map(({ step }) => step)).toEqual([4, 8, 12]);
    for (const [s, { seed, learningRate, rows: own }] of networks.entries()) {
      const batches = [...batchIndices(own?.length ?? n, { batchSize: 8, seed, dropLast: true, steps: 12 })].map(
        (ids) => {
          const indices = own ? ids.map((i) => own[i]) : ids;
          return { x: gatherRows(data.x, indices), y: gatherRows(data.y, indices) };
        },
      );
      const alone = await trainAlone({
        loss: (p: MlpParams, x: Tensor, y: Tensor) => mean(crossEntropy(model.apply(p, x), y)),
        params: model.init(random.key(seed)),
        optimizer: options.optimizer(tensor(learningRate)),
        data: batches,
      }).run();
      const expected = await alone.params.layers[1].w.data();
      part(w as Float32Array, s).forEach((value, i) => {
        expect(value).toBeCloseTo(Number(expected[i]), 5);
      });
    }
  });

  it("does not depend on how many steps one call makes", async () => {
    const whole = await finish(12);
    const split = await finish(5);
    expect(split.blocks.map(({ step }) => step)).toEqual([5, 10, 12]);
    expect([...split.w]).toEqual([...whole.w]);
    const shown = (blocks: typeof whole.blocks) =>
      blocks.flatMap(({ observations }) => [...(observations[1].indices as Int32Array)]);
    expect(shown(split.blocks)).toEqual(shown(whole.blocks));
  });

  it("gives equal seeds equal starts, whatever the rows, and equal order to equal rows", async () => {
    const trainer = networkTrainer(options);
    const { layers } = await trainer.init([
      { seed: 7, learningRate: 1 },
      { seed: 7, learningRate: 1, rows },
      { seed: 8, learningRate: 1 },
    ]);
    const w = (await layers[0].w.data()) as Float32Array;
    expect(part(w, 0, 3)).toEqual(part(w, 1, 3));
    expect(part(w, 0, 3)).not.toEqual(part(w, 2, 3));
    const alone = (await model.init(random.key(7)).layers[0].w.data()) as Float32Array;
    part(w, 0, 3).forEach((value, i) => {
      expect(value).toBeCloseTo(alone[i], 6);
    });
  });

  it("observes the batches' rows and the predictions before the update", async () => {
    const { blocks } = await finish(1, networks, 2);
    const [first] = blocks;
    for (const { indices, correct } of first.observations) {
      expect(indices.length).toBe(8);
      expect(correct.length).toBe(8);
    }
    expect((first.observations[1].indices as Int32Array).every((row) => rows.includes(row))).toBe(true);
    const { indices, correct } = first.observations[0];
    const params = model.init(random.key(5));
    const logits = (await model
      .apply(params, tensor(gatherRows(data.x, indices as Int32Array)))
      .tolist()) as number[][];
    const expected = logits.map((row, i) => row.indexOf(Math.max(...row)) === data.y.data[indices[i]]);
    expect(Array.from(correct, Boolean)).toEqual(expected);
    expect(first.losses.map(({ length }) => length)).toEqual([1, 1]);
    expect(first.losses.every(([loss]) => loss > 0)).toBe(true);
  });

  it("refuses too few rows, rows that are not there, and no networks; stops on a signal", async () => {
    const start = (nets: readonly Network[], signal?: AbortSignal) =>
      networkTrainer(options).train(nets, { steps: 1, signal }).next();
    await expect(start([{ seed: 1, learningRate: 1, rows: rows.subarray(0, 7) }])).rejects.toThrow(
      /7 examples make no batch of 8/,
    );
    await expect(start([{ seed: 1, learningRate: 1, rows: Int32Array.of(60) }])).rejects.toThrow(
      /rows 0 to 59.* row 60/,
    );
    await expect(start([])).rejects.toThrow(/no networks/);
    await expect(start(networks, AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
    expect(() => networkTrainer({ ...options, unroll: 0 })).toThrow(/unroll/);
  });
});
