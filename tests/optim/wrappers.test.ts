import { describe, expect, test } from "vitest";
import { jit, less, random, type Tensor, tensor, vmap } from "../../src/engine/index.js";
import { meanSquaredError, trainStep } from "../../src/nn/index.js";
import {
  accumulate,
  adam,
  addNoise,
  allFinite,
  applyIf,
  applyUpdates,
  averaged,
  chain,
  ema,
  freeze,
  globalNorm,
  injectHyperparams,
  lookahead,
  noisySgd,
  type Optimizer,
  partition,
  scale,
  schedules,
  sgd,
  swa,
} from "../../src/optim/index.js";
import { numbers, values } from "../engine/helpers.js";

const params = { body: { w: tensor([[1, 2]]), b: tensor([3]) }, head: tensor([4, 5]) };
const grads = { body: { w: tensor([[3, 0]]), b: tensor([-1]) }, head: tensor([0, 4]) };

/** The updates of a scalar parameter for one gradient after another, and the last state. */
async function updatesFor(optimizer: Optimizer, gradients: readonly number[], start = 0) {
  let p = tensor([start], { dtype: "float64" });
  let state = optimizer.init(p);
  const out: number[] = [];
  for (const g of gradients) {
    const [updates, next] = optimizer.update(tensor([g], { dtype: "float64" }), state, p);
    state = next;
    out.push(...(await numbers(updates)));
    p = applyUpdates(p, updates);
  }
  return { updates: out, state };
}

describe("accumulate", () => {
  test("steps on the mean of the gradients, and schedules count steps", async () => {
    const rate = (step: Tensor) => step.add(1);
    const { updates } = await updatesFor(accumulate(sgd({ learningRate: rate }), 2), [1, 3, 10, 20, 7]);
    expect(updates).toEqual([0, -2, 0, -30, 0]);
  });
  test("one call for a step is the optimiser itself", async () => {
    const [a, b] = await Promise.all(
      [accumulate(adam({ learningRate: 0.1 }), 1), adam({ learningRate: 0.1 })].map((o) => updatesFor(o, [1, -3, 2])),
    );
    expect(a.updates).toEqual(b.updates);
  });
  test("needs a whole number of calls", () => {
    expect(() => accumulate(sgd({ learningRate: 1 }), 1.5)).toThrow("accumulate: the number of calls for a step");
  });
});

describe("applyIf", () => {
  test("a step that is left out changes neither parameters nor state", async () => {
    const optimizer = applyIf(sgd({ learningRate: 1, momentum: 0.5 }), (_step, g) => less(globalNorm(g), 5));
    const { updates, state } = await updatesFor(optimizer, [2, 100, 2]);
    expect(updates).toEqual([-2, 0, -3]);
    expect(await state.skipped.item()).toBe(1);
  });
  test("sees the number of the call", async () => {
    const optimizer = applyIf(sgd({ learningRate: 1 }), (step) => less(step, 2));
    expect((await updatesFor(optimizer, [1, 1, 1, 1])).updates).toEqual([-1, -1, 0, 0].map((x) => x + 0));
  });
  test("finite is neither NaN nor infinite", async () => {
    const finite = (x: number) => allFinite({ a: tensor([1, 2]), b: tensor([x], { dtype: "float64" }) }).item();
    expect(await Promise.all([0, -1e300, Number.NaN, Number.POSITIVE_INFINITY, -1 / 0].map(finite))).toEqual([
      1, 1, 0, 0, 0,
    ]);
  });
});

describe("partition", () => {
  const one = scale(1);
  const ten = scale(10);
  const expected = [[30, 0].map(Number), [-10], [0, 4]];
  const run = async (optimizer: Optimizer) => {
    const [{ body, head }] = optimizer.update(grads, optimizer.init(params), params);
    return values([body.w, body.b, head]);
  };
  test("by the parameters' own keys, by a tree of names, by a function", async () => {
    expect(await run(partition({ body: ten, head: one }))).toEqual(expected);
    expect(await run(partition({ many: ten, few: one }, { body: "many", head: "few" }))).toEqual(expected);
    expect(await run(partition({ one, ten }, { body: { w: "ten", b: "ten" }, head: "one" }))).toEqual(expected);
    expect(await run(partition({ one, ten }, (path) => (path.startsWith("body") ? "ten" : "one")))).toEqual(expected);
    expect(await run(partition({ ten }, "ten"))).toEqual([[30, 0], [-10], [0, 40]]);
  });
  test("a part that stays has no state", async () => {
    const optimizer = partition({ body: freeze(), head: adam({ learningRate: 0.1 }) });
    expect(await run(optimizer)).toEqual([[0, 0], [0], [-0, expect.closeTo(-0.1, 6)]]);
    expect(optimizer.init(params).body).toEqual({});
  });
  test("names the parameter that has no optimiser", () => {
    expect(() => partition({ body: one }).init(params)).toThrow(
      'partition: the parameter "head" asks for the optimiser "head", but there is only "body"',
    );
    expect(() => partition({ one, ten }, { body: "ten", head: "onne" } as any).init(params)).toThrow(
      'the parameter "head" asks for the optimiser "onne", but there are only "one" and "ten"; did you mean "one"?',
    );
    expect(() => partition({ one }, { body: { w: "one" }, head: "one" } as any).init(params)).toThrow(
      'partition: there is no label for the parameter "body.b".',
    );
  });
});

test("freeze stops the updates of what is masked", async () => {
  const optimizer = chain(sgd({ learningRate: 1 }), freeze({ body: { w: true, b: false }, head: false }));
  const [{ body, head }] = optimizer.update(grads, optimizer.init(params), params);
  expect(await values([body.w, body.b, head])).toEqual([[0, 0], [1], [-0, -4]]);
});

describe("averages of parameters", () => {
  const path = [1, 5, 2, 8, 3, 7];
  const follow = async (average: ReturnType<typeof swa>, points = path) => {
    let state = average.init({ p: tensor([10], { dtype: "float64" }) });
    for (const x of points) state = average.update(state, { p: tensor([x], { dtype: "float64" }) });
    return average.value(state).p.item();
  };
  test("swa: the mean of what it takes in", async () => {
    expect(await follow(swa())).toBeCloseTo(26 / 6, 12);
    expect(await follow(swa({ start: 2 }))).toBeCloseTo(20 / 4, 12);
    expect(await follow(swa({ start: 1, every: 2 }))).toBeCloseTo(20 / 3, 12);
    expect(await follow(swa({ start: 50 }))).toBe(10);
  });
  test("ema: from the first parameters, or without bias", async () => {
    expect(await follow(ema({ decay: 0.5 }), [2, 4])).toBe(5);
    expect(await follow(ema({ decay: 0.5, debias: true }), [2, 4])).toBeCloseTo((0.5 * 4 + 0.25 * 2) / 0.75, 12);
    expect(await follow(ema({ decay: 0.99, debias: true }), [3, 3, 3])).toBeCloseTo(3, 12);
    expect(await follow(ema({ decay: 0, debias: true }), [3, 4])).toBe(4);
  });
  test("errors", () => {
    expect(() => ema({ decay: 1 })).toThrow("ema: the decay must be from 0 to below 1, got 1.");
    expect(() => swa({ every: 0 })).toThrow("swa: `every` must be a whole number of at least 1, got 0.");
    expect(() => lookahead(sgd({ learningRate: 1 }), { every: 0 })).toThrow("lookahead: `every`");
  });
});

describe("hyperparameters in the state", () => {
  const optimizer = injectHyperparams(({ rate }) => sgd({ learningRate: rate }), { rate: 0.5 });
  test("change without compiling", async () => {
    const step = trainStep((p: Tensor) => meanSquaredError(p, tensor([0])), optimizer, { donate: false });
    const p = tensor([1]);
    let { state, params: next } = await step(p, optimizer.init(p));
    expect(await next.tolist()).toEqual([0]);
    state = { ...state, hyperparams: { rate: tensor(0.25) } };
    ({ params: next } = await step(p, state));
    expect(await next.tolist()).toEqual([0.5]);
    expect(step.compilations).toBe(1);
  });
  test("one rate for each model under vmap", async () => {
    const p = tensor([[1], [1], [1]]);
    const state = { ...vmap(optimizer.init)(p), hyperparams: { rate: tensor([1, 2, 3]) } };
    const [updates] = vmap((g: Tensor, s: any, q: Tensor) => optimizer.update(g, s, q))(p, state, p);
    expect(await updates.tolist()).toEqual([[-1], [-2], [-3]]);
  });
});

test("a scalar tensor is a learning rate, also for parameters of another dtype", async () => {
  const rate = tensor(0.5);
  const p = { a: tensor([1], { dtype: "float64" }), b: tensor([2]) };
  for (const optimizer of [sgd({ learningRate: rate }), accumulate(sgd({ learningRate: rate }), 1)]) {
    const [{ a, b }] = optimizer.update(p, optimizer.init(p), p);
    expect(await values([a, b])).toEqual([[-0.5], [-1]]);
  }
  const whole = adam({ learningRate: rate });
  const [{ a }] = whole.update(p, whole.init(p), p);
  expect(await a.item()).toBeCloseTo(-0.5, 6);
});

describe("noisy gradients", () => {
  const noisy = addNoise({ key: random.key(3), variance: 0.25, decay: 0.5 });
  const big = { a: tensor(new Float32Array(4001)) };
  test("have the variance of their step, anew at each step", async () => {
    const step = jit((s: any) => noisy.update(big, s, big), { donate: [0] });
    let state = noisy.init(big);
    const seen: number[][] = [];
    for (let t = 0; t < 3; t++) {
      const [updates, next] = await step(state);
      state = next;
      for (const noise of await values(updates)) {
        const variance = noise.reduce((s, x) => s + x * x, 0) / noise.length;
        // Five standard deviations.
        expect(Math.abs(variance / (0.25 / Math.sqrt(t + 1)) - 1)).toBeLessThan(5 * Math.sqrt(2 / 4001));
        seen.push(noise.slice(0, 3));
      }
    }
    expect(new Set(seen.map(String)).size).toBe(seen.length);
  });
});

test("noise needs a variance, and a donated key comes back", async () => {
  expect(() => addNoise({ key: random.key(1), variance: -1 })).toThrow("the variance must be at least 0, got -1");
  const optimizer = noisySgd({ key: random.key(1), learningRate: 0.1 });
  const step = trainStep((p: Tensor) => p.mul(p).sum(), optimizer);
  let p = tensor([1, 2]);
  let state = optimizer.init(p);
  for (let i = 0; i < 3; i++) ({ params: p, state } = (await step(p, state)) as any);
  expect((await numbers(p)).every(Number.isFinite)).toBe(true);
});

test("wrapped optimisers go through trainStep and vmap", async () => {
  const wrapped = chain(
    averaged(
      lookahead(accumulate(adam({ learningRate: schedules.wsd({ peak: 0.1, warmup: 1, steps: 6, decay: 2 }) }), 2)),
      ema({ decay: 0.9 }),
    ),
  );
  const loss = (p: { a: Tensor; b: Tensor }) => p.a.mul(p.a).sum().add(p.b.mul(p.a.sum()).sum());
  const step = trainStep(loss, wrapped);
  const starts = [1, -2].map((k) => ({ a: tensor([k, 2]), b: tensor([[k]]) }));
  const alone: number[][][] = [];
  for (const start of starts) {
    let now: any = { params: start, state: wrapped.init(start) };
    for (let i = 0; i < 5; i++) now = await step(now.params, now.state);
    alone.push(await values([now.params, now.state]));
  }
  const stacked = {
    a: tensor([
      [1, 2],
      [-2, 2],
    ]),
    b: tensor([[[1]], [[-2]]]),
  };
  const together = jit((p: any, s: any) =>
    vmap((q: any, t: any) => {
      const g = { a: q.a.mul(2).add(q.b.sum()), b: q.a.sum().reshape(1, 1) };
      const [updates, next] = wrapped.update(g, t, q);
      return { params: applyUpdates(q, updates), state: next };
    })(p, s),
  );
  let all: any = { params: stacked, state: vmap(wrapped.init)(stacked) };
  for (let i = 0; i < 5; i++) all = await together(all.params, all.state);
  const many = await values([all.params, all.state]);
  many.forEach((leaf, l) => {
    const size = leaf.length / 2;
    for (const k of [0, 1]) {
      leaf.slice(k * size, (k + 1) * size).forEach((x, i) => {
        expect(x).toBeCloseTo(alone[k][l][i], 5);
      });
    }
  });
});
