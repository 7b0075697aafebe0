import { afterAll, beforeEach, describe, expect, it } from "vitest";
import {
  add,
  exp,
  grad,
  jit,
  log,
  matmul,
  mul,
  type NDArray,
  random,
  realise,
  relu,
  setBackend,
  sin,
  stopGradient,
  sum,
  type Tensor,
  tensor,
  treeMap,
  valueAndGrad,
  zeros,
} from "../../src/engine/index.js";
import { backends, numbers, onEachBackend, values } from "./helpers.js";
import { type Spy, spyOn } from "./spy.js";

describe.each(backends)("jit's cache (%s)", (name) => {
  let spy: Spy;
  beforeEach(async () => {
    spy = await spyOn(name);
  });
  afterAll(() => setBackend("node", { threads: 1 }));

  it("compiles once for each combination of shapes and dtypes", async () => {
    const f = jit((x: Tensor) => exp(x).sum());
    expect(f.compilations).toBe(0);
    for (const [x, count] of [
      [tensor([1, 2]), 1],
      [tensor([3, 4]), 1],
      [tensor([3, 4, 5]), 2],
      [tensor([[3, 4]]), 3],
      [tensor([1, 2], { dtype: "float64" }), 4],
      [tensor([5, 6]), 4],
    ] as const) {
      await f(x);
      expect(f.compilations).toBe(count);
    }
    expect(spy.counts.compile).toBe(4);
  });

  it("shares one session between functions that trace to the same graph", async () => {
    const first = jit((x: Tensor) => mul(sin(x), 2).add(exp(x)));
    const second = jit((y: Tensor) => {
      const unused = exp(exp(y));
      const e = exp(y);
      return unused && add(sin(y).mul(2), e);
    });
    const x = tensor([1, 2, 3]);
    const a = await numbers(await first(x));
    expect(spy.counts.compile).toBe(1);
    expect(await numbers(await second(x))).toEqual(a);
    expect(spy.counts.compile).toBe(1);
    await jit((x: Tensor) => mul(sin(x), 3).add(exp(x)))(x);
    expect(spy.counts.compile).toBe(2);
  });

  it("shares what is computed without jit, too", async () => {
    await sin(exp(tensor([1, 2]))).data();
    await sin(exp(tensor([3, 4]))).data();
    expect(spy.counts.compile).toBe(1);
  });

  it("tells graphs apart that differ in an attribute, an order or a constant", async () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const y = tensor([
      [6, 5, 4],
      [3, 2, 1],
    ]);
    const results = await Promise.all(
      [
        (a: Tensor, b: Tensor) => a.sub(b),
        (a: Tensor, b: Tensor) => b.sub(a),
        (a: Tensor, _b: Tensor) => a.sub(a),
        (a: Tensor, _b: Tensor) => a.sum(0, { keepDims: true }).sub(a),
        (a: Tensor, _b: Tensor) => a.sum(1, { keepDims: true }).sub(a),
        (a: Tensor, _b: Tensor) => a.sub(1),
        (a: Tensor, _b: Tensor) => a.sub(2),
      ].map(async (f) => numbers(await jit(f)(x, y))),
    );
    expect(new Set(results.map(String)).size).toBe(7);
    expect(results[0]).toEqual([-5, -3, -1, 1, 3, 5]);
    expect(spy.counts.compile).toBe(7);
  });

  it("does not compile anew for another number, and does for another string or boolean", async () => {
    const f = jit((x: Tensor, rate: Tensor, kind: string, flag: boolean) =>
      (kind === "sin" ? sin(x) : exp(x)).mul(rate).mul(flag ? 1 : -1),
    );
    const x = tensor([0, 1]);
    expect(await numbers(await f(x, 2, "exp", true))).toEqual([2, expect.closeTo(2 * Math.E, 5)]);
    expect(await numbers(await f(x, 3, "exp", true))).toEqual([3, expect.closeTo(3 * Math.E, 5)]);
    expect(f.compilations).toBe(1);
    expect(await numbers(await f(x, 3, "sin", true))).toEqual([0, expect.closeTo(3 * Math.sin(1), 5)]);
    expect(f.compilations).toBe(2);
    expect(await numbers(await f(x, 3, "sin", false))).toEqual([-0, expect.closeTo(-3 * Math.sin(1), 5)]);
    expect(f.compilations).toBe(3);
  });

  it("does not confuse strings that hold separators", async () => {
    const f = jit((x: Tensor, a: string, b: string) => mul(x, a.length * 10 + b.length));
    const x = tensor([1]);
    expect(await numbers(await f(x, "p,string:q", "r"))).toEqual([101]);
    expect(await numbers(await f(x, "p", "q,string:r"))).toEqual([20]);
  });

  it("compiles anew for another tree", async () => {
    const f = jit((p: Record<string, Tensor>) => sum(Object.values(p).reduce((a, b) => add(a, b))));
    await f({ a: tensor([1]), b: tensor([2]) });
    await f({ b: tensor([1]), a: tensor([2]) });
    expect(f.compilations).toBe(1);
    await f({ a: tensor([1]), c: tensor([2]) });
    expect(f.compilations).toBe(2);
  });

  it("keeps values on the device between calls", async () => {
    const step = jit((w: Tensor, x: Tensor) => w.sub(grad((v: Tensor) => sum(matmul(x, v)).mul(0.1))(w)));
    const x = await jit((t: Tensor) => mul(t, 1.5))(
      tensor([
        [1, 2],
        [3, 4],
      ]),
    );
    let w = await step(tensor([[1], [1]]), x);
    spy.reset();
    for (let i = 0; i < 5; i++) w = await step(w, x);
    expect(spy.counts).toMatchObject({ compile: 0, write: 0, read: 0, run: 5 });
    await w.data();
    expect(spy.counts.read).toBe(1);
  });

  it("uses donated buffers for results", async () => {
    const step = jit((w: Tensor) => w.mul(2), { donate: [0] });
    let w = await step(tensor([1, 2]));
    spy.reset();
    for (let i = 0; i < 4; i++) w = await step(w);
    expect(spy.counts.reused).toBeGreaterThanOrEqual(2);
    expect(await numbers(w)).toEqual([32, 64]);
  });

  it("goes on after the backend was changed", async () => {
    const f = jit((x: Tensor) => x.add(1));
    const first = await f(tensor([1]));
    setBackend(name, { threads: 1 });
    const second = await f(first);
    expect(await numbers(second)).toEqual([3]);
    setBackend(name === "node" ? "wasm" : "node", { threads: 1 });
    expect(await numbers(await f(second))).toEqual([4]);
    expect(await numbers(second.add(await f(first)))).toEqual([6]);
  });
});

onEachBackend("jit's arguments and results", () => {
  it("takes host arrays, typed arrays, nested trees and numbers", async () => {
    const f = jit((p: { w: Tensor; list: Tensor[] }, s: Tensor) => add(p.w, p.list[0]).mul(p.list[1]).mul(s));
    const w: NDArray = { data: Float32Array.of(1, 2), shape: [2], dtype: "float32" };
    expect(await numbers(await f({ w, list: [Float32Array.of(3, 4), tensor([5, 6])] }, 2))).toEqual([40, 72]);
    expect(await numbers(await f({ w: tensor([1, 2]), list: [tensor([3, 4]), 10] }, 1))).toEqual([40, 60]);
  });

  it("takes lazy tensors, computes them once and leaves them usable", async () => {
    const lazy = exp(tensor([0, 1]));
    const f = jit((x: Tensor) => x.mul(2));
    expect((await numbers(await f(lazy)))[0]).toBe(2);
    expect(lazy.value).toBeDefined();
    expect((await numbers(lazy))[0]).toBe(1);
  });

  it("gives back trees with whatever else stands in them", async () => {
    const f = jit((x: Tensor) => ({ twice: x.mul(2), name: "run", list: [x, 3, null], same: x.mul(2) }));
    const out = await f(tensor([1, 2]));
    expect([out.name, out.list[1], out.list[2]]).toEqual(["run", 3, null]);
    expect(await values([out.twice, out.list[0], out.same])).toEqual([
      [2, 4],
      [1, 2],
      [2, 4],
    ]);
  });

  it("returns constants, arguments and things that depend on no argument", async () => {
    const outside = tensor([7, 8]);
    const f = jit((_x: Tensor) => [zeros([2]), outside, add(outside, 1), tensor([9])]);
    expect(await values(await f(tensor([1])))).toEqual([[0, 0], [7, 8], [8, 9], [9]]);
    expect(await values(await f(tensor([2])))).toEqual([[0, 0], [7, 8], [8, 9], [9]]);
  });

  it("reads captured values at each call", async () => {
    const outside = exp(tensor([0, 0]));
    const f = jit((x: Tensor) => x.add(outside));
    expect(await numbers(await f(tensor([1, 2])))).toEqual([2, 3]);
    await outside.data();
    expect(await numbers(await f(tensor([1, 2])))).toEqual([2, 3]);
  });

  it("runs calls that were started together", async () => {
    const f = jit((x: Tensor, s: Tensor) => x.mul(s).sum());
    const x = tensor(Array.from({ length: 100 }, (_, i) => i));
    const out = await Promise.all(Array.from({ length: 20 }, (_, i) => f(x, i)));
    expect((await values(out)).flat()).toEqual(Array.from({ length: 20 }, (_, i) => 4950 * i));
  });

  it("passes the size-zero and the scalar through", async () => {
    const f = jit((x: Tensor, s: Tensor) => [x.mul(2), s.mul(2), x.sum()]);
    expect(await values(await f(zeros([0, 3]), 4))).toEqual([[], [8], [0]]);
  });

  it("forgets a failed trace", async () => {
    let broken = true;
    const f = jit((x: Tensor) => {
      if (broken) throw new Error("not yet");
      return x.add(1);
    });
    await expect(f(tensor([1]))).rejects.toThrow("not yet");
    broken = false;
    expect(await numbers(await f(tensor([1])))).toEqual([2]);
  });
});

onEachBackend("donation", () => {
  type Params = { w: Tensor; b: Tensor };
  const start = (): Params => ({ w: tensor([[0.5, -0.25]]), b: tensor([0.1, 0.2]) });
  const x = tensor([[1], [2], [3]]);
  const loss = (p: Params) => {
    const error = add(matmul(x, p.w), p.b).sub(1);
    return sum(mul(error, error)).mul(0.01);
  };
  const update = (p: Params) => {
    const [l, g] = valueAndGrad(loss)(p);
    return [treeMap((v: Tensor, d: Tensor) => v.sub(d.mul(0.5)), p, g) as Params, l] as const;
  };

  it("gives the same values as without, over 100 steps", async () => {
    const [kept, given] = [jit(update), jit(update, { donate: [0] })];
    let [p, q] = [start(), start()];
    const losses: [Tensor, Tensor][] = [];
    for (let i = 0; i < 100; i++) {
      const [p1, l1] = await kept(p);
      const [q1, l2] = await given(q);
      [p, q] = [p1, q1];
      losses.push([l1, l2]);
    }
    for (const [a, b] of losses) expect(await numbers(a)).toEqual(await numbers(b));
    expect(await values(p)).toEqual(await values(q));
    const list = (await values(losses.map((l) => l[1]))).flat();
    expect(list[99]).toBeLessThan(list[0] / 5);
    expect(list.every((v, i) => i === 0 || v <= list[i - 1])).toBe(true);
  });

  it("makes using the donated tensor an error that says so", async () => {
    const step = jit((w: Tensor) => w.mul(2), { donate: [0], name: "step" });
    const w = tensor([1, 2]);
    await step(w);
    await expect(w.data()).rejects.toThrow(
      "This tensor was donated to step and cannot be used again; keep the result of that call instead.",
    );
    await expect(step(w)).rejects.toThrow("donated to step");
    await expect(w.add(1).data()).rejects.toThrow("donated to step");
    expect(() => w.value).toThrow("donated to step");
  });

  it("leaves arguments alone that were not donated", async () => {
    const step = jit((w: Tensor, d: Tensor) => w.add(d), { donate: [0] });
    const d = tensor([1, 1]);
    let w = tensor([0, 0]);
    for (let i = 0; i < 5; i++) w = await step(w, d);
    expect(await numbers(w)).toEqual([5, 5]);
    expect(await numbers(d)).toEqual([1, 1]);
  });

  it("does not change what was read before", async () => {
    const step = jit((w: Tensor) => w.add(1), { donate: [0] });
    let w = await step(tensor([0, 0]));
    const early = await w.data();
    for (let i = 0; i < 6; i++) w = await step(w);
    expect([...early]).toEqual([1, 1]);
    expect(await numbers(w)).toEqual([7, 7]);
  });

  it("does not change the host array that a tensor was made from", async () => {
    const host = Float32Array.of(0, 0);
    const step = jit((w: Tensor) => w.add(1), { donate: [0] });
    let w = tensor(host);
    for (let i = 0; i < 6; i++) w = await step(w);
    expect([...host]).toEqual([0, 0]);
  });

  it("allows one tensor in two places", async () => {
    const step = jit((s: { m: Tensor; v: Tensor }) => ({ m: s.m.add(1), v: s.v.add(2) }), { donate: [0] });
    const zero = await realise([zeros([2])]).then(([a]) => tensor(a));
    let s = await step({ m: zero, v: zero });
    for (let i = 0; i < 3; i++) s = await step(s);
    expect(await values(s)).toEqual([
      [4, 4],
      [8, 8],
    ]);
  });

  it("keeps apart results that are equal", async () => {
    const split = jit((x: Tensor) => ({ a: x.mul(2), b: x.mul(2) }));
    const step = jit((w: Tensor) => w.add(1), { donate: [0] });
    const { a, b } = await split(tensor([1, 1]));
    let w = a;
    for (let i = 0; i < 5; i++) w = await step(w);
    expect(await numbers(b)).toEqual([2, 2]);
    expect(await numbers(w)).toEqual([7, 7]);
  });
});

onEachBackend("runs repeat to the last bit", () => {
  it("with the same seed", async () => {
    const run = async () => {
      const k = random.key(5);
      const [k1, k2, k3] = random.splitList(k, 3);
      let p = { w1: random.normal(k1, [8, 16]).mul(0.3), w2: random.normal(k2, [16, 3]).mul(0.3) };
      const xs = random.normal(k3, [32, 8]);
      const step = jit(
        (params: typeof p, noise: Tensor) => {
          const objective = (q: typeof p) => {
            const h = relu(matmul(xs.add(random.normal(noise, [32, 8]).mul(0.1)), q.w1));
            return matmul(h, q.w2)
              .sub(stopGradient(xs.slice([0, 0], [32, 3])))
              .pow(2)
              .mean();
          };
          const [l, g] = valueAndGrad(objective)(params);
          return [treeMap((v: Tensor, d: Tensor) => v.sub(d.mul(0.1)), params, g) as typeof p, l] as const;
        },
        { donate: [0] },
      );
      const losses: number[] = [];
      for (let i = 0; i < 20; i++) {
        const [next, l] = await step(p, random.foldIn(k, i));
        p = next;
        losses.push(await l.item());
      }
      return [losses, ...(await values(p))];
    };
    const [first, second] = [await run(), await run()];
    expect(second).toEqual(first);
    expect(first[0][19]).toBeLessThan(first[0][0]);
  });
});

describe("debug", () => {
  it("names the operation that made the first NaN, and the user's line, before anything is given away", async () => {
    const f = jit((x: Tensor) => sum(log(x)), { debug: true, donate: [0], name: "entropy" });
    const bad = tensor([1, -1]);
    await expect(f(bad)).rejects.toThrow(/^jit: entropy: .*log.*jit\.test\.ts/s);
    expect(await bad.tolist()).toEqual([1, -1]);
    expect(await (await f(tensor([1, 1]))).item()).toBe(0);
  });
});
