import { describe, expect, test } from "vitest";
import { grad, jit, random, sum, type Tensor, tensor } from "../../src/engine/index.js";
import {
  cifarResnet,
  countParameters,
  type ResnetParams,
  resnet,
  resnet18,
  resnet34,
  unet,
} from "../../src/nn/index.js";
import { allClose, golden } from "./golden.js";

const key = random.key(12);

describe("resnet", () => {
  const { x, params, state, trained, evaluated, dx, dstem } = golden("nn-models").residual;
  const model = resnet({ inputs: 2, classes: 3, blocks: [1, 1], channels: [3, 4], dtype: "float64" });
  test("gives PyTorch's values, gradients and running statistics", async () => {
    const run = jit((p: ResnetParams, t: Tensor) => {
      const cubes = (q: ResnetParams, at: Tensor) => {
        const [y] = model.train(q, at, model.initState());
        return sum(y.mul(y).mul(y));
      };
      const [y, next] = model.train(p, t, model.initState());
      const [gp, gx] = grad(cubes, { argnums: [0, 1] })(p, t);
      return { trained: y, state: next, evaluated: model.apply(p, t, next), dx: gx, dstem: gp.stem.conv.w };
    });
    await allClose(await run(params, x), { trained, state, evaluated, dx, dstem });
  });
  test("has as many parameters as in the paper", () => {
    expect(countParameters(cifarResnet(20, { classes: 10 }).init(key))).toBe(269_722);
    expect(countParameters(cifarResnet(20, { classes: 10, shortcut: "projection" }).init(key))).toBe(272_474);
    expect(countParameters(cifarResnet(56, { classes: 10 }).init(key))).toBe(853_018);
    expect(countParameters(resnet18({ classes: 1000 }).init(key))).toBe(11_689_512);
    expect(countParameters(resnet34({ classes: 1000 }).init(key))).toBe(21_797_672);
  });
  test("takes images of any size; the large stem quarters them", () => {
    const small = cifarResnet(8, { classes: 10 });
    expect(small.apply(small.init(key), random.normal(key, [2, 3, 32, 24]), small.initState()).shape).toEqual([2, 10]);
    const large = resnet18({ classes: 7 });
    expect(large.apply(large.init(key), random.normal(key, [1, 3, 64, 64]), large.initState()).shape).toEqual([1, 7]);
  });
  test("a padded shortcut adds the strided input to the first channels", async () => {
    const one = resnet({ inputs: 1, classes: 1, blocks: [1, 1], channels: [1, 3], shortcut: "pad" });
    const p = one.init(key);
    expect(p.blocks[1].shortcut).toBeUndefined();
    const y = one.apply(p, random.normal(key, [2, 1, 4, 4]), one.initState());
    expect(y.shape).toEqual([2, 1]);
  });
  test("errors", () => {
    expect(() => cifarResnet(21, { classes: 10 })).toThrow(
      "the depth is 6 n + 2 for some n, such as 20, 32 or 56; got 21",
    );
    expect(() => resnet({ classes: 2, blocks: [1], channels: [] })).toThrow("1 stages need as many channels");
    expect(() => model.apply(params, tensor([[1]]), state)).toThrow("the model takes [B, 2, H, W], got [1, 1]");
  });
});

describe("unet", () => {
  const model = unet({ inputs: 2, outputs: 3, channels: [4, 8], groups: 2, time: true });
  const params = model.init(key);
  const x = random.normal(key, [2, 2, 8, 4]);
  const time = tensor([1, 500]);
  test("keeps the size, and starts by giving zeros", async () => {
    const y = model.apply(params, x, { time });
    expect(y.shape).toEqual([2, 3, 8, 4]);
    expect(await sum(y.mul(y)).item()).toBe(0);
  });
  test("parameters", () => {
    const conv = (from: number, to: number, k = 3) => from * to * k * k + to;
    const block = (from: number, to: number) =>
      2 * from + conv(from, to) + (16 * to + to) + 2 * to + conv(to, to) + (from === to ? 0 : conv(from, to, 1));
    const down = block(4, 4) + conv(4, 4) + block(4, 8) + conv(8, 8);
    const up = conv(8, 8) + block(16, 8) + conv(8, 4) + block(8, 4);
    const time = 4 * 16 + 16 + 16 * 16 + 16;
    expect(countParameters(params)).toBe(conv(2, 4) + time + down + block(8, 8) + up + 8 + conv(4, 3));
  });
  test("hears the time, and without it needs none", async () => {
    const head = { w: random.normal(key, [3, 4, 3, 3]), b: tensor([0, 0, 0]) };
    const at = async (...times: number[]) =>
      (await model.apply({ ...params, head }, x, { time: tensor(times) }).data()).toString();
    expect(await at(1, 500)).not.toBe(await at(1, 400));
    const plain = unet({ inputs: 1, channels: [8] });
    expect(plain.apply(plain.init(key), random.normal(key, [1, 1, 4, 4])).shape).toEqual([1, 1, 4, 4]);
  });
  test("errors", () => {
    expect(() => model.apply(params, x)).toThrow("unet: give the { time } of each example.");
    const plain = unet({ inputs: 2, channels: [8] });
    expect(() => plain.apply(plain.init(key), x, { time })).toThrow("unet: made without `time`, but given one.");
    expect(() => model.apply(params, random.normal(key, [2, 2, 6, 4]), { time })).toThrow(
      "the model takes [B, 2, H, W] with sides that 4 divides, got [2, 2, 6, 4]",
    );
    expect(() => unet({ inputs: 1, channels: [] })).toThrow("needs the channels of at least one level");
    expect(() => unet({ inputs: 1, channels: [6] })).toThrow("groupNorm: 8 groups do not divide 6 channels.");
  });
});
