import { describe, expect, test } from "vitest";
import { crossEntropy, mean, random, type Tensor, tensor, treeEntries } from "../../src/engine/index.js";
import {
  deepSets,
  gat,
  gcn,
  gpt,
  gru,
  lstm,
  meanSquaredError,
  mixer,
  resnet,
  rnn,
  statefulTrainStep,
  trainStep,
  transformer,
  unet,
  vit,
} from "../../src/nn/index.js";
import { adam } from "../../src/optim/index.js";

const key = random.key(21);
const ints = (...values: number[]) => tensor(values, { dtype: "int32" });
const rows = (...values: number[][]) => tensor(values, { dtype: "int32" });

/** A tiny batch can be learnt by heart: the loss falls to a tenth of what it was, and every parameter stays finite. */
async function learnsByHeart<P>(init: P, loss: (params: P) => Tensor, steps = 40, learningRate = 0.02): Promise<void> {
  const optimizer = adam({ learningRate });
  const step = trainStep(loss, optimizer);
  const first = await step(init as any, optimizer.init(init) as any);
  const start = await first.loss.item();
  let at = first;
  for (let i = 0; i < steps; i++) at = await step(at.params as any, at.state as any);
  expect(await at.loss.item()).toBeLessThan(0.1 * start);
  for (const [path, t] of treeEntries(at.params)) {
    const values = Array.from(await t.data(), Number);
    expect(values.every(Number.isFinite), path).toBe(true);
  }
}

const sequences = random.normal(key, [4, 3, 2]);
const labels = ints(0, 1, 2, 1);
const images = random.normal(key, [4, 1, 4, 4]);
const logLoss = (logits: Tensor, y: Tensor) => mean(crossEntropy(logits, y));

describe("a tiny batch is learnt by heart by", () => {
  test.each([
    ["rnn", rnn(2, 8)],
    ["gru", gru(2, 8, { direction: "both" })],
    ["lstm", lstm(2, 8, { layers: 2 })],
  ] as const)("%s", async (_name, model) => {
    const read = (y: Tensor) => y.slice([0, 2], [4, 3]).reshape(4, -1).slice([0, 0], [4, 3]).mul(5);
    await learnsByHeart(model.init(key), (p) => logLoss(read(model.apply(p, sequences)[0]), labels));
  });
  test("gpt", async () => {
    const model = gpt({ vocabulary: 5, context: 4, layers: 1, width: 8, heads: 2 });
    const x = rows([0, 1, 2, 3], [4, 3, 2, 1]);
    const y = rows([1, 2, 3, 4], [3, 2, 1, 0]);
    await learnsByHeart(model.init(key), (p) => logLoss(model.apply(p, x), y));
  });
  test("transformer", async () => {
    const model = transformer({ width: 8, heads: 2, layers: 1, sourceVocabulary: 5, targetVocabulary: 5, hidden: 16 });
    const source = rows([0, 1, 2], [4, 3, 2]);
    const target = rows([0, 2, 1], [0, 2, 3]);
    const next = rows([2, 1, 0], [2, 3, 4]);
    await learnsByHeart(model.init(key), (p) => logLoss(model.apply(p, { source, target }), next));
  });
  test.each([
    ["vit", vit({ inputShape: [1, 4, 4], classes: 3, patch: 2, layers: 1, width: 8, heads: 2 })],
    ["mixer", mixer({ inputShape: [1, 4, 4], classes: 3, patch: 2, layers: 1, width: 8 })],
  ] as const)("%s", async (_name, model) => {
    await learnsByHeart(model.init(key), (p: any) => logLoss(model.apply(p, images), labels));
  });
  test("resnet, and its running statistics follow", async () => {
    const model = resnet({ inputs: 1, classes: 3, blocks: [1, 1], channels: [4, 8] });
    const optimizer = adam({ learningRate: 0.02 });
    const step = statefulTrainStep((p: ReturnType<typeof model.init>, s: ReturnType<typeof model.initState>) => {
      const [logits, next] = model.train(p, images, s);
      return [logLoss(logits, labels), next];
    }, optimizer);
    const params = model.init(key);
    let at = await step(params as any, model.initState() as any, optimizer.init(params) as any);
    const start = await at.loss.item();
    for (let i = 0; i < 60; i++) at = await step(at.params as any, at.modelState as any, at.state as any);
    expect(await at.loss.item()).toBeLessThan(0.1 * start);
    expect(await at.modelState.stem.variance.tolist()).not.toEqual(await model.initState().stem.variance.tolist());
    expect(await logLoss(model.apply(at.params, images, at.modelState), labels).item()).toBeLessThan(0.3 * start);
  });
  test("unet", async () => {
    const model = unet({ inputs: 1, channels: [4], groups: 2, time: true });
    const target = images.mul(0.5).add(0.25);
    const time = tensor([0, 1, 2, 3]);
    await learnsByHeart(model.init(key), (p) => meanSquaredError(model.apply(p, images, { time }), target));
  });
  test.each([
    ["gcn", gcn({ sizes: [4, 16, 3] })],
    ["gat", gat({ sizes: [4, 4, 3], heads: [2, 1] })],
  ] as const)("%s", async (_name, model) => {
    const x = random.normal(key, [4, 4]);
    const edges = rows([0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]);
    await learnsByHeart(model.init(key), (p: any) => logLoss(model.apply(p, { x, edges }), labels), 80, 0.05);
  });
  test("deepSets", async () => {
    const model = deepSets({ phi: [2, 16, 16], rho: [16, 3] });
    await learnsByHeart(model.init(key), (p) => logLoss(model.apply(p, sequences), labels));
  });
});
