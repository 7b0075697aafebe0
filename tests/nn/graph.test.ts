import { describe, expect, test } from "vitest";
import {
  concat,
  elu,
  grad,
  jit,
  leakyRelu,
  random,
  relu,
  softmax,
  sum,
  type Tensor,
  tensor,
  where,
} from "../../src/engine/index.js";
import {
  batchGraphs,
  deepSets,
  type Graph,
  gat,
  gatConv,
  gcn,
  gcnConv,
  passMessages,
  readout,
  withSelfLoops,
} from "../../src/nn/index.js";
import { allClose } from "./golden.js";

const wide = { dtype: "float64" } as const;
const key = random.key(2);
const edgesOf = (...pairs: (readonly [number, number])[]) =>
  tensor([pairs.map(([s]) => s), pairs.map(([, t]) => t)], { dtype: "int32" });
const pairs = [
  [0, 1],
  [1, 0],
  [1, 2],
  [3, 2],
  [2, 3],
  [0, 3],
] as const;
const edges = edgesOf(...pairs);
const x = random.normal(key, [4, 3], wide);
const graph: Graph = { x, edges };
/** A + I, with [target, source]. */
const adjacency = (weights: readonly number[] = pairs.map(() => 1)): Tensor => {
  const rows = Array.from({ length: 4 }, (_, i) => Array.from({ length: 4 }, (_, j) => Number(i === j)));
  pairs.forEach(([s, t], e) => {
    rows[t][s] += weights[e];
  });
  return tensor(rows, wide);
};

describe("graph layers", () => {
  test("gcnConv is D^-1/2 (A + I) D^-1/2 X W + b, with gradients", async () => {
    const layer = gcnConv(3, 2, wide);
    const params = { ...layer.init(key), b: tensor([0.5, -1], wide) };
    const run = jit((p: typeof params, t: Tensor) => {
      const weights = [1, 2, 0.5, 1, 3, 0.25];
      const dense = (q: typeof params, at: Tensor) => {
        const a = adjacency(weights);
        const scale = a.sum(1).pow(-0.5);
        return a.mul(scale.reshape(4, 1)).mul(scale).matmul(at).matmul(q.w).add(q.b);
      };
      const sparse = (q: typeof params, at: Tensor) => layer.apply(q, { x: at, edges, weights: tensor(weights, wide) });
      return [sparse, dense].map((f) => {
        const squares = (q: typeof params, at: Tensor) => sum(f(q, at).mul(f(q, at)));
        return [f(p, t), grad(squares, { argnums: [0, 1] })(p, t)];
      });
    });
    const [sparse, dense] = await run(params, x);
    await allClose(sparse, dense, 1e-10);
  });
  test("gatConv is a masked softmax over neighbours, with gradients", async () => {
    const layer = gatConv(3, 2, { heads: 2, ...wide });
    const params = layer.init(key);
    const run = jit((p: typeof params, t: Tensor) => {
      const dense = (q: typeof params, at: Tensor) => {
        const h = at.matmul(q.w).reshape(4, 2, 2);
        const [s, r] = [sum(h.mul(q.source), -1), sum(h.mul(q.target), -1)];
        // [target, source, head]
        const scores = leakyRelu(r.reshape(4, 1, 2).add(s), 0.2);
        const seen = where(adjacency().reshape(4, 4, 1).cast("bool"), scores, -1e9);
        return sum(softmax(seen, 1).reshape(4, 4, 2, 1).mul(h), 1)
          .reshape(4, 4)
          .add(q.b);
      };
      const sparse = (q: typeof params, at: Tensor) => layer.apply(q, { x: at, edges });
      return [sparse, dense].map((f) => {
        const squares = (q: typeof params, at: Tensor) => sum(f(q, at).mul(f(q, at)));
        return [f(p, t), grad(squares, { argnums: [0, 1] })(p, t)];
      });
    });
    const [sparse, dense] = await run(params, x);
    await allClose(sparse, dense, 1e-10);
  });
});

describe("graph networks", () => {
  const order = [2, 0, 3, 1];
  const place = order.map((_, i) => order.indexOf(i));
  const permute = async (t: Tensor) => {
    const rows = (await t.tolist()) as number[][];
    return tensor(
      order.map((i) => rows[i]),
      wide,
    );
  };
  test.each([
    ["gcn", gcn({ sizes: [3, 5, 2], ...wide })],
    ["gat", gat({ sizes: [3, 4, 2], heads: [3, 2], ...wide })],
  ] as const)("%s is equivariant to the order of nodes and blind to that of edges", async (_name, model) => {
    const params: any = model.init(key);
    const moved = edgesOf(...[...pairs].reverse().map(([s, t]) => [place[s], place[t]] as const));
    const y = model.apply(params, graph);
    expect(y.shape).toEqual([4, 2]);
    await allClose(model.apply(params, { x: await permute(x), edges: moved }), await permute(y), 1e-12);
  });
  test("activations stand between layers only", async () => {
    const [first, second] = [gcnConv(3, 5, wide), gcnConv(5, 2, wide)];
    const net = gcn({ sizes: [3, 5, 2], ...wide });
    const { layers } = net.init(key);
    const hidden = relu(first.apply(layers[0], graph));
    await allClose(net.apply({ layers }, graph), second.apply(layers[1], { ...graph, x: hidden }), 1e-12);
    const [one, two] = [gatConv(3, 4, { heads: 3, ...wide }), gatConv(12, 2, { heads: 2, merge: "mean", ...wide })];
    const attending = gat({ sizes: [3, 4, 2], heads: [3, 2], ...wide });
    const params = attending.init(key);
    const middle = elu(one.apply(params.layers[0], graph));
    await allClose(attending.apply(params, graph), two.apply(params.layers[1], { ...graph, x: middle }), 1e-12);
  });
  test("gat has 8 heads where it is not told, and 1 at the end", () => {
    const params = gat({ sizes: [3, 4, 2] }).init(key);
    expect(params.layers.map((l) => l.w.shape)).toEqual([
      [3, 32],
      [32, 2],
    ]);
  });
  test("dropout is random by key", async () => {
    for (const model of [
      gcn({ sizes: [3, 4], dropout: 0.5, ...wide }),
      gat({ sizes: [3, 4], dropout: 0.5, ...wide }),
    ]) {
      const params: any = model.init(key);
      const at = async (k?: random.Key) => (await model.apply(params, graph, { key: k }).data()).toString();
      expect(await at(random.key(1))).toBe(await at(random.key(1)));
      expect(await at(random.key(1))).not.toBe(await at());
    }
  });
  test("passMessages aggregates at targets", async () => {
    const small: Graph = { x: tensor([[1], [2], [4]]), edges: edgesOf([0, 2], [1, 2], [2, 0]) };
    const add = (s: Tensor, t: Tensor) => s.add(t);
    expect(await passMessages(small, add).tolist()).toEqual([[5], [0], [11]]);
    expect(await passMessages(small, add, "mean").tolist()).toEqual([[5], [0], [5.5]]);
    expect(await passMessages(small, (s) => s.neg(), "max").tolist()).toEqual([[-4], [0], [-1]]);
    expect(await passMessages(small, (_s, _t, e) => e.cast("float32").reshape(3, 1)).tolist()).toEqual([[2], [0], [1]]);
    expect(() => passMessages({ x, edges: tensor([1]) }, add)).toThrow(
      "edges are [2, E], sources above targets, got [1]",
    );
  });
  test("a batch of graphs is computed as each alone", async () => {
    const other: Graph = { x: random.normal(random.key(9), [2, 3], wide), edges: edgesOf([0, 1]) };
    const both = batchGraphs([graph, other]);
    expect(both.count).toBe(2);
    expect(await both.graphs.tolist()).toEqual([0, 0, 0, 0, 1, 1]);
    const model = gcn({ sizes: [3, 4, 2], ...wide });
    const params = model.init(key);
    const y = model.apply(params, both);
    const [a, b] = [model.apply(params, graph), model.apply(params, other)];
    await allClose(y, concat([a, b]), 1e-12);
    await allClose(readout(y, both).slice([1], [2]), b.mean(0, { keepDims: true }), 1e-12);
    await allClose(readout(y, both, "sum").slice([0], [1]), a.sum(0, { keepDims: true }), 1e-12);
    const weighted = batchGraphs([{ ...other, weights: tensor([3], wide) }, other]);
    expect(await weighted.weights!.tolist()).toEqual([3, 1]);
    expect(() => batchGraphs([])).toThrow("batchGraphs: needs at least one graph.");
  });
  test("withSelfLoops adds an edge for each node", async () => {
    const small = withSelfLoops({ x: tensor([[1], [2]]), edges: edgesOf([0, 1]), weights: tensor([5]) });
    expect(await small.edges.tolist()).toEqual([
      [0, 0, 1],
      [1, 0, 1],
    ]);
    expect(await small.weights!.tolist()).toEqual([5, 1, 1]);
  });
});

describe("deepSets", () => {
  const model = deepSets({ phi: [2, 5, 4], rho: [3, 1], ...wide });
  const params = model.init(key);
  const set = random.normal(key, [2, 3, 2], wide);
  test("does not depend on the elements' order", async () => {
    const turned = tensor(
      ((await set.tolist()) as number[][][]).map((rows) => [rows[2], rows[0], rows[1]]),
      wide,
    );
    await allClose(model.apply(params, turned), model.apply(params, set), 1e-12);
  });
  test.each(["sum", "mean"] as const)("%s: masked elements count for nothing", async (aggregate) => {
    const pooled = deepSets({ phi: [2, 5, 4], rho: [3, 1], aggregate, ...wide });
    const mask = tensor([
      [true, true, false],
      [true, true, false],
    ]);
    await allClose(pooled.apply(params, set, { mask }), pooled.apply(params, set.slice([0, 0], [2, 2])), 1e-12);
  });
  test("says what it takes", () => {
    expect(() => model.apply(params, tensor([[1, 2]]))).toThrow("deepSets: the model takes [B, n, 2], got [1, 2]");
  });
});
