import { describe, expect, test } from "vitest";
import { random, type Tensor } from "../../src/engine/index.js";
import * as nn from "../../src/nn/index.js";
import { convFan, initializerOf } from "../../src/nn/initializers.js";

const fan = { in: 100, out: 60 };
const key = random.key(5);

async function statistics(init: nn.Initializer) {
  const values = Array.from((await init(key, [100, 60], fan, "float64").data()) as Float64Array);
  const mean = values.reduce((a, b) => a + b) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
  return { mean, variance, largest: Math.max(...values.map(Math.abs)) };
}

describe.each([
  ["glorotNormal", nn.glorotNormal, 2 / 160, false],
  ["glorotUniform", nn.glorotUniform, 2 / 160, true],
  ["heNormal", nn.heNormal, 2 / 100, false],
  ["heUniform", nn.heUniform, 2 / 100, true],
  ["lecunNormal", nn.lecunNormal, 1 / 100, false],
  ["kaimingUniform", nn.kaimingUniform(), 1 / 300, true],
  ["kaimingUniform(1)", nn.kaimingUniform(1), 1 / 100, true],
  ["normal(0.5)", nn.normal(0.5), 0.25, false],
  ["uniform(0.3)", nn.uniform(0.3), 0.03, true],
] as const)("%s", (_name, init, variance, bounded) => {
  test("has mean 0 and its variance", async () => {
    const found = await statistics(init);
    expect(found.variance / variance).toBeCloseTo(1, 1);
    expect(Math.abs(found.mean)).toBeLessThan(4 * Math.sqrt(variance / 6000));
    if (bounded) expect(found.largest).toBeLessThanOrEqual(Math.sqrt(3 * variance));
    else expect(found.largest).toBeGreaterThan(2.5 * Math.sqrt(variance));
  });
});

describe("initialisers that keep lengths", () => {
  test("identity passes a linear layer's and a convolution's input on", async () => {
    const x = random.normal(key, [2, 3]);
    const layer = nn.linear(3, 3, { init: "identity" });
    expect(await layer.apply(layer.init(key), x).tolist()).toEqual(await x.tolist());
    const image = random.normal(key, [1, 2, 4, 5]);
    const conv = nn.conv2d(2, 2, [3, 4], { init: "identity", padding: "same" });
    expect(await conv.apply(conv.init(key), image).tolist()).toEqual(await image.tolist());
    const wide = nn.linear(2, 3, { init: "identity" }).init(key).w;
    expect(await wide.tolist()).toEqual([
      [1, 0, 0],
      [0, 1, 0],
    ]);
  });
  test("deltaOrthogonal keeps the length of every pixel", async () => {
    const layer = nn.conv2d(2, 3, 3, { init: nn.deltaOrthogonal(2), padding: "same" });
    const image = random.normal(key, [1, 2, 2, 2]);
    const lengths = async (t: Tensor) => (await t.mul(t).sum(1).tolist()) as number[][][];
    const after = await lengths(layer.apply(layer.init(key), image));
    const before = await lengths(image);
    expect(after.flat(2)).toEqual(before.flat(2).map((v) => expect.closeTo(4 * v, 4)));
  });
});

test("the fan of a kernel counts its window", () => {
  expect(convFan([8, 3, 5, 5])).toEqual({ in: 75, out: 200 });
});

test("layers pass their fan on", async () => {
  const seen: nn.Fan[] = [];
  const init: nn.Initializer = (k, shape, f, dtype) => {
    seen.push(f);
    return nn.constant(2)(k, shape, f, dtype);
  };
  nn.linear(7, 5, { init, biasInit: init }).init(key);
  const conv = nn.conv2d(4, 6, 3, { init, groups: 2 }).init(key);
  nn.convTranspose2d(4, 6, 3, { init, bias: false }).init(key);
  expect(seen).toEqual([
    { in: 7, out: 5 },
    { in: 7, out: 5 },
    { in: 18, out: 54 },
    { in: 36, out: 54 },
  ]);
  expect(new Set((await conv.w.data()) as Float32Array)).toEqual(new Set([2]));
});

test("names stand for initialisers; one that there is not is refused", async () => {
  expect(initializerOf("heNormal")).toBe(nn.heNormal);
  expect(await initializerOf("zeros")(key, [2], fan, "float32").tolist()).toEqual([0, 0]);
  expect(() => nn.linear(2, 2, { init: "xavier" as any }).init(key)).toThrow(
    'There is no initialiser "xavier"; there are',
  );
});

test("the same key draws the same, another key differs", async () => {
  const draw = async (seed: number) =>
    Array.from(
      (await nn
        .mlp({ sizes: [3, 4] })
        .init(random.key(seed))
        .layers[0].w.data()) as Float32Array,
    );
  expect(await draw(1)).toEqual(await draw(1));
  expect(await draw(1)).not.toEqual(await draw(2));
});

test("a bias that is drawn differs from the weight's first values", async () => {
  const { w, b } = nn.linear(1, 4, { init: nn.normal(1), biasInit: nn.normal(1) }).init(key);
  expect(((await w.tolist()) as number[][])[0]).not.toEqual(await b!.tolist());
});
