import { describe, expect, test } from "vitest";
import {
  grad,
  jit,
  random,
  realise,
  relu,
  sum,
  type Tensor,
  tensor,
  treeLeaves,
  vmap,
} from "../../src/engine/index.js";
import {
  adaptiveAvgPool,
  attention,
  batchNorm,
  bilinear,
  binaryCrossEntropy,
  conv1d,
  conv2d,
  conv3d,
  convTranspose2d,
  countParameters,
  depthwiseConv2d,
  dropout,
  dropPath,
  embedding,
  flattenRows,
  globalMaxPool,
  groupNorm,
  instanceNorm,
  layerNorm,
  linear,
  rmsNorm,
  sequential,
  spatialDropout,
  spectralNorm,
  weightNorm,
} from "../../src/nn/index.js";
import { allClose, golden } from "./golden.js";

const fixture = golden("nn");
const key = random.key(3);

describe("linear", () => {
  test("is x w + b on the last axis", async () => {
    const layer = linear(2, 3);
    const params = {
      w: tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]),
      b: tensor([10, 20, 30]),
    };
    expect(
      await layer
        .apply(
          params,
          tensor([
            [1, 1],
            [0, 2],
          ]),
        )
        .tolist(),
    ).toEqual([
      [15, 27, 39],
      [18, 30, 42],
    ]);
    expect(layer.apply(params, tensor([[[1, 1]]])).shape).toEqual([1, 1, 3]);
  });
  test("may have no bias, and starts in the dtype asked for", () => {
    const params = linear(2, 3, { bias: false, dtype: "float64" }).init(key);
    expect(Object.keys(params)).toEqual(["w"]);
    expect(params.w.dtype).toBe("float64");
  });
  test("says what it takes", () => {
    const layer = linear(2, 3);
    expect(() => layer.apply(layer.init(key), tensor([[1, 2, 3]]))).toThrow(
      /linear: the layer takes \[\.\.\., 2\], got \[1, 3\] \(at .*layers\.test\.ts/,
    );
  });
});

describe("conv2d", () => {
  test("gives PyTorch's values, strided and grouped", async () => {
    const { x, w, b, y } = fixture.conv;
    await allClose(conv2d(4, 6, 3, { stride: 2, padding: 1, groups: 2 }).apply({ w, b }, x), y);
  });
  test("shapes, and channels that do not fit", () => {
    const layer = conv2d(3, 8, [3, 5], { padding: "same", bias: false });
    expect(layer.init(key).w.shape).toEqual([8, 3, 3, 5]);
    expect(layer.apply(layer.init(key), random.normal(key, [2, 3, 9, 9])).shape).toEqual([2, 8, 9, 9]);
    expect(() => layer.apply(layer.init(key), random.normal(key, [2, 4, 9, 9]))).toThrow("conv: input [2, 4, 9, 9]");
  });
});

describe("other convolutions", () => {
  const given = golden("nn-layers").layers;
  test("give PyTorch's values", async () => {
    const { signal, w1, b1, volume, w3, image, wt, bt } = given;
    const found = {
      conv1d: conv1d(4, 6, 3, { stride: 2, padding: 2, dilation: 2, groups: 2 }).apply({ w: w1, b: b1 }, signal),
      conv3d: conv3d(2, 3, [2, 3, 2], { stride: [1, 2, 1] }).apply({ w: w3 }, volume),
      transposed: convTranspose2d(4, 6, 3, { stride: 2, padding: 1, outputPadding: 1, groups: 2 }).apply(
        { w: wt, b: bt },
        image,
      ),
    };
    await allClose(found, { conv1d: given.conv1d, conv3d: given.conv3d, transposed: given.transposed });
  });
  test("depthwise: each channel by itself", async () => {
    const layer = depthwiseConv2d(3, 3, { multiplier: 2, padding: "same" });
    const params = layer.init(key);
    expect(params.w.shape).toEqual([6, 1, 3, 3]);
    const x = random.normal(key, [1, 3, 4, 4]);
    const seen = grad((t: Tensor) => sum(layer.apply(params, t).slice([0, 2], [1, 4])))(x);
    const perChannel = (await sum(seen.mul(seen), [0, 2, 3]).tolist()) as number[];
    expect(perChannel.map((v) => v > 0)).toEqual([false, true, false]);
  });
  test("a transposed convolution starts with the kernel that its groups need", () => {
    expect(convTranspose2d(4, 6, 3, { groups: 2 }).init(key).w.shape).toEqual([4, 3, 3, 3]);
    expect(Object.keys(convTranspose2d(4, 6, 3, { bias: false }).init(key))).toEqual(["w"]);
  });
});

describe("bilinear", () => {
  const { left, right, wb, bb, bilinear: expected } = golden("nn-layers").layers;
  const layer = bilinear(2, 4, 5);
  test("gives PyTorch's values, with any leading axes", async () => {
    await allClose(layer.apply({ w: wb, b: bb }, [left, right]), expected);
    expect(layer.apply(layer.init(key), [random.normal(key, [3, 1, 2]), random.normal(key, [3, 6, 4])]).shape).toEqual([
      3, 6, 5,
    ]);
  });
  test("says what it takes", () => {
    expect(() => layer.apply(layer.init(key), [right, left])).toThrow(
      "bilinear: the layer takes [..., 2] and [..., 4], got [3, 4] and [3, 2]",
    );
  });
});

describe("pooling", () => {
  const { pooled, adaptive } = golden("nn-layers").layers;
  test("adaptiveAvgPool gives PyTorch's values and gradients", async () => {
    const squares = (t: Tensor) => sum(adaptiveAvgPool(t, [3, 2]).mul(adaptiveAvgPool(t, [3, 2])));
    await allClose({ y: adaptiveAvgPool(pooled, [3, 2]), dx: grad(squares)(pooled) }, adaptive);
    expect(adaptiveAvgPool(pooled, 1).shape).toEqual([2, 3, 1, 1]);
    expect(() => adaptiveAvgPool(pooled, [1])).toThrow("sizes [1] do not fit the spatial axes of [2, 3, 7, 5]");
  });
  test("globalMaxPool", async () => {
    expect(
      await globalMaxPool(
        tensor([
          [
            [
              [1, 5],
              [2, 3],
            ],
            [
              [-1, -2],
              [-3, -4],
            ],
          ],
        ]),
      ).tolist(),
    ).toEqual([[5, -1]]);
  });
});

test("embedding looks vectors up", async () => {
  const layer = embedding(3, 2);
  expect(layer.init(key).w.shape).toEqual([3, 2]);
  const params = {
    w: tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]),
  };
  expect(await layer.apply(params, tensor([[2, 0]], { dtype: "int32" })).tolist()).toEqual([
    [
      [5, 6],
      [1, 2],
    ],
  ]);
});

test("layerNorm gives each row mean 0 and variance 1", async () => {
  const layer = layerNorm(3, { epsilon: 0 });
  const y = (await layer.apply(layer.init(key), tensor([[1, 2, 3]])).tolist()) as number[][];
  expect(y[0]).toEqual([-1, 0, 1].map((v) => expect.closeTo(v * Math.sqrt(1.5), 5)));
});

describe("norms of groups, instances and roots of mean squares", () => {
  const { x, scale, shift, rows, rowScale, group, instance, rms } = golden("nn-layers").norms;
  test("give PyTorch's values and gradients", async () => {
    const both = (f: (t: Tensor) => Tensor, at: Tensor) => ({
      y: f(at),
      dx: grad((t: Tensor) => sum(f(t).mul(f(t))))(at),
    });
    await allClose(
      {
        group: both((t) => groupNorm(2, 4).apply({ scale, shift }, t), x),
        instance: both((t) => instanceNorm(4).apply({ scale, shift }, t), x),
        rms: both((t) => rmsNorm(5).apply({ scale: rowScale }, t), rows),
      },
      { group, instance, rms },
    );
  });
  test("start without changing what they normalise, and refuse what does not fit", async () => {
    const layer = groupNorm(2, 4);
    const params = layer.init(key);
    expect(countParameters(params)).toBe(8);
    const y = layer.apply(params, random.normal(key, [3, 4, 5, 5]));
    expect(await y.mul(y).mean().item()).toBeCloseTo(1, 3);
    expect(() => groupNorm(3, 4)).toThrow("groupNorm: 3 groups do not divide 4 channels.");
    expect(() => layer.apply(params, tensor([[1]]))).toThrow("groupNorm: the layer takes [N, 4, ...], got [1, 1]");
  });
});

describe("norms of weights", () => {
  const given = golden("nn-layers").weightNorms;
  test("weightNorm gives PyTorch's values and gradients", async () => {
    const { x, v, g, b, y, dv, dg } = given;
    const layer = weightNorm(linear(3, 4));
    const squares = (p: { v: Tensor; g: Tensor; b?: Tensor }) => sum(layer.apply(p, x).mul(layer.apply(p, x)));
    const grads = grad(squares)({ v, g, b });
    await allClose({ y: layer.apply({ v, g, b }, x), dv: grads.v, dg: grads.g }, { y, dv, dg });
  });
  test("weightNorm starts as the layer would, also for a convolution", async () => {
    const conv = conv2d(2, 3, 3);
    const x = random.normal(key, [1, 2, 4, 4]);
    const normed = weightNorm(conv);
    expect(normed.init(key).g.shape).toEqual([3, 1, 1, 1]);
    await allClose(normed.apply(normed.init(key), x), conv.apply(conv.init(key), x), 1e-6);
  });
  test("spectralNorm gives PyTorch's values and gradients after one step", async () => {
    const { x, w, u, u2, z, dw } = given;
    const layer = spectralNorm(linear(3, 4, { bias: false }));
    const [y, state] = layer.train({ w }, x, { u });
    const squares = (p: { w: Tensor }) => {
      const [out] = layer.train(p, x, { u });
      return sum(out.mul(out));
    };
    await allClose({ y, u: state.u, dw: grad(squares)({ w }).w }, { y: z, u: u2, dw });
  });
  test("spectralNorm's estimate converges to the largest singular value", async () => {
    const layer = spectralNorm(linear(2, 2, { bias: false }));
    const params = {
      w: tensor([
        [3, 0],
        [0, 1],
      ]),
    };
    let state = layer.initState();
    expect(state.u.shape).toEqual([2]);
    for (let i = 0; i < 12; i++) {
      [, state] = layer.train(params, tensor([[1, 1]]), state);
      await realise(treeLeaves(state));
    }
    expect(await layer.apply(params, tensor([[1, 1]]), state).tolist()).toEqual([
      [expect.closeTo(1, 4), expect.closeTo(1 / 3, 4)],
    ]);
  });
});

describe("batchNorm", () => {
  const { x1, x2, scale, shift, trained, dx1, mean, variance, evaluated } = fixture.batchNorm;
  const layer = batchNorm(3, { dtype: "float64" });
  const params = { scale, shift };
  test("trains on the batch's statistics, and gradients flow through them", async () => {
    const [y] = layer.train(params, x1, layer.initState());
    await allClose(y, trained);
    const cubes = (x: Tensor) => {
      const [out] = layer.train(params, x, layer.initState());
      return sum(out.mul(out).mul(out));
    };
    await allClose(grad(cubes)(x1), dx1);
  });
  test("evaluates with the running statistics, which only training changes", async () => {
    const [, first] = layer.train(params, x1, layer.initState());
    const [, second] = layer.train(params, x2, first);
    await allClose(second.mean, mean);
    await allClose(second.variance, variance);
    await allClose(layer.apply(params, x1, second), evaluated);
  });
  test("takes rows without spatial axes, and refuses what it cannot use", () => {
    const small = batchNorm(2);
    expect(small.apply(small.init(), tensor([[1, 2]]), small.initState()).shape).toEqual([1, 2]);
    expect(() => small.train(small.init(), tensor([[1, 2]]), small.initState())).toThrow("one value for each channel");
    expect(() => small.apply(small.init(), tensor([[1, 2, 3]]), small.initState())).toThrow(
      "takes [N, 2, ...], got [1, 3]",
    );
  });
});

describe("dropout", () => {
  test("keeps the mean: zero, or divided by the share kept", async () => {
    const y = Array.from((await dropout(key, tensor(new Float32Array(10_000).fill(3)), 0.25).data()) as Float32Array);
    expect(new Set(y)).toEqual(new Set([0, 4]));
    expect(y.reduce((a, b) => a + b) / y.length).toBeCloseTo(3, 0);
  });
  test("rates", () => {
    const x = tensor([1]);
    expect(dropout(key, x, 0)).toBe(x);
    expect(() => dropout(key, x, 1)).toThrow("dropout: the rate must be in [0, 1), got 1.");
  });
});

test("spatialDropout drops whole channels, dropPath whole examples", async () => {
  const x = tensor(new Float32Array(40 * 10 * 4).fill(1), { shape: [40, 10, 2, 2] });
  const channels = (await spatialDropout(key, x, 0.5).data()) as Float32Array;
  const groups = Array.from({ length: 400 }, (_, i) => new Set(channels.slice(4 * i, 4 * i + 4)));
  expect(groups.every((g) => g.size === 1)).toBe(true);
  expect(groups.filter((g) => g.has(2)).length / 400).toBeCloseTo(0.5, 1);
  const examples = (await dropPath(key, x, 0.5).data()) as Float32Array;
  const rows = Array.from({ length: 40 }, (_, i) => new Set(examples.slice(40 * i, 40 * i + 40)));
  expect(rows.every((r) => r.size === 1)).toBe(true);
  expect(new Set(rows.flatMap((r) => [...r]))).toEqual(new Set([0, 2]));
  expect(() => dropPath(key, x, -1)).toThrow("dropPath: the rate must be in [0, 1), got -1.");
  expect(() => spatialDropout(key, x, 1)).toThrow("spatialDropout: the rate must be in [0, 1), got 1.");
});

describe("attention", () => {
  const { x, w, b, wo, bo, y, dx, dw } = fixture.attention;
  const params = { qkv: { w, b }, out: { w: wo, b: bo } };
  const layer = attention(6, { heads: 2, dtype: "float64" });
  test("gives PyTorch's values and gradients", async () => {
    await allClose(layer.apply(params, x), y);
    const loss = (p: typeof params, input: Tensor) => {
      const out = layer.apply(p, input);
      return sum(out.mul(out));
    };
    const [gp, gx] = grad(loss, { argnums: [0, 1] })(params, x);
    await allClose(gx, dx);
    await allClose(gp.qkv.w, dw);
  });
  test("without causality the first position sees the last", async () => {
    const open = attention(6, { heads: 2, causal: false });
    const p = open.init(key);
    const at0 = jit((input: Tensor) => grad((t: Tensor) => sum(open.apply(p, t).slice([0, 0], [1, 1])))(input));
    const last = ((await (await at0(random.normal(key, [1, 3, 6]))).tolist()) as number[][][])[0][2];
    expect(last.some((g) => g !== 0)).toBe(true);
  });
  test("errors", () => {
    expect(() => attention(6, { heads: 4 })).toThrow("4 heads do not divide the width 6");
    expect(() => layer.apply(params, tensor([[1, 2]]))).toThrow("attention: the layer takes [B, T, 6], got [1, 2]");
  });
});

test("sequential joins layers and functions", () => {
  const model = sequential(conv2d(1, 2, 3), relu, flattenRows, linear(8, 3));
  const params = model.init(key);
  expect(params[1]).toEqual({});
  expect(model.apply(params, random.normal(key, [5, 1, 4, 4])).shape).toEqual([5, 3]);
});

test("binaryCrossEntropy is PyTorch's, also for large logits", async () => {
  const { z, t, loss } = fixture.binary;
  await allClose(binaryCrossEntropy(z, t), loss);
});

test("init under vmap draws what each key alone would", async () => {
  const layer = linear(3, 2);
  const keys = random.split(key, 4);
  const many = await vmap(layer.init)(keys).w.array();
  const third = await layer.init(keys.slice([2], [3]).reshape(2)).w.array();
  expect(many.shape).toEqual([4, 3, 2]);
  expect(Array.from(many.data as Float32Array).slice(12, 18)).toEqual(Array.from(third.data as Float32Array));
});
