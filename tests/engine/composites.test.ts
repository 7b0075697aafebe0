import { readdir, readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { type Composite, composite } from "../../src/engine/composites/composite.js";
import { sumTiles, upsample } from "../../src/engine/composites/tiles.js";
import { topological } from "../../src/engine/core.js";
import {
  add,
  avgPool,
  batchNorm,
  channelMoments,
  crossEntropy,
  elu,
  exp,
  type GradOptions,
  gelu,
  globalAvgPool,
  grad,
  hvp,
  layerNorm,
  leakyRelu,
  logNoncentralChiSquare,
  logSigmoid,
  logSoftmax,
  logSumExp,
  mean,
  mul,
  norm,
  ownMomentsNorm,
  reciprocal,
  segmentMax,
  silu,
  sin,
  softmax,
  softplus,
  sum,
  type Tensor,
  tensor,
  variance,
  vmap,
} from "../../src/engine/index.js";
import {
  assertClose,
  checkBatching,
  checkGradients,
  checkNestedBatching,
  type Fill,
  fill,
  numbers,
  onEachBackend,
  values,
} from "./helpers.js";

interface CompositeCase {
  readonly name: string;
  readonly label: string;
  readonly inputs: readonly Fill[];
  readonly f: (...x: Tensor[]) => Tensor;
}
const narrow = (shape: number[], range: [number, number] = [-3, 3]): Fill => ({ shape, range });
const cases: readonly CompositeCase[] = [
  { name: "gelu", label: "exact", inputs: [narrow([3, 4])], f: (x) => gelu(x) },
  { name: "gelu", label: "exact, a scalar", inputs: [narrow([])], f: (x) => gelu(x) },
  { name: "gelu", label: "tanh form", inputs: [narrow([3, 4])], f: (x) => gelu(x, { approximate: true }) },
  { name: "upsample", label: "two axes", inputs: [narrow([2, 1, 2, 3])], f: (x) => upsample(x, [2, 3]) },
  { name: "upsample", label: "one axis", inputs: [narrow([1, 2, 3])], f: (x) => upsample(x, [2]) },
  { name: "sumTiles", label: "two axes", inputs: [narrow([2, 1, 4, 3])], f: (x) => sumTiles(x, [2, 3]) },
  { name: "sumTiles", label: "one axis", inputs: [narrow([1, 2, 6])], f: (x) => sumTiles(x, [3]) },
  { name: "softplus", label: "[7]", inputs: [narrow([7])], f: softplus },
  { name: "softmax", label: "last axis", inputs: [narrow([2, 4])], f: (x) => softmax(x) },
  { name: "softmax", label: "axis 0 of three", inputs: [narrow([3, 2, 2])], f: (x) => softmax(x, 0) },
  { name: "softmax", label: "one class", inputs: [narrow([3, 1])], f: (x) => softmax(x) },
  { name: "logSoftmax", label: "last axis", inputs: [narrow([2, 4])], f: (x) => logSoftmax(x) },
  { name: "logSoftmax", label: "middle axis", inputs: [narrow([2, 3, 2])], f: (x) => logSoftmax(x, 1) },
  {
    name: "layerNorm",
    label: "[3, 5]",
    inputs: [narrow([3, 5]), narrow([5]), narrow([5])],
    f: (x, s, b) => layerNorm(x, s, b),
  },
  {
    name: "layerNorm",
    label: "[2, 2, 3], large epsilon",
    inputs: [narrow([2, 2, 3]), narrow([3]), narrow([3])],
    f: (x, s, b) => layerNorm(x, s, b, { epsilon: 0.1 }),
  },
  {
    name: "layerNorm",
    label: "one row",
    inputs: [narrow([4]), narrow([4]), narrow([4])],
    f: (x, s, b) => layerNorm(x, s, b),
  },
  {
    name: "ownMomentsNorm",
    label: "[3, 2, 2]",
    inputs: [narrow([3, 2, 2]), narrow([2]), narrow([2])],
    f: (x, s, b) => ownMomentsNorm(x, s, b),
  },
  {
    name: "ownMomentsNorm",
    label: "rows, large epsilon",
    inputs: [narrow([4, 2]), narrow([2]), narrow([2])],
    f: (x, s, b) => ownMomentsNorm(x, s, b, { epsilon: 0.1 }),
  },
  {
    name: "logNoncentralChiSquare",
    label: "30 degrees of freedom",
    inputs: [narrow([2, 1], [0.5, 3]), narrow([2], [0.5, 3])],
    f: (x, nc) => logNoncentralChiSquare(x, 30, nc),
  },
  {
    name: "besselQuotient",
    label: "within the gradient of logNoncentralChiSquare",
    inputs: [narrow([2], [0.5, 3]), narrow([2], [0.5, 3])],
    f: (x, nc) => grad((t: Tensor) => sum(logNoncentralChiSquare(x, 40, t)))(nc),
  },
  {
    name: "segmentMax",
    label: "two segments",
    inputs: [{ shape: [4, 2], distinct: true }],
    f: (x) => segmentMax(x, tensor(Int32Array.of(1, 0, 1, 1)), 2),
  },
  {
    name: "layerNormInverse",
    label: "within the gradient of layerNorm",
    inputs: [narrow([2, 4]), narrow([4]), narrow([4])],
    f: (x, s, b) => grad((t: Tensor) => sum(mul(layerNorm(t, s, b), layerNorm(t, s, b))))(x),
  },
  {
    name: "layerNormMean",
    label: "within the gradient for the scale",
    inputs: [narrow([2, 2, 4]), narrow([4]), narrow([4])],
    f: (x, s, b) => grad((t: Tensor) => sum(mul(layerNorm(x, t, b), layerNorm(x, t, b))))(s),
  },
  {
    name: "geluSlope",
    label: "within the gradient of gelu",
    inputs: [narrow([3, 4])],
    f: (x) => grad((t: Tensor) => sum(mul(gelu(t), gelu(t))))(x),
  },
];

/** Reads the graph anew with every composite replaced by its plain definition. */
function plain(outputs: readonly Tensor[]): Tensor[] {
  const done = new Map<Tensor, Tensor>();
  const rebuild = (t: Tensor): Tensor => {
    const { primitive, inputs, attrs } = t.node;
    const again = inputs.map((i) => done.get(i)!);
    const define = (primitive as Composite).define;
    if (define) return plain([define(again, attrs)])[0];
    return again.every((x, i) => x === inputs[i])
      ? t
      : new (t.constructor as any)({ primitive, inputs: again, attrs }, t.shape, t.dtype);
  };
  for (const t of topological(outputs)) done.set(t, rebuild(t));
  return outputs.map((t) => done.get(t)!);
}

describe("composites", () => {
  it("are all tested", async () => {
    const folder = new URL("../../src/engine/composites/", import.meta.url);
    const names: string[] = [];
    for (const file of await readdir(folder)) {
      const source = await readFile(new URL(file, folder), "utf8");
      for (const [, name] of source.matchAll(/= composite<[^(]*\(\{\s*name: "(\w+)"/g)) names.push(name);
    }
    expect(names.length).toBeGreaterThanOrEqual(6);
    expect([...new Set(cases.map((c) => c.name))].sort()).toEqual(names.sort());
  });
});

onEachBackend("composites", () => {
  for (const [i, { name, label, inputs, f }] of cases.entries()) {
    const make = (e = 0) => inputs.map((input, k) => fill(input, 7000 + 10 * i + k + 1000 * e));

    it(`${name}: ${label}: gradients in float64`, async () => {
      expect(topological([f(...make())]).map((t) => t.node.primitive.name)).toContain(name);
      await checkGradients(f, make());
    });

    for (const dtype of ["float32", "float64"] as const) {
      it(`${name}: ${label}: the kernel agrees with the definition in ${dtype}`, async () => {
        const x = (await Promise.all(make().map((t) => t.cast(dtype).array()))).map((a) => tensor(a));
        const argnums = x.map((_, k) => k);
        const loss = (...t: Tensor[]) => sum(sin(f(...t)));
        const second = (...t: Tensor[]) =>
          (grad(loss, { argnums })(...t) as Tensor[]).map((g) => sum(mul(g, g))).reduce((p, q) => add(p, q));
        const fused = [
          f(...x),
          ...(grad(loss, { argnums })(...x) as Tensor[]),
          ...(grad(second, { argnums })(...x) as Tensor[]),
        ];
        const reference = (options: GradOptions) => {
          const [value] = plain([f(...x)]);
          const defined = (...t: Tensor[]) => sum(sin(plain([f(...t)])[0]));
          const again = (...t: Tensor[]) =>
            (grad(defined, options as { argnums: number[] })(...t) as Tensor[])
              .map((g) => sum(mul(g, g)))
              .reduce((p, q) => add(p, q));
          return [
            value,
            ...(grad(defined, options as { argnums: number[] })(...x) as Tensor[]),
            ...(grad(again, options as { argnums: number[] })(...x) as Tensor[]),
          ];
        };
        const expected = reference({ argnums });
        const names = new Set(topological(expected).map((t) => t.node.primitive.name));
        expect(cases.map((c) => c.name).filter((n) => names.has(n))).toEqual([]);
        const [a, b] = [await values(fused), await values(expected)];
        a.forEach((list, k) => {
          assertClose(
            list,
            b[k],
            dtype === "float32" ? 2e-5 : 1e-11,
            ["value", "gradient", "second order"][k === 0 ? 0 : k <= x.length ? 1 : 2],
          );
        });
      });
    }

    it(`${name}: ${label}: batching`, async () => {
      const examples = inputs.map((_, k) => [0, 1, 2, 3, 4, 5].map((e) => make(e)[k]));
      await checkBatching(
        f,
        examples.map((list) => list.slice(0, 3)),
      );
      await checkNestedBatching(f, examples);
    });
  }

  it("a composite's own gradient counts each use of an input once", async () => {
    const blend = composite<Record<string, never>>({ name: "blend", define: ([a, b]) => mul(exp(a), sin(b)) });
    const f = (a: Tensor, b: Tensor) => blend.apply([a, b], {});
    const x = fill({ shape: [4] }, 1);
    await checkGradients((t) => f(t, t), [x]);
    await checkGradients((t) => f(mul(t, 2), t), [x]);
    await checkGradients((t) => f(t, mul(t, t)), [x]);
    await checkBatching(f, [
      [x, x],
      [x, mul(x, 2)],
    ]);
  });
});

// Functions that are made of operations without being nodes of their own.
const functions: readonly {
  name: string;
  inputs: readonly Fill[];
  f: (...x: Tensor[]) => Tensor;
  host?: (...x: number[][]) => number[];
}[] = [
  { name: "silu", inputs: [narrow([5])], f: silu, host: (x) => x.map((v) => v / (1 + Math.exp(-v))) },
  { name: "softplus", inputs: [narrow([5])], f: softplus, host: (x) => x.map((v) => Math.log1p(Math.exp(v))) },
  { name: "logSigmoid", inputs: [narrow([5])], f: logSigmoid, host: (x) => x.map((v) => -Math.log1p(Math.exp(-v))) },
  {
    name: "leakyRelu",
    inputs: [{ shape: [6], distinct: true }],
    f: (x) => leakyRelu(x, 0.1),
    host: (x) => x.map((v) => (v > 0 ? v : 0.1 * v)),
  },
  {
    name: "elu",
    inputs: [{ shape: [6], distinct: true }],
    f: (x) => elu(x, 1.5),
    host: (x) => x.map((v) => (v > 0 ? v : 1.5 * Math.expm1(v))),
  },
  { name: "reciprocal", inputs: [{ shape: [3], range: [0.5, 2] }], f: reciprocal, host: (x) => x.map((v) => 1 / v) },
  {
    name: "logSumExp",
    inputs: [narrow([2, 3])],
    f: (x) => logSumExp(x),
    host: (x) => [0, 3].map((i) => Math.log([0, 1, 2].reduce((s, k) => s + Math.exp(x[i + k]), 0))),
  },
  { name: "logSumExp, kept, axis 0", inputs: [narrow([2, 3])], f: (x) => logSumExp(x, 0, { keepDims: true }) },
  {
    name: "mean",
    inputs: [narrow([2, 3])],
    f: (x) => mean(x, 0),
    host: (x) => [0, 1, 2].map((i) => (x[i] + x[i + 3]) / 2),
  },
  {
    name: "variance, unbiased",
    inputs: [narrow([4])],
    f: (x) => variance(x, 0, { correction: 1 }),
    host: (x) => {
      const m = x.reduce((a, b) => a + b) / 4;
      return [x.reduce((s, v) => s + (v - m) ** 2, 0) / 3];
    },
  },
  {
    name: "norm",
    inputs: [narrow([2, 3])],
    f: (x) => norm(x, 1),
    host: (x) => [Math.hypot(x[0], x[1], x[2]), Math.hypot(x[3], x[4], x[5])],
  },
  {
    name: "crossEntropy, labels",
    inputs: [narrow([3, 4]), { shape: [3], dtype: "int32", values: [1, 0, 3] }],
    f: crossEntropy,
    host: (x, y) =>
      y.map((c, i) => Math.log([0, 1, 2, 3].reduce((s, k) => s + Math.exp(x[4 * i + k]), 0)) - x[4 * i + c]),
  },
  {
    name: "crossEntropy, int64 labels of a sequence",
    inputs: [narrow([2, 2, 3]), { shape: [2, 2], dtype: "int64", values: [1, 0, 2, 2] }],
    f: crossEntropy,
  },
  {
    name: "crossEntropy, uint8 labels",
    inputs: [narrow([2, 300]), { shape: [2], dtype: "uint8", values: [255, 0] }],
    f: (x, y) => crossEntropy(x, y).mul(0.25),
    host: (x, y) =>
      y.map(
        (c, i) =>
          (Math.log(Array.from({ length: 300 }, (_, k) => Math.exp(x[300 * i + k])).reduce((p, q) => p + q)) -
            x[300 * i + c]) /
          4,
      ),
  },
  { name: "crossEntropy, a distribution", inputs: [narrow([2, 3]), { shape: [2, 3], range: [0, 1] }], f: crossEntropy },
  {
    name: "batchNorm",
    inputs: [narrow([3, 2, 2]), narrow([2]), narrow([2])],
    f: (x, s, b) => batchNorm(x, channelMoments(x), s, b),
  },
  {
    name: "batchNorm of rows",
    inputs: [narrow([4, 2]), narrow([2]), narrow([2])],
    f: (x, s, b) => batchNorm(x, channelMoments(x), s, b),
  },
  { name: "avgPool, apart", inputs: [narrow([1, 2, 4, 2])], f: (x) => avgPool(x, 2) },
  {
    name: "avgPool, overlapping and padded",
    inputs: [narrow([1, 2, 4, 3])],
    f: (x) => avgPool(x, [3, 2], { stride: 1, padding: [1, 0] }),
  },
  { name: "avgPool, windows that leave a rest", inputs: [narrow([2, 1, 5])], f: (x) => avgPool(x, 2) },
  { name: "globalAvgPool", inputs: [narrow([2, 2, 2, 2])], f: globalAvgPool },
];

onEachBackend("functions made of operations", () => {
  for (const [i, { name, inputs, f, host }] of functions.entries()) {
    it(name, async () => {
      const x = inputs.map((input, k) => fill(input, 9000 + 10 * i + k));
      if (host) {
        const arrays = await Promise.all(x.map((t) => numbers(t)));
        assertClose(await numbers(f(...x)), host(...arrays), 1e-13, name);
      }
      if (x[0].size <= 50) await checkGradients(f, x);
      const examples = inputs.map((input, k) =>
        [0, 1, 2].map((e) => (input.values ? x[k] : fill(input, 9500 + 10 * i + k + 100 * e))),
      );
      await checkBatching(f, examples, { tolerance: 1e-11 });
    });
  }

  it("stay finite far out", async () => {
    const far = tensor([-1000, -40, 0, 40, 1000], { dtype: "float64" });
    const outcome = (f: (t: Tensor) => Tensor) =>
      Promise.all([numbers(f(far)), numbers(grad((t: Tensor) => sum(f(t)))(far))]);
    expect(await outcome(softplus)).toEqual([
      [0, Math.log1p(Math.exp(-40)), Math.log(2), 40, 1000].map((v) => expect.closeTo(v, 12)),
      [0, Math.exp(-40), 0.5, 1, 1].map((v) => expect.closeTo(v, 12)),
    ]);
    for (const f of [logSigmoid, silu, gelu, elu, (t: Tensor) => logSoftmax(t), (t: Tensor) => softmax(t)]) {
      for (const list of await outcome(f)) expect(list.every(Number.isFinite)).toBe(true);
    }
  });

  it("gelu's derivatives in float32 stay finite far out", async () => {
    const far = tensor([-1000, -20, -14, 14, 20, 1000]);
    const slope = (t: Tensor) => grad((x: Tensor) => sum(gelu(x)))(t);
    expect(await numbers(slope(far))).toEqual([0, 0, 0, 1, 1, 1]);
    expect(await numbers(grad((x: Tensor) => sum(slope(x)))(far))).toEqual(
      [0, 0, 0, 0, 0, 0].map((v) => expect.closeTo(v, 30)),
    );
  });

  it("softplus is curved at zero", async () => {
    const zero = tensor([0, 0], { dtype: "float64" });
    const v = tensor([1, 2], { dtype: "float64" });
    expect(await numbers(hvp((t: Tensor) => sum(softplus(t)), zero, v))).toEqual([0.25, 0.5]);
  });

  it("vmap of crossEntropy is crossEntropy of a batch", async () => {
    const logits = fill({ shape: [5, 3] }, 1);
    const labels = tensor([0, 2, 1, 1, 0], { dtype: "int32" });
    const one = vmap((x: Tensor, y: Tensor) => crossEntropy(x, y))(logits, labels) as Tensor;
    assertClose(await numbers(one), await numbers(crossEntropy(logits, labels)), 1e-14, "losses");
  });
});
