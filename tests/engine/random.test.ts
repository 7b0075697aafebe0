import { describe, expect, it } from "vitest";
import {
  type DType,
  HebbError,
  hostRandom,
  jit,
  random,
  realise,
  ShapeError,
  setBackend,
  type Tensor,
  tensor,
  vmap,
} from "../../src/engine/index.js";
import { threefry } from "../../src/engine/random/block.js";
import { threefry2x32 } from "../../src/engine/random/threefry.js";
import { type backends, numbers, onEachBackend } from "./helpers.js";

// Known answers of Random123's kat_vectors for threefry2x32 with 20 rounds: key, counter, result.
const known: readonly (readonly [key: [number, number], counter: [number, number], result: [number, number]])[] = [
  [
    [0, 0],
    [0, 0],
    [0x6b200159, 0x99ba4efe],
  ],
  [
    [0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x1cb996fc, 0xbb002be7],
  ],
  [
    [0x13198a2e, 0x03707344],
    [0x243f6a88, 0x85a308d3],
    [0xc4923a9c, 0x483df7a0],
  ],
];
const words = (list: readonly number[]): Tensor => tensor(Uint32Array.from(list));
const keyOf = (a: number, b: number): Tensor => words([a, b]);

describe("threefry on the host", () => {
  it("gives the known answers", () => {
    for (const [key, counter, result] of known) expect(threefry2x32(...key, ...counter)).toEqual(result);
  });
});

onEachBackend("threefry in a graph", () => {
  it("gives the known answers", async () => {
    for (const [key, [c0, c1], result] of known) {
      const out = threefry(words(key), words([c0]), words([c1]));
      expect((await realise(out)).map((a) => a.data[0])).toEqual(result);
    }
  });
  it("is the host's function, word for word, for bits, split and foldIn", async () => {
    const host = hostRandom(4);
    for (let trial = 0; trial < 5; trial++) {
      const [a, b] = [host.uint32(), host.uint32()];
      const n = 6 + trial;
      const half = Math.ceil(n / 2);
      const blocks = Array.from({ length: half }, (_, i) => threefry2x32(a, b, i, half + i));
      const expected = [...blocks.map((x) => x[0]), ...blocks.map((x) => x[1])].slice(0, n);
      expect(await numbers(random.bits(keyOf(a, b), [n]))).toEqual(expected);
      expect(await numbers(random.split(keyOf(a, b), 3))).toEqual(
        [0, 1, 2].flatMap((i) => threefry2x32(a, b, i, 0xffffffff)),
      );
      const step = host.uint32();
      expect(await numbers(random.foldIn(keyOf(a, b), step))).toEqual(threefry2x32(a, b, step, 0xfffffffe));
      expect(await numbers(random.foldIn(keyOf(a, b), tensor(trial, { dtype: "int32" })))).toEqual(
        threefry2x32(a, b, trial, 0xfffffffe),
      );
    }
  });
});

type Draw = (key: Tensor) => Tensor;
const exact: Readonly<Record<string, Draw>> = {
  bits: (k) => random.bits(k, [1001]),
  "uniform float32": (k) => random.uniform(k, [1000]),
  "uniform float32 on [-3, 5)": (k) => random.uniform(k, [1000], { low: -3, high: 5 }),
  "uniform float64": (k) => random.uniform(k, [1000], { dtype: "float64" }),
  "uniform float16": (k) => random.uniform(k, [1000], { dtype: "float16" }),
  bernoulli: (k) => random.bernoulli(k, 0.3, [1000]),
  integers: (k) => random.integers(k, [1000], -5, 17),
  permutation: (k) => random.permutation(k, 1000),
  split: (k) => random.split(k, 50),
  foldIn: (k) => random.foldIn(k, 12345),
  "normal float32": (k) => random.normal(k, [20_001]),
  "normal float64": (k) => random.normal(k, [20_001], { dtype: "float64" }),
  "normal float16": (k) => random.normal(k, [1001], { dtype: "float16" }),
  gumbel: (k) => random.gumbel(k, [20_001]),
  "gumbel float64": (k) => random.gumbel(k, [5001], { dtype: "float64" }),
  truncatedNormal: (k) => random.truncatedNormal(k, [5001]),
  "truncatedNormal float64 in one tail": (k) =>
    random.truncatedNormal(k, [5001], { low: 5, high: Number.POSITIVE_INFINITY, dtype: "float64" }),
  "truncatedNormal float16": (k) => random.truncatedNormal(k, [501], { low: -3, high: 0.5, dtype: "float16" }),
  "exponential float32": (k) => random.exponential(k, [5001], { rate: 3 }),
  "exponential float64": (k) => random.exponential(k, [5001], { dtype: "float64" }),
  "exponential float16": (k) => random.exponential(k, [501], { dtype: "float16" }),
  "laplace float32": (k) => random.laplace(k, [5001], { loc: 0.3, scale: 1.7 }),
  "laplace float64": (k) => random.laplace(k, [5001], { dtype: "float64" }),
  "logistic float32": (k) => random.logistic(k, [5001], { loc: 0.3, scale: 1.7 }),
  "logistic float64": (k) => random.logistic(k, [5001], { dtype: "float64" }),
  "cauchy float32": (k) => random.cauchy(k, [5001], { loc: 0.3, scale: 1.7 }),
  "cauchy float64": (k) => random.cauchy(k, [5001], { dtype: "float64" }),
  "rademacher float16": (k) => random.rademacher(k, [501], { dtype: "float16" }),
  "gamma float64": (k) => random.gamma(k, tensor([0.01, 0.7, 3, 1e4]), [1000, 4], { dtype: "float64" }),
  "gamma float16": (k) => random.gamma(k, 2, [501], { dtype: "float16" }),
  studentT: (k) => random.studentT(k, 3, [1001], { loc: 1, scale: 2, dtype: "float64" }),
  beta: (k) => random.beta(k, 0.01, tensor([0.02, 4]), [500, 2], { dtype: "float64" }),
  dirichlet: (k) => random.dirichlet(k, [0.01, 0.1, 1, 5, 0.3], [200], { dtype: "float64" }),
  poisson: (k) => random.poisson(k, tensor([0.1, 4, 90]), [1000, 3]),
  binomial: (k) => random.binomial(k, 100, tensor([0.1, 0.5, 0.99]), [1000, 3]),
  gumbelTopK: (k) => random.gumbelTopK(k, tensor([0.1, 2, -1, 0, 0.5]), 3),
  shuffle: (k) => random.shuffle(k, tensor(Float32Array.from({ length: 500 }, (_, i) => i))),
  "choice with probabilities": (k) => random.choice(k, 5, [1000], { p: [0.1, 0.2, 0.3, 0.15, 0.25] }),
  "choice without replacement": (k) =>
    random.choice(k, 200, [100], { replace: false, p: Array.from({ length: 200 }, (_, i) => i + 1) }),
  "unitSphere float64": (k) => random.unitSphere(k, [200, 7], { dtype: "float64" }),
  "unitBall float32": (k) => random.unitBall(k, [200, 5]),
};
/** Passes through the runtime's matrix product, which adds up in an order of its own. */
const rounded: Readonly<Record<string, { draw: Draw; tolerance: number }>> = {
  multivariateNormal: {
    draw: (k) =>
      random.multivariateNormal(
        k,
        tensor([1, 2]),
        tensor([
          [1, 0],
          [0.5, 2],
        ]),
        [1000],
      ),
    tolerance: 2e-6,
  },
  orthogonal: { draw: (k) => random.orthogonal(k, [30, 20], { dtype: "float64" }), tolerance: 1e-13 },
};

describe("the same key on both backends", () => {
  const on = async (backend: (typeof backends)[number], draw: Draw): Promise<number[]> => {
    setBackend(backend, { threads: 1 });
    try {
      return await numbers(draw(random.key(20240607)));
    } finally {
      setBackend("node", { threads: 1 });
    }
  };
  for (const [name, draw] of Object.entries(exact)) {
    it(`gives the same bits: ${name}`, async () => {
      const [native, wasm] = [await on("node", draw), await on("wasm", draw)];
      expect(wasm).toEqual(native);
      expect(new Set(native).size).toBeGreaterThan(1);
    });
  }
  for (const [name, { draw, tolerance }] of Object.entries(rounded)) {
    it(`gives the same numbers to rounding: ${name}`, async () => {
      const [native, wasm] = [await on("node", draw), await on("wasm", draw)];
      const worst = Math.max(...native.map((x, i) => Math.abs(x - wasm[i])));
      expect(worst).toBeLessThanOrEqual(tolerance);
    });
  }
});

const moments = (x: readonly number[]) => {
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  const central = (p: number) => x.reduce((s, v) => s + (v - mean) ** p, 0) / x.length;
  const sd = Math.sqrt(central(2));
  return {
    mean,
    sd,
    skew: central(3) / sd ** 3,
    kurtosis: central(4) / sd ** 4,
    low: Math.min(...x.slice(0, 50000)),
    high: Math.max(...x.slice(0, 50000)),
  };
};
const correlation = (x: readonly number[], y: readonly number[]): number => {
  const [a, b] = [moments(x), moments(y)];
  return x.reduce((s, v, i) => s + (v - a.mean) * (y[i] - b.mean), 0) / x.length / a.sd / b.sd;
};

onEachBackend("distributions", () => {
  const n = 40_000;
  const k = random.key(11);
  it("uniform", async () => {
    for (const dtype of ["float32", "float64"] as const) {
      const x = await numbers(random.uniform(k, [n], { dtype, low: 2, high: 4 }));
      const m = moments(x);
      expect(m.mean).toBeCloseTo(3, 1.5);
      expect(m.sd).toBeCloseTo(Math.sqrt(4 / 12), 2);
      expect(m.low).toBeGreaterThanOrEqual(2);
      expect(m.high).toBeLessThan(4);
    }
  });
  it("normal", async () => {
    for (const dtype of ["float32", "float64"] as const) {
      const m = moments(await numbers(random.normal(k, [n], { dtype, mean: 1, sd: 2 })));
      expect(m.mean).toBeCloseTo(1, 1);
      expect(m.sd).toBeCloseTo(2, 1);
      expect(Math.abs(m.skew)).toBeLessThan(0.06);
      expect(m.kurtosis).toBeCloseTo(3, 0.7);
    }
  });
  it("normal: both halves of the Box-Muller pairs are independent", async () => {
    const x = await numbers(random.normal(k, [n]));
    expect(Math.abs(correlation(x.slice(0, n / 2), x.slice(n / 2)))).toBeLessThan(0.03);
    const square = x.map((v) => v * v);
    expect(Math.abs(correlation(square.slice(0, n / 2), square.slice(n / 2)))).toBeLessThan(0.03);
  });
  it("normal and gumbel are what their formulas say of the uniforms", async () => {
    for (const dtype of ["float32", "float64"] as const) {
      const tolerance = dtype === "float32" ? 3e-6 : 2e-14;
      const u = await numbers(random.uniform(k, [2, 5000], { dtype }));
      const z = await numbers(random.normal(k, [10_000], { dtype }));
      const expected = [0, 1].flatMap((part) =>
        Array.from({ length: 5000 }, (_, i) => {
          const angle = 2 * Math.PI * u[5000 + i];
          return Math.sqrt(-2 * Math.log1p(-u[i])) * (part === 0 ? Math.cos(angle) : Math.sin(angle));
        }),
      );
      expect(Math.max(...z.map((v, i) => Math.abs(v - expected[i])))).toBeLessThan(tolerance);
      const g = await numbers(random.gumbel(k, [10_000], { dtype }));
      const gu = (await numbers(random.uniform(k, [10_000], { dtype }))).map((v) => v * (1 - 1e-7) + 5e-8);
      const worst = Math.max(
        ...g.map((v, i) => Math.abs(v + Math.log(-Math.log(gu[i]))) * Math.min(1, -Math.log(gu[i]))),
      );
      expect(worst).toBeLessThan(tolerance);
    }
  });
  it("bernoulli", async () => {
    const x = await numbers(random.bernoulli(k, 0.3, [n]));
    expect(x.reduce((a, b) => a + b) / n).toBeCloseTo(0.3, 1.7);
    expect(new Set(await numbers(random.bernoulli(k, 1, [1000])))).toEqual(new Set([1]));
    expect(new Set(await numbers(random.bernoulli(k, 0, [1000])))).toEqual(new Set([0]));
  });
  it("integers cover their range evenly", async () => {
    const x = await numbers(random.integers(k, [n], -3, 5));
    for (let v = -3; v < 5; v++) expect(x.filter((y) => y === v).length / n).toBeCloseTo(1 / 8, 1.7);
    expect(Math.min(...x)).toBe(-3);
    expect(Math.max(...x)).toBe(4);
    const wide = await numbers(random.integers(k, [1000], -(2 ** 31), 2 ** 31));
    expect(Math.min(...wide)).toBeLessThan(-(2 ** 30));
    expect(Math.max(...wide)).toBeGreaterThan(2 ** 30);
  });
  it("permutation holds each number once, in another order for each key", async () => {
    const p = await numbers(random.permutation(k, 200));
    expect([...p].sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect(await numbers(random.permutation(random.key(12), 200))).not.toEqual(p);
    expect(await numbers(random.permutation(k, 1))).toEqual([0]);
  });
  it("gumbel and categorical", async () => {
    const m = moments(await numbers(random.gumbel(k, [n])));
    expect(m.mean).toBeCloseTo(0.5772, 1.3);
    expect(m.sd).toBeCloseTo(Math.PI / Math.sqrt(6), 1.3);
    const p = [0.1, 0.2, 0.7];
    const logits = tensor(Array.from({ length: 4000 }, () => p.map(Math.log)));
    const classes = await numbers(random.categorical(k, logits));
    p.forEach((q, c) => {
      expect(classes.filter((x) => x === c).length / 4000).toBeCloseTo(q, 1.3);
    });
  });
  it("odd, empty and scalar shapes", async () => {
    expect(random.normal(k, [3, 1, 5]).shape).toEqual([3, 1, 5]);
    expect(await numbers(random.uniform(k, [0]))).toEqual([]);
    expect(await numbers(random.normal(k, []))).toHaveLength(1);
    expect(await numbers(random.normal(k, [2, 0]))).toEqual([]);
  });
});

onEachBackend("keys", () => {
  it("split and foldIn give streams that share nothing", async () => {
    const k = random.key(3);
    const [a, b] = random.splitList(k, 2);
    const streams = [k, a, b, random.foldIn(k, 0), random.foldIn(k, 1), random.foldIn(a, 0), random.key(4)];
    const drawn = await Promise.all(streams.map((s) => numbers(random.bits(s, [500]))));
    expect(new Set(drawn.flat()).size).toBeGreaterThan(7 * 500 - 5);
    const normals = await Promise.all(streams.map((s) => numbers(random.normal(s, [4000]))));
    for (let i = 0; i < streams.length; i++)
      for (let j = 0; j < i; j++) expect(Math.abs(correlation(normals[i], normals[j]))).toBeLessThan(0.06);
  });
  it("split agrees with splitList and grows without changing its first keys", async () => {
    const k = random.key(3);
    const all = await numbers(random.split(k, 4));
    expect((await Promise.all(random.splitList(k, 4).map((x) => numbers(x)))).flat()).toEqual(all);
    expect((await numbers(random.split(k, 8))).slice(0, 8)).toEqual(all);
  });
  it("take seeds above 2^32", async () => {
    expect(await numbers(random.key(2 ** 40 + 7))).toEqual([256, 7]);
    expect(await numbers(random.bits(random.key(2 ** 32), [4]))).not.toEqual(
      await numbers(random.bits(random.key(0), [4])),
    );
  });
  it("run inside compiled functions, where the key is an argument", async () => {
    const draw = jit((k: Tensor, step: Tensor) => random.normal(random.foldIn(k, step), [50]));
    const k = random.key(9);
    const [first, second] = [await numbers(await draw(k, 1)), await numbers(await draw(k, 2))];
    expect(first).not.toEqual(second);
    expect(await numbers(await draw(k, 1))).toEqual(first);
    expect(await numbers(random.normal(random.foldIn(k, 1), [50]))).toEqual(first);
    expect(draw.compilations).toBe(1);
  });
  it("are mapped by vmap", async () => {
    const keys = random.split(random.key(5), 3);
    const many = vmap((k: Tensor) => random.normal(k, [4]))(keys) as Tensor;
    const one = await Promise.all(random.splitList(random.key(5), 3).map((k) => numbers(random.normal(k, [4]))));
    expect(await numbers(many)).toEqual(one.flat());
  });
});

describe("keys that are none", () => {
  it("are refused by name", () => {
    expect(() => random.key(-1)).toThrow(HebbError);
    expect(() => random.key(0.5)).toThrow("the seed must be an integer from 0 to 2^53 - 1, got 0.5");
    expect(() => random.normal(tensor([1, 2]), [3])).toThrow(ShapeError);
    expect(() => random.normal(tensor([1, 2]), [3])).toThrow("a key is uint32[2], got float32[2]");
    expect(() => random.split(random.split(random.key(1), 3))).toThrow("split: a key is uint32[2], got uint32[3, 2]");
    expect(() => random.integers(random.key(1), [2], 5, 5)).toThrow("low < high");
  });
});

describe("host streams", () => {
  it("depend on the seed and the stream alone", () => {
    const take = (r = hostRandom(7)) => Array.from({ length: 6 }, () => r.uint32());
    expect(take()).toEqual(take());
    expect(take(hostRandom(8))).not.toEqual(take());
    expect(take(hostRandom(7, 1))).not.toEqual(take());
    expect(take(hostRandom(7 + 2 ** 32))).not.toEqual(take());
  });
  it("start with known numbers, on every machine", () => {
    // Threefry-2x32 keyed by (seed low, seed high) at counter (stream, 0), then counting from 0 under that key.
    const [k0, k1] = threefry2x32(7, 0, 0, 0);
    const r = hostRandom(7);
    expect([r.uint32(), r.uint32(), r.uint32()]).toEqual([
      ...threefry2x32(k0, k1, 0, 0),
      threefry2x32(k0, k1, 1, 0)[0],
    ]);
  });
  it("have the right moments", () => {
    const r = hostRandom(1);
    const n = 50_000;
    const u = moments(Array.from({ length: n }, () => r.uniform()));
    expect([u.mean, u.sd]).toEqual([expect.closeTo(0.5, 1.9), expect.closeTo(Math.sqrt(1 / 12), 2)]);
    expect(u.low).toBeGreaterThanOrEqual(0);
    expect(u.high).toBeLessThan(1);
    const z = moments(Array.from({ length: n }, () => r.normal()));
    expect([z.mean, z.sd, z.skew]).toEqual([expect.closeTo(0, 1.5), expect.closeTo(1, 1.5), expect.closeTo(0, 1)]);
    expect(Math.abs(z.kurtosis - 3)).toBeLessThan(0.15);
    const counts = new Array(6).fill(0);
    for (let i = 0; i < 12_000; i++) counts[r.integer(6)]++;
    for (const c of counts) expect(Math.abs(c - 2000)).toBeLessThan(200);
  });
  it("permute evenly", () => {
    const r = hostRandom(2);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const p = r.permutation(3).join("");
      counts.set(p, (counts.get(p) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const c of counts.values()) expect(Math.abs(c - 1000)).toBeLessThan(150);
    expect(r.permutation(0)).toHaveLength(0);
  });
  it("fork by label, without moving the parent", () => {
    const parent = hostRandom(3);
    const child = parent.fork("shuffle");
    const again = hostRandom(3).fork("shuffle");
    expect([child.uint32(), child.uint32()]).toEqual([again.uint32(), again.uint32()]);
    expect(parent.fork("other").uint32()).not.toBe(parent.fork("shuffle").uint32());
    expect(parent.fork(1).uint32()).not.toBe(parent.fork(2).uint32());
    expect(parent.uint32()).toBe(hostRandom(3).uint32());
  });
  it("refuse ranges that are none", () => {
    for (const n of [0, -1, 1.5, 2 ** 33]) expect(() => hostRandom(1).integer(n)).toThrow(RangeError);
    expect(hostRandom(1).integer(1)).toBe(0);
  });
});

describe("dtypes of random numbers", () => {
  it("are what was asked for", () => {
    const k = random.key(1);
    for (const dtype of ["float16", "float32", "float64"] as DType[]) {
      expect(random.uniform(k, [2], { dtype }).dtype).toBe(dtype);
      expect(random.normal(k, [2], { dtype }).dtype).toBe(dtype);
    }
    expect([
      random.bits(k, [2]).dtype,
      random.integers(k, [2], 0, 3).dtype,
      random.bernoulli(k, 0.5, [2]).dtype,
    ]).toEqual(["uint32", "int32", "bool"]);
  });
  it("keep float16 below one", async () => {
    const x = await numbers(random.uniform(random.key(1), [5000], { dtype: "float16" }).cast("float32"));
    expect(Math.max(...x)).toBeLessThan(1);
    expect(Math.max(...x)).toBeGreaterThan(0.99);
  });
});
