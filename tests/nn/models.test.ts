import { describe, expect, test } from "vitest";
import {
  crossEntropy,
  grad,
  jit,
  mean,
  mul,
  random,
  realise,
  sum,
  type Tensor,
  tensor,
  treeEntries,
  treeLeaves,
  treeMap,
} from "../../src/engine/index.js";
import { accuracy, cnn, correct, countParameters, gpt, meanSquaredError, mlp } from "../../src/nn/index.js";

const key = random.key(11);

describe("mlp", () => {
  const model = mlp({ sizes: [784, 300, 100, 10] });
  test("has a weight and a bias for each layer", () => {
    const params = model.init(key);
    expect(treeEntries(params).map(([path]) => path)).toEqual(
      [0, 1, 2].flatMap((i) => [`layers[${i}].b`, `layers[${i}].w`]),
    );
    expect(countParameters(params)).toBe(266_610);
    expect(countParameters(mlp({ sizes: [4, 3, 2], bias: false }).init(key))).toBe(18);
  });
  test("flattens its input", () => {
    expect(model.apply(model.init(key), random.normal(key, [5, 1, 28, 28])).shape).toEqual([5, 10]);
  });
  test("computes by hand what it should, without an activation at the end", async () => {
    const small = mlp({ sizes: [1, 2, 1] });
    const params = {
      layers: [
        { w: tensor([[1, -1]]), b: tensor([0, 0.5]) },
        { w: tensor([[2], [-4]]), b: tensor([-1]) },
      ],
    };
    expect(await small.apply(params, tensor([[3], [-1]])).tolist()).toEqual([[5], [-7]]);
  });
  test.each(["relu", "tanh", "gelu", "sigmoid", (x: Tensor) => x.mul(x)] as const)(
    "activation %s, in float64",
    async (activation) => {
      const net = mlp({ sizes: [3, 4, 2], activation, dtype: "float64" });
      const loss = (p: ReturnType<typeof net.init>, x: Tensor) => mean(net.apply(p, x));
      const g = grad(loss)(net.init(key), random.normal(key, [2, 3], { dtype: "float64" }));
      expect(g.layers[0].w.dtype).toBe("float64");
      expect(((await g.layers[0].w.tolist()) as number[][]).flat().every(Number.isFinite)).toBe(true);
    },
  );
  test("errors", () => {
    expect(() => mlp({ sizes: [3] })).toThrow("mlp: sizes [3] need at least the inputs and the outputs.");
    expect(() => model.apply(model.init(key), tensor([[1, 2]]))).toThrow("mlp: the model takes [B, 784], got [1, 2]");
    expect(() => mlp({ sizes: [1, 1], activation: "swish" as any })).toThrow(
      'There is no activation "swish"; there are relu',
    );
  });
});

describe("cnn", () => {
  test("blocks of convolutions, pooled, then a head", () => {
    const model = cnn({ inputShape: [1, 28, 28], classes: 10, channels: [32, 64], kernel: 5 });
    const params = model.init(key);
    expect(countParameters(params)).toBe(32 * 26 + 64 * 801 + 3136 * 10 + 10);
    expect(model.apply(params, random.normal(key, [2, 1, 28, 28])).shape).toEqual([2, 10]);
  });
  test("blocks of several convolutions and hidden layers", () => {
    const model = cnn({ inputShape: [3, 8, 9], classes: 4, channels: [[4, 5], 6], hidden: [7], activation: "tanh" });
    const params = model.init(key);
    expect(params.convs.map((c) => c.w.shape)).toEqual([
      [4, 3, 3, 3],
      [5, 4, 3, 3],
      [6, 5, 3, 3],
    ]);
    expect(params.layers.map((l) => l.w.shape)).toEqual([
      [24, 7],
      [7, 4],
    ]);
    expect(model.apply(params, random.normal(key, [2, 3, 8, 9])).shape).toEqual([2, 4]);
  });
  test("unpadded windows shrink the image", () => {
    const model = cnn({ inputShape: [1, 28, 28], classes: 10, channels: [6, 16], kernel: 5, padding: 0 });
    const params = model.init(key);
    expect(params.layers[0].w.shape).toEqual([256, 10]);
    expect(model.apply(params, random.normal(key, [1, 1, 28, 28])).shape).toEqual([1, 10]);
  });
  test("errors", () => {
    expect(() => cnn({ inputShape: [1, 4, 4], classes: 2, channels: [2, 2, 2] })).toThrow(
      "leave nothing of images of [1, 4, 4]",
    );
    const model = cnn({ inputShape: [1, 8, 8], classes: 2, channels: [2] });
    expect(() => model.apply(model.init(key), random.normal(key, [3, 8, 8]))).toThrow(
      "takes [B, 1, 8, 8], got [3, 8, 8]",
    );
  });
});

describe("gpt", () => {
  const size = { vocabulary: 11, context: 8, layers: 2, width: 12, heads: 3 };
  const model = gpt(size);
  const params = model.init(key);
  const tokens = (...rows: number[][]) => tensor(rows, { dtype: "int32" });
  const block = (d: number) => 2 * 2 * d + d * 3 * d + 3 * d + d * d + d + d * 4 * d + 4 * d + 4 * d * d + d;

  test("parameters", () => {
    const shared = 11 * 12 + 8 * 12 + 2 * block(12) + 24;
    expect(countParameters(params)).toBe(shared + 12 * 11);
    const tied = gpt({ ...size, tied: true });
    expect(countParameters(tied.init(key))).toBe(shared);
    expect(tied.apply(tied.init(key), tokens([1, 2])).shape).toEqual([1, 2, 11]);
  });
  test("realised together, every norm starts with scale 1 and shift 0", async () => {
    const start = gpt(size).init(key);
    await realise(treeLeaves(start));
    for (const [path, t] of treeEntries(start)) {
      const value = path.endsWith(".scale") ? 1 : path.endsWith(".shift") ? 0 : undefined;
      if (value !== undefined) expect(new Set((await t.data()) as Float32Array), path).toEqual(new Set([value]));
    }
  });
  test("a later token changes no earlier logits, and does change its own", async () => {
    const run = jit((x: Tensor) => model.apply(params, x));
    const a = (await (await run(tokens([1, 2, 3, 4, 5]))).tolist()) as number[][][];
    const b = (await (await run(tokens([1, 2, 3, 9, 5]))).tolist()) as number[][][];
    expect(b[0].slice(0, 3)).toEqual(a[0].slice(0, 3));
    expect(b[0][3]).not.toEqual(a[0][3]);
    expect(b[0][4]).not.toEqual(a[0][4]);
  });
  test("starts near the uniform distribution, and every parameter gets a gradient", async () => {
    const loss = (p: typeof params, x: Tensor, y: Tensor) => mean(crossEntropy(model.apply(p, x), y));
    const x = tokens([1, 2, 3, 4, 5, 6, 7, 8], [0, 9, 10, 1, 2, 3, 4, 5]);
    expect(await loss(params, x, x).item()).toBeCloseTo(Math.log(11), 1);
    const norms = jit((p: typeof params, at: Tensor) => treeMap((g) => sum(mul(g, g)), grad(loss)(p, at, at)));
    for (const [path, n] of treeEntries(await norms(params, x))) expect(await n.item(), path).toBeGreaterThan(0);
  });
  test("dropout is random by key, and off without one", async () => {
    const thin = gpt({ ...size, dropout: 0.5 });
    const at = async (k?: random.Key) => (await thin.apply(params, tokens([1, 2, 3]), { key: k }).data()).toString();
    expect(await at()).toBe((await model.apply(params, tokens([1, 2, 3])).data()).toString());
    expect(await at(random.key(1))).toBe(await at(random.key(1)));
    expect(await at(random.key(1))).not.toBe(await at(random.key(2)));
  });
  test("runs in float64", () => {
    const wide = gpt({ ...size, dtype: "float64" });
    expect(wide.apply(wide.init(key), tokens([1, 2])).dtype).toBe("float64");
  });
  test("errors", () => {
    expect(() => model.apply(params, tokens(new Array(9).fill(0)))).toThrow("[B, T] with T at most 8, got [1, 9]");
    expect(() => model.apply(params, tensor([1, 2], { dtype: "int32" }))).toThrow("got [2]");
    expect(() => gpt({ ...size, heads: 5 })).toThrow("5 heads do not divide the width 12");
  });
});

describe("losses and measures", () => {
  test("meanSquaredError", async () => {
    expect(await meanSquaredError(tensor([1, 2]), tensor([1, 5])).item()).toBe(4.5);
    expect(() => meanSquaredError(tensor([1, 2]), tensor([[1], [2]]))).toThrow("[2] and targets [2, 1] differ");
  });
  test("accuracy takes any integer labels, and any leading axes", async () => {
    const logits = tensor([
      [1, 2, 0],
      [3, 1, 1],
      [0, 0, 9],
      [1, 0, 0],
    ]);
    for (const dtype of ["int32", "int64", "uint8"] as const) {
      expect(await accuracy(logits, tensor([1, 0, 1, 0], { dtype })).item()).toBe(0.75);
    }
    expect(
      await correct(
        logits.reshape(2, 2, 3),
        tensor(
          [
            [1, 1],
            [2, 2],
          ],
          { dtype: "int32" },
        ),
      ).tolist(),
    ).toEqual([
      [1, 0],
      [1, 0],
    ]);
    expect(() => accuracy(logits, tensor([1], { dtype: "int32" }))).toThrow(
      "accuracy: logits [4, 3] need labels [4], got [1]",
    );
  });
});
