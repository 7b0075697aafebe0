import { describe, expect, it } from "vitest";
import {
  add,
  arange,
  argsort,
  cast,
  concat,
  cond,
  conv,
  costOf,
  crossEntropy,
  cumsum,
  type DType,
  exp,
  gather,
  grad,
  hvp,
  layerNorm,
  less,
  matmul,
  max,
  maxPool,
  mean,
  mul,
  realise,
  relu,
  reshape,
  scan,
  scatterAdd,
  softmax,
  sum,
  type Tensor,
  tensor,
  transpose,
  vmap,
  where,
  whileLoop,
  zeros,
} from "../../../src/engine/index.js";
import { primitives } from "../../../src/engine/primitives/index.js";
import { fill } from "../helpers.js";
import { primitiveCases } from "../primitive-cases.js";

const of = (shape: readonly number[], dtype: DType = "float32") => zeros(shape, dtype);
const macs = (f: (...x: Tensor[]) => unknown, ...x: Tensor[]) => costOf(f, ...x).macs;
const flops = (f: (...x: Tensor[]) => unknown, ...x: Tensor[]) => costOf(f, ...x).flops;

describe("costOf counts arithmetic", () => {
  it("of matrix products: 2 m n k", () => {
    expect(costOf((a: Tensor, b: Tensor) => matmul(a, b), of([3, 5]), of([5, 7]))).toMatchObject({
      macs: 105,
      flops: 210,
    });
    expect(macs((a, b) => matmul(a, b, { transposeA: true, transposeB: true }), of([5, 3]), of([7, 5]))).toBe(105);
    expect(macs((a, b) => matmul(a, b), of([2, 4, 3, 5]), of([4, 5, 7]))).toBe(8 * 105);
    expect(macs((a, b) => matmul(a, b), of([5]), of([5]))).toBe(5);
  });

  it("of convolutions and their gradients", () => {
    const [x, w] = [of([2, 3, 8, 8]), of([4, 3, 3, 3])];
    expect(macs((a, b) => conv(a, b), x, w)).toBe(2 * 4 * 36 * 3 * 9);
    expect(macs((a, b) => conv(a, b, { padding: "same", stride: 2 }), x, w)).toBe(2 * 4 * 16 * 3 * 9);
    expect(macs((a, b) => conv(a, b, { groups: 3 }), x, of([6, 1, 3, 3]))).toBe(2 * 6 * 36 * 9);
    // Forward, kernel gradient and input gradient, each the same number of products.
    const loss = (a: Tensor, b: Tensor) => sum(mul(conv(a, b, { padding: 1 }), conv(a, b, { padding: 1 })));
    const once = 2 * 4 * 64 * 3 * 9;
    expect(macs(loss, x, w)).toBe(once);
    expect(macs(grad(loss, { argnums: 1 }), x, w)).toBe(2 * once);
    expect(macs(grad(loss, { argnums: [0, 1] }), x, w)).toBe(3 * once);
  });

  it("of an MLP's gradient: three times the forward pass, without the first layer's input", () => {
    const p = [of([20, 30]), of([30, 10])];
    const [batch, first, second] = [8, 8 * 20 * 30, 8 * 30 * 10];
    const loss = (q: Tensor[], x: Tensor, y: Tensor) => mean(crossEntropy(matmul(relu(matmul(x, q[0])), q[1]), y));
    const [x, y] = [of([batch, 20]), of([batch], "int32")];
    expect(costOf(loss, p, x, y).macs).toBe(first + second);
    expect(costOf(grad(loss), p, x, y).macs).toBe(3 * (first + second) - first);
    expect(costOf(grad(loss), p, x, y)).toMatchObject({ parameters: 900, parameterBytes: 3600, uncounted: [] });
  });

  it("of a Hessian-vector product: twice the gradient of everything but the labels", () => {
    const p = [of([20, 30]), of([30, 10])];
    const [first, second] = [8 * 20 * 30, 8 * 30 * 10];
    const loss = (q: Tensor[], x: Tensor) => mean(exp(matmul(exp(matmul(x, q[0])), q[1])));
    const x = of([8, 20]);
    expect(costOf((q: Tensor[]) => hvp((r: Tensor[]) => loss(r, x), q, q), p).macs).toBeLessThanOrEqual(
      2 * (3 * (first + second) - first) + second,
    );
  });

  it("of element-wise operations: one for each element, whatever the function", () => {
    const x = of([4, 6]);
    expect(flops((a) => exp(add(a, 1)), x)).toBe(48);
    expect(flops((a) => mul(a, sum(a, 0, { keepDims: true })), x)).toBe(24 + 3 * 6);
    expect(flops((a) => where(less(a, 0), 1, a), x)).toBe(48);
    expect(flops((a) => add(a, 1), of([4], "int32"))).toBe(0);
  });

  it("of folds: n - 1 for each result", () => {
    const x = of([4, 6]);
    expect(flops((a) => sum(a), x)).toBe(23);
    expect(flops((a) => max(a, 1), x)).toBe(20);
    expect(flops((a) => cumsum(a, 1), x)).toBe(20);
    expect(flops((a) => maxPool(a, 2), of([1, 2, 4, 4]))).toBe(8 * 3);
    expect(flops((a) => scatterAdd(a, tensor([0, 1, 1, 0], { dtype: "int32" }), 2), x)).toBe(24);
  });

  it("of what only moves: nothing", () => {
    const x = of([4, 6]);
    const moved = (a: Tensor) => [
      concat([transpose(a), transpose(a)]),
      gather(a, argsort(cast(reshape(a, [24]), "int32").slice([0], [4]))),
      cast(a, "float64"),
      arange(3),
    ];
    expect(costOf(moved, x)).toMatchObject({ flops: 0, uncounted: [] });
  });

  it("of composites as their definition has it, with or without a kernel", () => {
    for (const f of [(a: Tensor) => softmax(a), (a: Tensor) => layerNorm(a, of([6], a.dtype), of([6], a.dtype))]) {
      const served = costOf(f, of([4, 6]));
      expect(served.operations.map((o) => o.operation).some((name) => /softmax|layerNorm/.test(name))).toBe(true);
      expect(served.flops).toBe(costOf(f, of([4, 6], "float64")).flops);
    }
    // max, subtract, exp, sum, divide
    expect(flops((a) => softmax(a), of([4, 6]))).toBe(20 + 24 + 24 + 20 + 24);
  });

  it("of what is used: duplicates once, unused parts not at all", () => {
    const [a, b] = [of([3, 5]), of([5, 7])];
    expect(macs((x, y) => [matmul(x, y), mul(matmul(x, y), 2)], a, b)).toBe(105);
    expect(macs((x, y) => [x, matmul(x, y)].slice(0, 1), a, b)).toBe(0);
  });

  it("of per-example gradients of convolutions: as many as one batch's", () => {
    const loss = (w: Tensor, x: Tensor) => sum(exp(conv(reshape(x, [1, 3, 8, 8]), w, { padding: 1 })));
    const w = of([4, 3, 3, 3]);
    const each = costOf((k: Tensor, x: Tensor) => vmap(grad(loss), { inAxes: [null, 0] })(k, x), w, of([5, 3, 8, 8]));
    expect(each.macs).toBe(2 * 5 * 4 * 64 * 27);
  });
});

describe("costOf knows every operation", () => {
  it("of the closed table, but for those that compute on the host alone", () => {
    const host = new Set(primitives.filter((p) => p.many?.host && !p.many.emit).map((p) => p.name));
    const seen = new Set<string>();
    for (const c of primitiveCases) {
      const inputs = c.inputs.map((x, i) => fill(x, i));
      const cost = costOf((...x: Tensor[]) => c.f(...x), ...inputs);
      const missing = cost.uncounted.filter((name) => !host.has(name));
      expect(missing, `${c.primitive}: ${c.label}`).toEqual([]);
      for (const { operation } of cost.operations) seen.add(operation);
    }
    expect(primitives.length).toBeGreaterThan(50);
    expect(seen.size).toBeGreaterThan(40);
  });
});

describe("costOf counts control flow", () => {
  const w = of([4, 4]);
  const step = (h: Tensor, x: Tensor) => [add(matmul(h, w), x), sum(h)] as const;

  it("a scan as its body, once for each step", () => {
    const loop = (xs: Tensor) => scan(step, of([2, 4]), xs);
    expect(costOf(loop, of([7, 2, 4]))).toMatchObject({ macs: 7 * 32, flops: 7 * (2 * 32 + 8 + 7), uncounted: [] });
    const counts = costOf(loop, of([7, 2, 4])).operations.map((o) => [o.operation, o.count]);
    expect(counts).toEqual(
      expect.arrayContaining([
        ["matmul", 7],
        ["scan", 1],
      ]),
    );
    const nested = (xs: Tensor) => scan((c: Tensor, x: Tensor) => [scan(step, c, x)[0], null], of([2, 4]), xs);
    expect(costOf(nested, of([3, 7, 2, 4])).macs).toBe(3 * 7 * 32);
  });

  it("the gradient of a scan as two more products a step, and one forward pass more with checkpoint", () => {
    const loss = (checkpoint: boolean) => (m: Tensor, xs: Tensor) =>
      sum(scan((h: Tensor, x: Tensor) => [exp(add(matmul(h, m), x)), null], of([2, 4]), xs, { checkpoint })[0]);
    const at = (checkpoint: boolean) => costOf(grad(loss(checkpoint)), w, of([9, 2, 4]));
    expect(at(false).macs).toBe(9 * 3 * 32);
    expect(at(true).macs).toBe(9 * 4 * 32);
    expect(at(true).peakBytes).toBeLessThan(at(false).peakBytes + 1);
  });

  it("a conditional as both branches, a loop of unknown length as one step", () => {
    const choose = (x: Tensor) =>
      cond(
        less(sum(x), 0),
        (t: Tensor) => matmul(t, w),
        (t: Tensor) => exp(t),
        x,
      );
    expect(costOf(choose, of([2, 4]))).toMatchObject({ macs: 32, flops: 64 + 8 + 7 + 1 });
    const loop = (x: Tensor) =>
      whileLoop(
        (t: Tensor) => less(sum(t), 9),
        (t: Tensor) => matmul(t, w),
        x,
      );
    expect(costOf(loop, of([2, 4])).macs).toBe(32);
  });
});

describe("costOf counts memory", () => {
  it("traffic: every input read, every result written, reshape free", () => {
    const cost = costOf((x: Tensor) => exp(reshape(add(x, of([2, 3])), [6])), of([2, 3]));
    // add reads 24; the constant, which it broadcasts by itself, counts as nothing.
    expect(cost.operations.map((o) => [o.operation, o.count, o.bytes])).toEqual([
      ["add", 1, 48],
      ["exp", 1, 48],
      ["reshape", 1, 0],
    ]);
    expect([cost.bytesRead, cost.bytesWritten]).toEqual([24 + 24, 24 + 24]);
  });

  it("the peak of a chain is two results, of results that are kept all of them", () => {
    const chain = (n: number) => (x: Tensor) => {
      let h = x;
      for (let i = 0; i < n; i++) h = exp(h);
      return h;
    };
    expect(costOf(chain(1), of([100])).peakBytes).toBe(400);
    expect(costOf(chain(9), of([100])).peakBytes).toBe(800);
    const all = (x: Tensor) => [1, 2, 3, 4].map((i) => chain(i)(x));
    expect(costOf(all, of([100])).peakBytes).toBe(1600);
    expect(costOf((x: Tensor) => sum(chain(3)(x)), of([100])).peakBytes).toBe(800);
  });

  it("the gradient of a chain keeps every result until it is used on the way back", () => {
    const deep = (n: number) => (x: Tensor) => {
      let h = x;
      for (let i = 0; i < n; i++) h = exp(h);
      return sum(h);
    };
    const at = (n: number) => costOf(grad(deep(n)), of([100])).peakBytes;
    expect(at(20) - at(10)).toBe(10 * 400);
  });

  it("reshape shares memory, and captured tensors and arguments are not counted", async () => {
    const captured = of([50]);
    await realise([captured]);
    expect(costOf((x: Tensor) => reshape(exp(reshape(x, [25, 2])), [50]), of([50])).peakBytes).toBe(200);
    expect(costOf((_: Tensor) => add(captured, captured), of([1])).peakBytes).toBe(200);
    expect(costOf((x: Tensor) => reshape(x, [25, 2]), of([50])).peakBytes).toBe(0);
  });

  it("takes arguments as jit does", () => {
    const f = (p: { w: Tensor }, rate: Tensor, mode: string) => mul(p.w, mode === "fast" ? rate : 1);
    const host = { data: new Float32Array(6), shape: [6], dtype: "float32" } as const;
    expect(costOf(f as any, { w: host }, 0.1, "fast")).toMatchObject({ flops: 6, parameters: 6 });
    expect(costOf(f as any, { w: host }, 0.1, "slow")).toMatchObject({ flops: 0 });
    expect(() => costOf(async (x: Tensor) => x, of([1]))).toThrow("costOf: the function is asynchronous");
  });
});
