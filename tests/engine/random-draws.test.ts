import { describe, expect, it } from "vitest";
import {
  type DType,
  flattenTree,
  grad,
  HebbError,
  jit,
  type Operand,
  random,
  realise,
  ShapeError,
  setBackend,
  type Tensor,
  tensor,
  vmap,
} from "../../src/engine/index.js";
import { checkGradients, numbers, onEachBackend, values } from "./helpers.js";

type Draw = (key: Tensor, shape: readonly number[], dtype: DType) => Tensor;
/** Every distribution that draws floats of a given shape. */
const floats: Readonly<Record<string, Draw>> = {
  uniform: (k, shape, dtype) => random.uniform(k, shape, { dtype }),
  normal: (k, shape, dtype) => random.normal(k, shape, { dtype }),
  truncatedNormal: (k, shape, dtype) => random.truncatedNormal(k, shape, { low: 1, dtype }),
  exponential: (k, shape, dtype) => random.exponential(k, shape, { dtype }),
  laplace: (k, shape, dtype) => random.laplace(k, shape, { dtype }),
  logistic: (k, shape, dtype) => random.logistic(k, shape, { dtype }),
  cauchy: (k, shape, dtype) => random.cauchy(k, shape, { dtype }),
  gumbel: (k, shape, dtype) => random.gumbel(k, shape, { dtype }),
  rademacher: (k, shape, dtype) => random.rademacher(k, shape, { dtype }),
  gamma: (k, shape, dtype) => random.gamma(k, 0.6, shape, { dtype }),
  chiSquare: (k, shape, dtype) => random.chiSquare(k, 3, shape, { dtype }),
  studentT: (k, shape, dtype) => random.studentT(k, 3, shape, { dtype }),
  beta: (k, shape, dtype) => random.beta(k, 0.6, 2, shape, { dtype }),
  dirichlet: (k, shape, dtype) => random.dirichlet(k, [1, 2, 3], shape, { dtype }),
  unitSphere: (k, shape, dtype) => random.unitSphere(k, [...shape, 3], { dtype }),
  unitBall: (k, shape, dtype) => random.unitBall(k, [...shape, 3], { dtype }),
};
/** Those that draw integers. */
const integral: Readonly<Record<string, (key: Tensor, shape: readonly number[]) => Tensor>> = {
  bits: (k, shape) => random.bits(k, shape),
  integers: (k, shape) => random.integers(k, shape, -3, 9),
  poisson: (k, shape) => random.poisson(k, tensor(7.5), shape),
  binomial: (k, shape) => random.binomial(k, 12, 0.7, shape),
  bernoulli: (k, shape) => random.bernoulli(k, 0.5, shape),
  choice: (k, shape) => random.choice(k, 5, shape, { p: [1, 2, 0, 3, 1] }),
  "choice of rows": (k, shape) => random.choice(k, tensor([[1, 2], [3, 4], [5, 6]], { dtype: "int32" }), shape), // biome-ignore format: rows
};
/** Those whose shape is not free. */
const shaped: Readonly<Record<string, (key: Tensor) => Tensor>> = {
  permutation: (k) => random.permutation(k, 7),
  shuffle: (k) => random.shuffle(k, tensor([[1, 2, 3], [4, 5, 6]]), { axis: 1 }), // biome-ignore format: rows
  "shuffle, independent": (k) => random.shuffle(k, tensor([[1, 2, 3], [4, 5, 6]]), { axis: 1, independent: true }), // biome-ignore format: rows
  "choice without replacement": (k) => random.choice(k, 6, [4], { replace: false }),
  "choice without replacement, weighted": (k) =>
    random.choice(k, 6, [2, 2], { replace: false, p: tensor([1, 2, 3, 4, 5, 6]) }),
  categorical: (k) => random.categorical(k, tensor([[0, 1, 2], [2, 1, 0]])), // biome-ignore format: rows
  gumbelTopK: (k) => random.gumbelTopK(k, tensor([[0, 1, 2], [2, 1, 0]]), 2), // biome-ignore format: rows
  multivariateNormal: (k) => random.multivariateNormal(k, tensor([1, 2]), tensor([[1, 0], [0.5, 2]]), [3]), // biome-ignore format: rows
  orthogonal: (k) => random.orthogonal(k, [3, 2], { dtype: "float64" }),
};

const all = (k: Tensor, shape: readonly number[]): Record<string, Tensor> => ({
  ...Object.fromEntries(Object.entries(floats).map(([name, draw]) => [name, draw(k, shape, "float32")])),
  ...Object.fromEntries(Object.entries(integral).map(([name, draw]) => [name, draw(k, shape)])),
  ...Object.fromEntries(Object.entries(shaped).map(([name, draw]) => [name, draw(k)])),
});
/** The runtime adds up a product in one order or another, as its shape demands. */
const products = ["multivariateNormal", "orthogonal"];

describe("every draw", () => {
  const k = random.key(6);
  const compare = (name: string, actual: readonly number[], expected: readonly number[]) => {
    if (!products.includes(name)) expect(actual, name).toEqual(expected);
    else expect(Math.max(...actual.map((x, i) => Math.abs(x - expected[i]))), name).toBeLessThan(1e-6);
  };
  it("is mapped over keys by vmap, and compiled by jit, to the same numbers, on both backends", async () => {
    const keys = random.split(k, 2);
    const draw = (key: Tensor) => all(key, [2, 3]);
    const mapped = () => vmap(draw)(keys) as Record<string, Tensor>;
    const names = flattenTree(mapped()).paths;
    const many = await values(mapped());
    const compiled = jit(draw);
    const [first, second] = [
      await values(await compiled(keys.slice([0], [1]).reshape(2))),
      await values(await compiled(keys.slice([1], [2]).reshape(2))),
    ];
    setBackend("wasm", { threads: 1 });
    const other = await values(mapped()).finally(() => setBackend("node", { threads: 1 }));
    expect(compiled.compilations).toBe(1);
    names.forEach((name, i) => {
      compare(name, many[i], [...first[i], ...second[i]]);
      compare(name, other[i], many[i]);
      // A draw that ignored its key would be the same for both.
      expect(first[i], name).not.toEqual(second[i]);
    });
  });
  it("is the same in every dtype, to rounding, where it is computed in float64", async () => {
    const names = Object.keys(floats);
    const drawn = (["float16", "float32", "float64"] as const).map((dtype) =>
      names.map((name) => floats[name](k, [50], dtype)),
    );
    drawn.forEach((list, i) => {
      expect(list.map((t) => t.dtype)).toEqual(names.map(() => ["float16", "float32", "float64"][i]));
    });
    const found = await values(drawn.map((list) => list.map((t) => (t.dtype === "float16" ? t.cast("float32") : t))));
    names.forEach((name, i) => {
      const [half, single, double] = [0, 1, 2].map((part) => found[part * names.length + i]);
      if (/truncated|gamma|chi|student|beta|dirichlet|unit|rademacher/.test(name))
        expect(single, name).toEqual(double.map(Math.fround));
      if (name === "uniform") return;
      const worst = Math.max(...half.map((x, j) => Math.abs(x - single[j]) / (Math.abs(single[j]) + 1e-3)));
      expect(worst, name).toBeLessThan(2e-3);
    });
  });
});

onEachBackend("every draw", () => {
  const k = random.key(6);
  it("has the shape asked for, also without elements", async () => {
    const suffix = (name: string) => (/unit|dirichlet/.test(name) ? [3] : /rows/.test(name) ? [2] : []);
    for (const shape of [[0], [2, 0, 3], []]) {
      const drawn = Object.entries(all(k, shape)).filter(([name]) => !(name in shaped));
      for (const [name, t] of drawn) expect(t.shape, name).toEqual([...shape, ...suffix(name)]);
      const some = drawn.filter(([name]) => shape.length > 0 || name in integral || name === "normal");
      const arrays = await realise(some.map(([, t]) => t));
      some.forEach(([name, t], i) => {
        expect(arrays[i].data.length, name).toBe(t.size);
      });
    }
  });
  it("of matrices and permutations may be empty", async () => {
    expect(random.orthogonal(k, [0, 3]).shape).toEqual([0, 3]);
    expect(await numbers(random.orthogonal(k, [2, 0]))).toEqual([]);
    expect(await numbers(random.permutation(k, 0))).toEqual([]);
    expect(await numbers(random.choice(k, 0, [0]))).toEqual([]);
    expect(await numbers(random.choice(k, 3, [0], { replace: false }))).toEqual([]);
    expect(await numbers(random.shuffle(k, tensor(new Float32Array(0), { shape: [0, 2] })))).toEqual([]);
    expect(random.gumbelTopK(k, tensor([1, 2]), 0).shape).toEqual([0]);
    expect(random.multivariateNormal(k, tensor([1]), tensor([[1]]), [0]).shape).toEqual([0, 1]);
  });
});

describe("gradients", () => {
  const k = random.key(8);
  const point = [tensor([0.5, -1, 2], { dtype: "float64" }), tensor([1.5, 0.4, 2], { dtype: "float64" })];
  const dtype = "float64";
  const families: Record<string, (a: Operand, b: Operand) => Tensor> = {
    normal: (mean, sd) => random.normal(k, [2, 3], { mean, sd, dtype }),
    truncatedNormal: (mean, sd) => random.truncatedNormal(k, [2, 3], { mean, sd, dtype }),
    uniform: (low, high) => random.uniform(k, [2, 3], { low, high, dtype }),
    laplace: (loc, scale) => random.laplace(k, [2, 3], { loc, scale, dtype }),
    logistic: (loc, scale) => random.logistic(k, [2, 3], { loc, scale, dtype }),
    cauchy: (loc, scale) => random.cauchy(k, [2, 3], { loc, scale, dtype }),
    studentT: (loc, scale) => random.studentT(k, 4, [2, 3], { loc, scale, dtype }),
    exponential: (_, rate) => random.exponential(k, [2, 3], { rate, dtype }),
  };
  for (const [name, draw] of Object.entries(families))
    it(`reach the location and scale of ${name}`, () => checkGradients((a, b) => draw(a, b), point, { order: 1 }));
  it("reach the mean and factor of multivariateNormal", () =>
    checkGradients(
      (mean, factor) => random.multivariateNormal(k, mean, factor, [2]),
      [point[0], tensor([[1, 0, 0], [2, 1, 0], [0.3, 0.2, 0.5]], { dtype })], // biome-ignore format: rows
      { order: 1 },
    ));
  it("do not reach shape parameters and bounds", async () => {
    const cut: ((p: Tensor) => Tensor)[] = [
      (p) => random.gamma(k, p, [3], { dtype }),
      (p) => random.chiSquare(k, p, [3], { dtype }),
      (p) => random.studentT(k, p, [3], { dtype }),
      (p) => random.beta(k, p, p, [3], { dtype }),
      (p) => random.dirichlet(k, p, [], { dtype }),
      (p) => random.truncatedNormal(k, [3], { low: p, high: 9, dtype }),
    ];
    for (const draw of cut) expect(await numbers(grad((p: Tensor) => draw(p).sum())(point[1]))).toEqual([0, 0, 0]);
  });
});

onEachBackend("what holds of every single draw", () => {
  const k = random.key(9);
  const sorted = (x: readonly number[]) => [...x].sort((a, b) => a - b);
  const range = (n: number) => Array.from({ length: n }, (_, i) => i);
  it("choice without replacement repeats nothing, and prefers the likely", async () => {
    expect(sorted(await numbers(random.choice(k, 300, [300], { replace: false })))).toEqual(range(300));
    const p = range(300).map((i) => (i < 100 ? 0 : i < 200 ? 1e-6 : 1));
    const x = await numbers(random.choice(k, 300, [10, 15], { replace: false, p }));
    expect(new Set(x).size).toBe(150);
    expect(x.filter((v) => v >= 200).length).toBe(100);
    const some = await numbers(random.choice(k, 300, [2000], { p }));
    expect(some.every((v) => p[v] > 0)).toBe(true);
    expect(Math.min(...x)).toBeGreaterThanOrEqual(100);
    const top = await numbers(random.gumbelTopK(k, tensor(new Float32Array(50)), 50));
    expect(sorted(top)).toEqual(range(50));
  });
  it("choice from a tensor takes rows", async () => {
    const rows = tensor(range(20).map((i) => [i, i + 100]));
    const x = await numbers(random.choice(k, rows, [6], { replace: false }));
    expect(x.filter((_, i) => i % 2 === 1)).toEqual(x.filter((_, i) => i % 2 === 0).map((v) => v + 100));
  });
  it("shuffle keeps rows together, or each line by itself", async () => {
    const x = tensor(range(200), { dtype: "int32", shape: [40, 5] });
    const rows = await numbers(random.shuffle(k, x));
    expect(rows.map((v) => v % 5)).toEqual(range(200).map((i) => i % 5));
    expect(sorted(rows)).toEqual(range(200));
    expect(rows).not.toEqual(range(200));
    const lines = await numbers(random.shuffle(k, x, { axis: -1, independent: true }));
    expect(lines.map((v) => Math.floor(v / 5))).toEqual(range(200).map((i) => Math.floor(i / 5)));
    const orders = new Set(range(40).map((i) => lines.slice(5 * i, 5 * i + 5).map((v) => v % 5).join())); // biome-ignore format: one set
    expect(orders.size).toBeGreaterThan(10);
    expect(sorted(lines)).toEqual(range(200));
  });
  it("dirichlet sums to one, also for tiny and for large parameters", async () => {
    for (const alpha of [[1e-3, 1e-3, 1e-3], [0.1, 5, 1e6], [2]]) {
      const x = await numbers(random.dirichlet(k, alpha, [300], { dtype: "float64" }));
      const n = alpha.length;
      const sums = range(300).map((i) => x.slice(n * i, n * i + n).reduce((a, b) => a + b));
      expect(Math.max(...sums.map((s) => Math.abs(s - 1)))).toBeLessThan(1e-15 * (n + 1));
      expect(Math.min(...x)).toBeGreaterThanOrEqual(0);
    }
  });
  it("beta of tiny parameters is 0 or 1, half the time each", async () => {
    const x = await numbers(random.beta(k, 1e-5, 1e-5, [1000]));
    expect(x.every((v) => v < 1e-6 || v > 1 - 1e-6)).toBe(true);
    expect(Math.abs(x.filter((v) => v > 0.5).length - 500)).toBeLessThan(65);
  });
  it("orthogonal has orthonormal columns or rows, to rounding, times the gain", async () => {
    for (const shape of [
      [24, 24],
      [30, 7],
      [4, 3, 5],
      [1, 1],
    ]) {
      const q = random.orthogonal(k, shape, { gain: 2, dtype: "float64" });
      const m = q.reshape(shape[0], -1);
      const gram = m.shape[0] < m.shape[1] ? m.matmul(m.transpose()) : m.transpose().matmul(m);
      const side = Math.min(...m.shape);
      const eye = range(side * side).map((i) => (i % (side + 1) === 0 ? 4 : 0));
      const worst = Math.max(...(await numbers(gram)).map((v, i) => Math.abs(v - eye[i])));
      expect(worst, String(shape)).toBeLessThan(2e-14);
    }
  });
  it("unitSphere has length one, unitBall at most that", async () => {
    const lengths = (x: Tensor) => numbers(x.mul(x).sum(-1));
    const sphere = await lengths(random.unitSphere(k, [200, 6], { dtype: "float64" }));
    expect(Math.max(...sphere.map((v) => Math.abs(v - 1)))).toBeLessThan(1e-14);
    expect(new Set(await numbers(random.unitSphere(k, [50, 1])))).toEqual(new Set([-1, 1]));
    expect(Math.max(...(await lengths(random.unitBall(k, [200, 6]))))).toBeLessThan(1);
  });
  it("truncatedNormal stays within bounds, shifted and scaled, each element its own", async () => {
    const low = tensor([-1, 0.5, 30]);
    const x = await numbers(random.truncatedNormal(k, [500, 3], { low, high: low.add(1), mean: 3, sd: 2 }));
    for (const [c, from] of [1, 4, 63].entries()) {
      const own = x.filter((_, i) => i % 3 === c);
      expect(Math.min(...own)).toBeGreaterThanOrEqual(from);
      expect(Math.max(...own)).toBeLessThanOrEqual(from + 2);
    }
  });
  it("trees: a key for each leaf, and the leaf's shape and dtype", async () => {
    const tree = { b: tensor([1, 2, 3]), a: [tensor([[1, 2, 3]], { dtype: "float64" }), "name"] };
    const drawn = random.normalLike(k, tree, { sd: 2 });
    const [first, second] = random.splitList(k, 3).flatMap((key, i) => (i === 1 ? [] : [key]));
    expect(await numbers(drawn.b)).toEqual(await numbers(random.normal(second, [3], { sd: 2 })));
    const inner = (drawn.a as [Tensor, string])[0];
    expect(await numbers(inner)).toEqual(await numbers(random.normal(first, [1, 3], { sd: 2, dtype: "float64" })));
    expect(drawn.a[1]).toBe("name");
    const signs = random.rademacherLike(k, { x: tensor(new Float32Array(40)) });
    expect(new Set(await numbers(signs.x))).toEqual(new Set([-1, 1]));
    const flat = await numbers(random.uniformLike(k, [tensor(new Float32Array(40))], { low: 5, high: 6 })[0]);
    expect(Math.min(...flat)).toBeGreaterThanOrEqual(5);
    expect(random.randomLike(k, {}, (_, leaf) => leaf)).toEqual({});
  });
});

describe("what cannot be drawn", () => {
  const k = random.key(1);
  const bad = tensor([1, 2]);
  const refuse = (f: () => unknown, kind: typeof HebbError | typeof ShapeError, ...parts: string[]) => {
    expect(f).toThrow(kind);
    for (const part of parts) expect(f).toThrow(part);
  };
  it("is refused for a key that is none, by the name of the function", () => {
    for (const [name, draw] of Object.entries(floats))
      refuse(() => draw(bad, [2], "float32"), ShapeError, `${name}: a key is uint32[2], got float32[2]`);
    for (const name of ["integers", "poisson", "binomial", "bernoulli", "choice"])
      refuse(() => integral[name](bad, [2]), ShapeError, `${name}: a key is uint32[2], got float32[2]`);
    for (const name of ["permutation", "shuffle", "categorical", "gumbelTopK", "multivariateNormal", "orthogonal"])
      refuse(() => shaped[name](bad), ShapeError, `${name}: a key is uint32[2], got float32[2]`);
    refuse(() => random.normal(7 as unknown as Tensor, [2]), ShapeError, "normal: a key is uint32[2], got 7");
    refuse(() => random.foldIn(bad, 0), ShapeError, "foldIn: a key");
  });
  it("for shapes and dtypes that are none", () => {
    for (const [name, draw] of Object.entries(floats)) {
      refuse(() => draw(k, [-1], "float32"), ShapeError, `${name}: there is no shape [-1`);
      refuse(() => draw(k, [1.5], "float32"), ShapeError, `${name}: there is no shape [1.5`);
      refuse(() => draw(k, [2], "int32"), ShapeError, `${name}: draws floats, not int32`);
    }
    refuse(() => random.split(k, -1), ShapeError, "split: there is no shape [-1]");
    refuse(() => random.permutation(k, 2.5), ShapeError, "permutation: there is no shape [2.5]");
    refuse(() => random.orthogonal(k, [3]), ShapeError, "orthogonal: a matrix has at least two axes, got shape [3]");
    refuse(() => random.unitSphere(k, []), ShapeError, "unitSphere: the last axis of []");
    refuse(() => random.unitBall(k, [3, 0]), ShapeError, "unitBall: the last axis of [3, 0]");
    refuse(() => random.dirichlet(k, []), ShapeError, "dirichlet: alpha [0] needs at least one class");
    refuse(() => random.normal(k, [2], { mean: tensor([1, 2, 3]) }), ShapeError, "normal: shapes [3] and [2]");
    refuse(() => random.gamma(k, bad, [1]), ShapeError, "gamma: a parameter of shape [2] does not broadcast to [1]");
    refuse(() => random.laplace(k, [1], { loc: bad }), ShapeError, "laplace: a parameter of shape [2]");
    refuse(() => random.shuffle(k, bad, { axis: 1 }), ShapeError, "shuffle: axis 1 is out of range");
    refuse(() => random.multivariateNormal(k, bad, tensor([[1, 2, 3]])), ShapeError, "float32[2] and float32[1, 3]");
    refuse(() => random.categorical(k, tensor(1)), ShapeError, "categorical: logits are floats [..., classes]");
  });
  it("for parameters out of range", () => {
    const positive: [string, () => unknown][] = [
      ["gamma: the shape parameter must be positive and finite, got -1", () => random.gamma(k, -1, [1])],
      ["chiSquare: the degrees of freedom must be positive and finite, got 0", () => random.chiSquare(k, 0, [1])],
      ["studentT: the degrees of freedom", () => random.studentT(k, Number.NaN, [1])],
      ["studentT: the scale", () => random.studentT(k, 1, [1], { scale: 0 })],
      ["beta: a must be positive", () => random.beta(k, 0, 1, [1])],
      ["beta: b must be positive", () => random.beta(k, 1, Number.POSITIVE_INFINITY, [1])],
      ["dirichlet: alpha must be positive and finite, got -2", () => random.dirichlet(k, [1, -2])],
      ["exponential: the rate must be positive and finite, got 0", () => random.exponential(k, [1], { rate: 0 })],
      ["laplace: the scale must be positive", () => random.laplace(k, [1], { scale: -1 })],
      ["logistic: the scale must be positive", () => random.logistic(k, [1], { scale: -1 })],
      ["cauchy: the scale must be positive", () => random.cauchy(k, [1], { scale: -1 })],
      [
        "truncatedNormal: low must be below high, got 2 and 1",
        () => random.truncatedNormal(k, [1], { low: 2, high: 1 }),
      ],
      ["bernoulli: a probability lies between 0 and 1, got 1.5", () => random.bernoulli(k, 1.5, [1])],
      ["binomial: a probability lies between 0 and 1, got -0.1", () => random.binomial(k, 3, -0.1, [1])],
      ["binomial: n must be a whole number from 0 to 10^6, got 2.5", () => random.binomial(k, 2.5, 0.1, [1])],
      ["poisson: rates lie between 0 and 10^6, got -3", () => random.poisson(k, -3, [1])],
      ["poisson: rates lie between 0 and 10^6, got 2000000", () => random.poisson(k, bad, [2], { largest: 2e6 })],
      [
        "gumbelTopK: the count must be a whole number from 0 to 2, the classes, got 3",
        () => random.gumbelTopK(k, bad, 3),
      ],
      ["foldIn: the number must be an integer from 0 to 2^32 - 1, got 0.5", () => random.foldIn(k, 0.5)],
      ["foldIn: the number must be an integer from 0 to 2^32 - 1, got -1", () => random.foldIn(k, -1)],
    ];
    for (const [message, draw] of positive) refuse(draw, HebbError, message);
  });
  it("for choices that are not there", () => {
    const without = { replace: false };
    refuse(() => random.choice(k, 3, [4], without), HebbError, "choice: 4 draws without replacement from 3 things");
    refuse(
      () => random.choice(k, 3, [2], { ...without, p: [1, 0, 0] }),
      HebbError,
      "2 draws without replacement from 1",
    );
    refuse(() => random.choice(k, 0, [1]), HebbError, "choice: 1 draws from 0 things");
    refuse(() => random.choice(k, 2, [1], { p: [0, 0] }), HebbError, "choice: 1 draws from 0 things");
    refuse(() => random.choice(k, 2, [1], { p: [0.5, -0.5] }), HebbError, "not negative, got -0.5");
    refuse(() => random.choice(k, 2, [1], { p: [Number.NaN, 1] }), HebbError, "not negative, got NaN");
    refuse(
      () => random.choice(k, 2, [1], { p: [1] }),
      ShapeError,
      "choice: 2 things need as many probabilities, got 1",
    );
    refuse(() => random.choice(k, 2, [1], { p: tensor([[1, 2]]) }), ShapeError, "as many probabilities, got [1, 2]");
    refuse(() => random.choice(k, 2.5, [1]), HebbError, "choice: n must be a whole number from 0, got 2.5");
    refuse(() => random.choice(k, tensor(1), [1]), ShapeError, "choice: a scalar has no rows");
  });
});
