import { describe, expect, test } from "vitest";
import { grad, jit, sum, tensor, treeMap, vmap } from "../../src/engine/index.js";
import {
  adam,
  adamW,
  addDecayedWeights,
  applyUpdates,
  chain,
  clipByGlobalNorm,
  globalNorm,
  masked,
  momentum,
  type Optimizer,
  resolveMask,
  scale,
  scaleByAdam,
  scaleByLearningRate,
  schedules,
  sgd,
} from "../../src/optim/index.js";

const params = { body: { w: tensor([[1, 2]]), b: tensor([3]) }, head: tensor([4, 5]) };
const grads = { body: { w: tensor([[3, 0]]), b: tensor([0]) }, head: tensor([0, 4]) };
const plain = async (tree: unknown) => {
  const flat: Record<string, unknown> = {};
  for (const [k, v] of Object.entries(treeMap((t) => t.tolist(), tree) as object)) flat[k] = await v;
  return flat;
};

describe("clipping", () => {
  test("the norm is that of all values together", async () => {
    expect(await globalNorm(grads).item()).toBe(5);
    expect(() => globalNorm({})).toThrow("globalNorm: the tree holds no tensor.");
  });
  test.each([
    [1, [0.6, 0, 0, 0, 0.8]],
    [5, [3, 0, 0, 0, 4]],
    [100, [3, 0, 0, 0, 4]],
  ])("to at most %d", async (maximum, expected) => {
    const [clipped] = clipByGlobalNorm(maximum).update(grads, {}, params);
    const flat = [clipped.body.w, clipped.body.b, clipped.head].map((t) => t.tolist());
    (await Promise.all(flat)).flat(2).forEach((x, i) => {
      expect(x).toBeCloseTo(expected[i], 6);
    });
  });
  test("zero gradients stay zero", async () => {
    const zero = tensor([0, 0]);
    const [clipped] = clipByGlobalNorm(1).update(zero, {}, zero);
    expect(await clipped.tolist()).toEqual([0, 0]);
  });
  test("the largest norm must be positive", () => {
    expect(() => clipByGlobalNorm(0)).toThrow("above 0, got 0");
  });
});

test("a chain of the pieces is the optimiser", async () => {
  const rate = schedules.cosine({ from: 0.1, steps: 4 });
  const whole = adamW({ learningRate: rate, weightDecay: 0.2 });
  const pieces = chain(scaleByAdam(), addDecayedWeights(0.2), scaleByLearningRate(rate));
  const run = async (optimizer: Optimizer) => {
    let p = tensor([1, -2, 3], { dtype: "float64" });
    let state = optimizer.init(p);
    for (let i = 0; i < 3; i++) {
      const [updates, next] = optimizer.update(p.mul(p), state, p);
      [p, state] = [applyUpdates(p, updates), next];
    }
    return p.tolist() as Promise<number[]>;
  };
  const [a, b] = [await run(whole), await run(pieces)];
  a.forEach((x, i) => {
    expect(x).toBeCloseTo(b[i], 13);
  });
});

test("scale takes numbers and schedules", async () => {
  const g = tensor([2]);
  expect(await scale(3).update(g, {}, g)[0].tolist()).toEqual([6]);
  const scheduled = scale((step) => step.add(1));
  let state = scheduled.init(g);
  const seen: unknown[] = [];
  for (let i = 0; i < 3; i++) {
    const [updates, next] = scheduled.update(g, state, g);
    seen.push(await updates.item());
    state = next;
  }
  expect(seen).toEqual([2, 4, 6]);
});

test("momentum sums decaying gradients", async () => {
  const g = tensor([1]);
  const link = momentum(0.5);
  const [, state] = link.update(g, link.init(g), g);
  expect(await link.update(g, state, g)[0].item()).toBe(1.5);
});

describe("masks", () => {
  test("one boolean stands for a subtree, and a function sees paths", () => {
    expect(resolveMask({ body: false, head: true }, params)).toEqual([false, false, true]);
    expect(resolveMask({ body: { w: true, b: false }, head: true }, params)).toEqual([false, true, true]);
    expect(resolveMask(true, params)).toEqual([true, true, true]);
    expect(resolveMask((path, t) => path.startsWith("body") && t.rank > 1, params)).toEqual([false, true, false]);
    expect(resolveMask([true, { a: false }], [tensor(1), { a: tensor(2) }])).toEqual([true, false]);
  });
  test("a parameter without an answer is named", () => {
    expect(() => resolveMask({ body: { w: true }, head: true } as any, params)).toThrow('the parameter "body.b"');
    expect(() => resolveMask({ body: true }, params)).toThrow('the parameter "head"');
  });
  test("what is masked out is frozen and has no state", async () => {
    const optimizer = masked(adam({ learningRate: 0.1 }), { body: false, head: true });
    const state = optimizer.init(params);
    expect(state.first).toHaveLength(1);
    const [updates, next] = optimizer.update(grads, state, params);
    const after = applyUpdates(params, updates);
    expect(await plain(after.body)).toEqual({ w: [[1, 2]], b: [3] });
    expect(await after.head.tolist()).toEqual([4, expect.closeTo(4.9, 6)]);
    expect(await next.step.item()).toBe(1);
  });
});

test("structures that differ are named", () => {
  const optimizer = sgd({ learningRate: 0.1, momentum: 0.9 });
  expect(() => optimizer.update({ a: tensor(1) } as any, optimizer.init(params), params)).toThrow(
    "the trees differ in structure",
  );
});

test("many seeds at once: vmap over init and update equals each alone", async () => {
  const optimizer = chain(
    clipByGlobalNorm(1),
    masked(adamW({ learningRate: schedules.warmupCosine({ peak: 0.1, warmup: 2, steps: 6 }) }), { a: true, b: true }),
    sgd({ learningRate: 0.5, momentum: 0.9 }),
  );
  const loss = (p: any) => sum(p.a.mul(p.a)).add(sum(p.b.mul(p.a.sum())));
  const step = (p: any, state: any) => {
    const [updates, next] = optimizer.update(grad(loss as any)(p) as any, state, p);
    return { p: applyUpdates(p, updates), state: next };
  };
  const alone = jit(step);
  const together = jit((p: any, state: any) => vmap(step)(p, state));
  const starts = [1, 5, -2].map((k) => ({ a: tensor([k, 2]), b: tensor([[k, k, 1]]) }));
  const stacked = {
    a: tensor([
      [1, 2],
      [5, 2],
      [-2, 2],
    ]),
    b: tensor([[[1, 1, 1]], [[5, 5, 1]], [[-2, -2, 1]]]),
  };
  let all: any = { p: stacked, state: vmap(optimizer.init)(stacked) };
  let ones: any[] = starts.map((p) => ({ p, state: optimizer.init(p) }));
  for (let i = 0; i < 3; i++) {
    all = await together(all.p, all.state);
    ones = await Promise.all(ones.map((one) => alone(one.p, one.state)));
  }
  for (const name of ["a", "b"]) {
    const rows = (await all.p[name].tolist()) as any[];
    for (let k = 0; k < 3; k++) {
      const expected = (await ones[k].p[name].tolist()).flat(9);
      rows[k].flat(9).forEach((x: number, i: number) => {
        expect(x).toBeCloseTo(expected[i], 5);
      });
    }
  }
});

test("Adam's bias correction is exact at the first step, whatever the decay", async () => {
  for (const [beta1, beta2] of [
    [0.9, 0.999],
    [0, 0],
    [0, 0.9999999],
  ]) {
    const optimizer = adam({ learningRate: 0.25, beta1, beta2 });
    const p = tensor([1, 1]);
    const [updates] = optimizer.update(tensor([7, -1e-3]), optimizer.init(p), p);
    const [a, b] = (await updates.tolist()) as number[];
    expect(a).toBeCloseTo(-0.25, 5);
    expect(b).toBeCloseTo(0.25, 4);
  }
});
