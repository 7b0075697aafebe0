import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { grad, jit, type Nested, random, relu, sum, type Tensor, tensor, vmap } from "../../src/engine/index.js";
import {
  attention,
  batchNorm,
  binaryCrossEntropy,
  conv2d,
  dropout,
  embedding,
  flattenRows,
  layerNorm,
  linear,
  sequential,
} from "../../src/nn/index.js";

const fixture = JSON.parse(readFileSync(new URL("../fixtures/nn.json", import.meta.url), "utf8"));
const given = <K extends string>(group: Record<K, Nested>): Record<K, Tensor> =>
  Object.fromEntries(Object.entries(group).map(([k, v]) => [k, tensor(v as Nested, { dtype: "float64" })])) as Record<
    K,
    Tensor
  >;

/** Every value of `actual` is that of `expected`, which is in float64, to `digits` places. */
async function close(actual: Tensor, expected: Tensor, digits = 9): Promise<void> {
  expect(actual.shape).toEqual(expected.shape);
  const [a, b] = [await actual.data(), await expected.data()];
  a.forEach((x: number | bigint, i: number) => {
    expect(Number(x), `value ${i}`).toBeCloseTo(Number(b[i]), digits);
  });
}
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
    const { x, w, b, y } = given(fixture.conv);
    await close(conv2d(4, 6, 3, { stride: 2, padding: 1, groups: 2 }).apply({ w, b }, x), y);
  });
  test("shapes, and channels that do not fit", () => {
    const layer = conv2d(3, 8, [3, 5], { padding: "same", bias: false });
    expect(layer.init(key).w.shape).toEqual([8, 3, 3, 5]);
    expect(layer.apply(layer.init(key), random.normal(key, [2, 3, 9, 9])).shape).toEqual([2, 8, 9, 9]);
    expect(() => layer.apply(layer.init(key), random.normal(key, [2, 4, 9, 9]))).toThrow("conv: input [2, 4, 9, 9]");
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

describe("batchNorm", () => {
  const { x1, x2, scale, shift, trained, dx1, mean, variance, evaluated } = given(fixture.batchNorm);
  const layer = batchNorm(3, { dtype: "float64" });
  const params = { scale, shift };
  test("trains on the batch's statistics, and gradients flow through them", async () => {
    const [y] = layer.train(params, x1, layer.initState());
    await close(y, trained);
    const cubes = (x: Tensor) => {
      const [out] = layer.train(params, x, layer.initState());
      return sum(out.mul(out).mul(out));
    };
    await close(grad(cubes)(x1), dx1, 8);
  });
  test("evaluates with the running statistics, which only training changes", async () => {
    const [, first] = layer.train(params, x1, layer.initState());
    const [, second] = layer.train(params, x2, first);
    await close(second.mean, mean);
    await close(second.variance, variance);
    await close(layer.apply(params, x1, second), evaluated);
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

describe("attention", () => {
  const { x, w, b, wo, bo, y, dx, dw } = given(fixture.attention);
  const params = { qkv: { w, b }, out: { w: wo, b: bo } };
  const layer = attention(6, { heads: 2, dtype: "float64" });
  test("gives PyTorch's values and gradients", async () => {
    await close(layer.apply(params, x), y);
    const loss = (p: typeof params, input: Tensor) => {
      const out = layer.apply(p, input);
      return sum(out.mul(out));
    };
    const [gp, gx] = grad(loss, { argnums: [0, 1] })(params, x);
    await close(gx, dx);
    await close(gp.qkv.w, dw);
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
  const { z, t, loss } = given(fixture.binary);
  await close(binaryCrossEntropy(z, t), loss);
});

test("init under vmap draws what each key alone would", async () => {
  const layer = linear(3, 2);
  const keys = random.split(key, 4);
  const many = await vmap(layer.init)(keys).w.array();
  const third = await layer.init(keys.slice([2], [3]).reshape(2)).w.array();
  expect(many.shape).toEqual([4, 3, 2]);
  expect(Array.from(many.data as Float32Array).slice(12, 18)).toEqual(Array.from(third.data as Float32Array));
});
