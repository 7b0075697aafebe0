import { describe, expect, it } from "vitest";
import {
  add,
  crossEntropy,
  grad,
  HebbError,
  hostRandom,
  jit,
  matmul,
  mean,
  random,
  ShapeError,
  type Tensor,
  tensor,
  treeEntries,
} from "../../src/engine/index.js";
import { cnn, mlp } from "../../src/nn/index.js";
import {
  averageScores,
  el2n,
  forgettingCounter,
  forgettingScores,
  type GrandOptions,
  grand,
  scoreNetworks,
  scoreRows,
} from "../../src/select/index.js";

const values = async (t: Tensor) => Array.from((await t.data()) as Float32Array);
const norm = (list: ArrayLike<number>) => Math.sqrt(Array.from(list).reduce((sum, v) => sum + v * v, 0));
const close = (a: ArrayLike<number>, b: ArrayLike<number>, digits = 5) => {
  expect(a.length).toBe(b.length);
  for (let i = 0; i < a.length; i++) expect(a[i]).toBeCloseTo(b[i], digits);
};

const r = hostRandom(3);
const normals = (...shape: number[]) =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => r.normal()),
    { shape },
  );
const labels = (n: number, classes: number) => tensor(Int32Array.from({ length: n }, () => r.integer(classes)));

/** Logits are the inputs themselves: the softmax of a hand-made row is known. */
const identity = { apply: (_: Record<string, never>, x: Tensor) => x };

describe("el2n", () => {
  it("is the length of softmax minus one-hot", async () => {
    // Softmax [1/2, 1/2], [3/4, 1/4] and, nearly, [1, 0].
    const x = tensor([
      [0, 0],
      [Math.log(3), 0],
      [40, 0],
      [40, 0],
    ]);
    const y = tensor(Int32Array.of(0, 1, 0, 1));
    close(await values(el2n(identity, {}, x, y)), [Math.SQRT1_2, norm([0.75, 0.75]), 0, Math.SQRT2]);
  });

  it("is the norm over three classes, not its square and not the loss", async () => {
    const p = [0.2, 0.3, 0.5];
    const x = tensor([p.map(Math.log)]);
    close(await values(el2n(identity, {}, x, tensor(Int32Array.of(1)))), [norm([0.2, -0.7, 0.5])]);
  });

  it("refuses labels and logits that do not fit", () => {
    const x = tensor([[0, 0]]);
    expect(() => el2n(identity, {}, x, tensor(Int32Array.of(0, 1)))).toThrow(ShapeError);
    expect(() => el2n(identity, {}, x, tensor([0]))).toThrow(/integer labels \[1\]/);
    expect(() => el2n({ apply: (_: object, z: Tensor) => z.sum(1) }, {}, x, tensor(Int32Array.of(0)))).toThrow(
      /logits \[1, classes\]/,
    );
  });
});

describe("grand", () => {
  const model = mlp({ sizes: [6, 5, 3] });
  const params = model.init(random.key(1));
  const x = normals(7, 6);
  const y = labels(7, 3);

  const each = async (select: (path: string) => boolean = () => true) => {
    const one = jit((row: Tensor, label: Tensor) => {
      const g = grad((p: typeof params) => mean(crossEntropy(model.apply(p, row), label)))(params);
      return treeEntries(g).flatMap(([path, t]) => (select(path) ? [t] : []));
    });
    const norms: number[] = [];
    for (let i = 0; i < 7; i++) {
      const parts = await one(x.slice([i, 0], [i + 1, 6]), y.slice([i], [i + 1]));
      norms.push(norm((await Promise.all(parts.map(values))).flat()));
    }
    return norms;
  };

  it("equals a loop of gradients over all parameters", async () => {
    close(await values(grand(model, crossEntropy, params, x, y)), await each());
  });

  it("takes the last layer, or the tensors that a test chooses", async () => {
    const last = await values(grand(model, crossEntropy, params, x, y, { params: "lastLayer" }));
    close(last, await each((path) => path.startsWith("layers[1]")));
    const bias = (path: string) => path === "layers[0].b";
    close(await values(grand(model, crossEntropy, params, x, y, { params: bias })), await each(bias));
  });

  it("finds the last layer of a convolutional network", async () => {
    const net = cnn({ inputShape: [1, 4, 4], classes: 3, channels: [2] });
    const p = net.init(random.key(2));
    const images = normals(3, 1, 4, 4);
    const own = labels(3, 3);
    const last = await values(grand(net, crossEntropy, p, images, own, { params: "lastLayer" }));
    const chosen = await values(grand(net, crossEntropy, p, images, own, { params: (path) => /^layers/.test(path) }));
    close(last, chosen);
    const all = await values(grand(net, crossEntropy, p, images, own));
    all.forEach((value, i) => {
      expect(value).toBeGreaterThan(last[i]);
    });
  });

  it("does not depend on the chunk", async () => {
    const whole = await values(grand(model, crossEntropy, params, x, y, { chunk: 7 }));
    for (const chunk of [1, 2, 3, 100])
      close(await values(grand(model, crossEntropy, params, x, y, { chunk })), whole, 6);
  });

  it("has the closed form |p - y| |(x, 1)| for a linear softmax model", async () => {
    const linear = { apply: ({ w, b }: { w: Tensor; b: Tensor }, z: Tensor) => add(matmul(z, w), b) };
    const p = { w: normals(6, 3), b: normals(3) };
    const errors = await values(el2n(linear, p, x, y));
    const rows = await values(x);
    const expected = errors.map((e, i) => e * norm([...rows.slice(6 * i, 6 * i + 6), 1]));
    close(await values(grand(linear, crossEntropy, p, x, y)), expected);
    close(await values(grand(linear, crossEntropy, p, x, y, { params: (path) => path === "b" })), errors);
  });

  it("is not the norm of the batch's gradient", async () => {
    const scores = await values(grand(model, crossEntropy, params, x, y));
    const batch = grad((p: typeof params) => mean(crossEntropy(model.apply(p, x), y)))(params);
    const length = norm((await Promise.all(treeEntries(batch).map(([, t]) => values(t)))).flat());
    const average = scores.reduce((sum, s) => sum + s, 0) / scores.length;
    // The mean gradient cancels: it is strictly shorter than the mean of the lengths.
    expect(length).toBeLessThan(0.95 * average);
  });

  it("refuses what it cannot do, by name", () => {
    const run = (options: GrandOptions) => grand(model, crossEntropy, params, x, y, options);
    expect(() => run({ chunk: 0 })).toThrow(/chunk .* got 0/);
    expect(() => run({ params: () => false })).toThrow(/selects none of the parameters layers\[0\]\.b/);
    expect(() => grand(identity, crossEntropy, {} as Record<string, never>, x, y, { params: "lastLayer" })).toThrow(
      HebbError,
    );
    expect(() => grand(model, (logits) => logits, params, x, y)).toThrow(ShapeError);
    expect(() => grand(model, crossEntropy, params, x, labels(6, 3))).toThrow(/integer labels \[7\]/);
  });
});

describe("scores over a data set", () => {
  const model = mlp({ sizes: [4, 3] });
  const data = {
    x: { data: Float32Array.from({ length: 40 }, () => r.normal()), shape: [10, 4], dtype: "float32" as const },
    y: { data: Int32Array.from({ length: 10 }, () => r.integer(3)), shape: [10], dtype: "int32" as const },
  };
  const score = (p: ReturnType<typeof model.init>, x: Tensor, y: Tensor) => el2n(model, p, x, y);

  it("does not depend on the blocks, and scores each of several networks", async () => {
    const nets = [model.init(random.key(1)), model.init(random.key(2))];
    const single = await Promise.all(nets.map((p) => scoreRows(score, p, data)));
    close(await scoreRows(score, nets[0], data, { block: 3 }), single[0], 6);
    const stacked = {
      layers: [
        {
          w: tensor(Float32Array.from((await Promise.all(nets.map((p) => values(p.layers[0].w)))).flat()), {
            shape: [2, 4, 3],
          }),
          b: tensor(Float32Array.from((await Promise.all(nets.map((p) => values(p.layers[0].b!)))).flat()), {
            shape: [2, 3],
          }),
        },
      ],
    };
    const several = await scoreNetworks(score, stacked, data, { block: 4 });
    expect(several.length).toBe(2);
    several.forEach((own, s) => {
      close(own, single[s], 6);
    });
    const seen: number[] = [];
    const onNetwork = (scores: readonly Float32Array[]) => void seen.push(scores.length);
    const rest = await scoreNetworks(score, stacked, data, { block: 4, from: several.slice(0, 1), onNetwork });
    expect(rest).toEqual(several);
    expect(seen).toEqual([2]);
  });

  it("refuses a score that is not one number for each example, and stops on a signal", async () => {
    const p = model.init(random.key(1));
    await expect(scoreRows((q, x) => model.apply(q, x), p, data)).rejects.toThrow(/shape \[10,3\]/);
    await expect(scoreRows(score, p, data, { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow(
      "enough",
    );
  });
});

describe("averageScores", () => {
  it("is the mean of each example", () => {
    expect([...averageScores([[1, 2, 3], Float32Array.of(3, 2, 1)])]).toEqual([2, 2, 2]);
  });
  it("refuses no runs, other lengths and what is not finite", () => {
    expect(() => averageScores([])).toThrow(/no runs/);
    expect(() => averageScores([[1, 2], [1]])).toThrow(/run 1 has 1 scores, run 0 has 2/);
    expect(() => averageScores([[1, Number.POSITIVE_INFINITY]])).toThrow(/example 1 in run 0 is Infinity/);
  });
});

describe("forgetting", () => {
  /** Example 0 is forgotten twice, 1 never learned, 2 never forgotten, 3 learned late, 4 never shown. */
  const script = [
    { indices: [0, 1, 2], correct: [true, false, true] },
    { indices: [3, 0], correct: [0, 0] },
    { indices: [2, 0, 1], correct: [1, 1, 0] },
    { indices: Int32Array.of(0, 3), correct: Uint8Array.of(0, 1) },
  ];

  it("counts from right to wrong between an example's presentations", async () => {
    expect([...(await forgettingScores(5, script))]).toEqual([2, Infinity, 0, 0, Infinity]);
    expect([...(await forgettingScores(5, script, { neverLearned: 20 }))]).toEqual([2, 20, 0, 0, 20]);
  });

  it("takes a trainer that yields as it goes, and gives scores on the way", async () => {
    const counter = forgettingCounter(5);
    async function* trainer() {
      for (const observation of script) {
        counter.observe(observation);
        yield observation;
      }
    }
    const whole = await forgettingScores(5, trainer());
    expect([...counter.scores()]).toEqual([...whole]);
    const part = forgettingCounter(5);
    for (const observation of script.slice(0, 2)) part.observe(observation);
    expect([...part.scores()]).toEqual([1, Infinity, 0, Infinity, Infinity]);
  });

  it("does not count wrong answers before the first right one", async () => {
    const wrongThenRight = [0, 0, 1, 1].map((right) => ({ indices: [0], correct: [right] }));
    expect([...(await forgettingScores(1, wrongThenRight))]).toEqual([0]);
  });

  it("refuses lengths and indices that do not fit", () => {
    expect(() => forgettingCounter(0)).toThrow(/at least 1/);
    const counter = forgettingCounter(2);
    expect(() => counter.observe({ indices: [0, 1], correct: [true] })).toThrow(/2 indices came with 1/);
    expect(() => counter.observe({ indices: [2], correct: [true] })).toThrow(/examples 0 to 1, got index 2/);
  });
});
