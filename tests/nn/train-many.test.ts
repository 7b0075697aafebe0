import { describe, expect, test } from "vitest";
import {
  crossEntropy,
  gather,
  hostRandom,
  jit,
  mean,
  mul,
  random,
  sum,
  type Tensor,
  tensor,
  vmap,
} from "../../src/engine/index.js";
import { initMany, mlp, trainMany, trainManyStep, trainStep, unstack } from "../../src/nn/index.js";
import { adam, chain, clipByGlobalNorm, injectHyperparams, sgd } from "../../src/optim/index.js";
import { assertClose, onEachBackend, values } from "../engine/helpers.js";

const host = hostRandom(5);
const n = 24;
const points = Array.from({ length: n }, () => [host.normal(), host.normal()]);
const x = tensor(points);
const y = tensor(
  points.map(([a, b]) => Number(a * b > 0)),
  { dtype: "int32" },
);
const data = { x, y };
type Data = typeof data;
const model = mlp({ sizes: [2, 4, 2], activation: "tanh" });
type Params = ReturnType<typeof model.init>;
const loss = (p: Params, { x, y }: Data, rows: Tensor) =>
  mean(crossEntropy(model.apply(p, gather(x, rows)), gather(y, rows)));

/** For each step, rows [models, size] of the data set, the models' own. */
const rowsFor = (models: number, size: number, steps: number) =>
  Array.from({ length: steps }, () => ({
    data: Int32Array.from({ length: models * size }, () => host.integer(n)),
    shape: [models, size],
    dtype: "int32" as const,
  }));
const rowOf = ({ data, shape: [, size] }: { data: Int32Array; shape: number[] }, i: number) =>
  tensor(data.slice(i * size, (i + 1) * size));

onEachBackend("many models at once", () => {
  test("each is what it would be alone", async () => {
    const optimizer = chain(clipByGlobalNorm(1), adam({ learningRate: 0.05 }));
    const params = initMany(model, random.split(random.key(2), 3));
    const batches = rowsFor(3, 6, 4);
    const many = await trainMany({ loss, optimizer, params, data, batches }).run();
    const step = trainStep(loss, optimizer, { donate: false });
    for (let i = 0; i < 3; i++) {
      let now: any = { params: unstack(params, i), state: optimizer.init(unstack(params, i)) };
      for (const [t, batch] of batches.entries()) {
        now = await step(now.params, now.state, data, rowOf(batch, i));
        expect(many.losses[t][i]).toBeCloseTo(await now.loss.item(), 5);
      }
      assertClose(
        (await values([unstack(many.params, i), unstack(many.state, i)])).flat(),
        (await values([now.params, now.state])).flat(),
        1e-5,
        `model ${i}`,
      );
    }
  });
});

onEachBackend("several steps in one call", () => {
  test("end where single steps end, and lose what those lost", async () => {
    const optimizer = chain(clipByGlobalNorm(1), adam({ learningRate: 0.05 }));
    const params = initMany(model, random.split(random.key(2), 3));
    const batches = rowsFor(3, 6, 7);
    const options = { loss, optimizer, params, data, batches };
    const single = await trainMany(options).run();
    const steps: number[] = [];
    const grouped = await trainMany({ ...options, stepsPerCall: 3 }).run(({ step, losses }) => {
      steps.push(step);
      expect(losses.length).toBe(3);
    });
    expect(steps).toEqual([3, 6, 7]);
    assertClose(
      grouped.losses.flatMap((l) => Array.from(l)),
      single.losses.flatMap((l) => Array.from(l)),
      1e-5,
      "losses",
    );
    assertClose((await values([grouped.params])).flat(), (await values([single.params])).flat(), 1e-5, "parameters");
  });

  test("takes batches that are tensors, and trees of them", async () => {
    const params = initMany(model, random.split(random.key(3), 2));
    const optimizer = sgd({ learningRate: 0.1 });
    const rows = rowsFor(2, 6, 4);
    const trees = rows.map((r) => ({ rows: tensor(r), unused: new Float32Array(2) }));
    const inTree = (p: Params, d: Data, batch: { rows: Tensor }) => loss(p, d, batch.rows);
    const a = await trainMany({ loss, optimizer, params, data, batches: rows }).run();
    const b = await trainMany({ loss: inTree, optimizer, params, data, batches: trees as any, stepsPerCall: 2 }).run();
    assertClose((await values([b.params])).flat(), (await values([a.params])).flat(), 1e-5, "parameters");
  });
});

test("several steps in one call: what is refused", async () => {
  const params = initMany(model, random.split(random.key(3), 2));
  const optimizer = sgd({ learningRate: 0.1 });
  const options = { loss, optimizer, params, data };
  const batches = [...rowsFor(2, 6, 1), ...rowsFor(2, 5, 1)];
  await expect(trainMany({ ...options, batches, stepsPerCall: 2 }).run()).rejects.toThrow(
    "trainMany: the batches of one call must be of one shape, got int32[2,6] and int32[2,5].",
  );
  await expect(trainMany({ ...options, batches, stepsPerCall: 0 }).run()).rejects.toThrow(
    "trainMany: stepsPerCall must be a whole number of at least 1, got 0.",
  );
});

test("a thousand tiny models on masks of one data set, as one by one", async () => {
  const models = 1000;
  const optimizer = sgd({ learningRate: 0.5, momentum: 0.9 });
  const start = { w: tensor(new Float64Array(models * 2), { shape: [models, 2] }) };
  const inputs = tensor(points, { dtype: "float64" });
  const targets = tensor(
    points.map(([a, b]) => a - 2 * b),
    { dtype: "float64" },
  );
  const squares = (p: { w: Tensor }, d: { inputs: Tensor; targets: Tensor }, mask: Tensor) => {
    const error = d.inputs.matmul(p.w).sub(d.targets);
    return sum(mul(mul(error, error), mask)).div(n);
  };
  const masks = tensor(
    Float64Array.from({ length: models * n }, () => host.integer(2)),
    { shape: [models, n] },
  );
  const steps = 5;
  const many = await trainMany({
    loss: squares,
    optimizer,
    params: start,
    data: { inputs, targets },
    batches: Array.from({ length: steps }, () => masks),
  }).run();
  const found = (await many.params.w.data()) as Float64Array;
  const mask = (await masks.data()) as Float64Array;
  // The same by hand.
  for (let i = 0; i < models; i++) {
    const w = [0, 0];
    const v = [0, 0];
    for (let t = 0; t < steps; t++) {
      const g = [0, 0];
      let value = 0;
      points.forEach((p, k) => {
        const error = (w[0] * p[0] + w[1] * p[1] - (p[0] - 2 * p[1])) * mask[i * n + k];
        value += (error * error) / n;
        g[0] += (2 * error * p[0]) / n;
        g[1] += (2 * error * p[1]) / n;
      });
      if (Math.abs(many.losses[t][i] - value) > 1e-9) throw new Error(`loss of model ${i} at step ${t}`);
      for (const k of [0, 1]) w[k] -= 0.5 * (v[k] = 0.9 * v[k] + g[k]);
    }
    assertClose([...found.subarray(2 * i, 2 * i + 2)], w, 1e-10, `model ${i}`);
  }
});

describe("trainMany", () => {
  const optimizer = sgd({ learningRate: 0.1 });
  const square = (p: Tensor, data: { shift: Tensor }, batch: Tensor) => sum(p.sub(batch).sub(data.shift).pow(2));
  const options = {
    loss: square,
    optimizer,
    params: tensor([[1], [2]]),
    data: { shift: tensor(0) },
    batches: [tensor([0, 0]), tensor([0, 0]), tensor([0, 0])],
  };
  test("leaves the caller's parameters usable, and yields each step", async () => {
    const losses: number[][] = [];
    for await (const { step, losses: now } of trainMany(options)) {
      losses.push([...now]);
      expect(step).toBe(losses.length);
    }
    expect(losses).toHaveLength(3);
    expect(losses[0]).toEqual([1, 4]);
    expect(await options.params.tolist()).toEqual([[1], [2]]);
  });
  test("a model that diverges does not disturb the others", async () => {
    const { losses } = await trainMany({ ...options, params: tensor([[1], [Number.NaN]]) }).run();
    expect(losses[2][0]).toBeLessThan(1);
    expect(losses[2][1]).toBeNaN();
  });
  test("hyperparameters of their own", async () => {
    const each = injectHyperparams(({ rate }) => sgd({ learningRate: rate }), { rate: 0 });
    const state = { ...vmap(each.init)(options.params), hyperparams: { rate: tensor([0.5, 0.25]) } };
    const { params } = await trainMany({
      ...options,
      optimizer: each,
      state,
      batches: options.batches.slice(1, 2),
    }).run();
    expect(await params.tolist()).toEqual([[0], [1]]);
  });
  test("stops when the signal says so", async () => {
    const control = new AbortController();
    control.abort(new Error("enough"));
    await expect(trainMany({ ...options, signal: control.signal }).run()).rejects.toThrow("enough");
  });
  test("the number of models must agree", async () => {
    const batches = [tensor([0, 0, 0])];
    await expect(trainMany({ ...options, batches }).run()).rejects.toThrow("has 3 examples on axis 0, others have 2");
  });
});

test("one compiled step for all", async () => {
  const optimizer = adam({ learningRate: 0.1 });
  const step = trainManyStep(loss, optimizer, { donate: false });
  const params = initMany(model, random.split(random.key(1), 2));
  let now: any = { params, state: vmap(optimizer.init)(params) };
  for (const batch of rowsFor(2, 5, 3)) now = await step(now.params, now.state, data, batch as any);
  expect(step.compilations).toBe(1);
});

test("initMany and unstack undo each other", async () => {
  const keys = random.split(random.key(4), 3);
  const stacked = initMany(model, keys);
  expect(stacked.layers[0].w.shape).toEqual([3, 2, 4]);
  const one = jit((k: Tensor) => model.init(k));
  const alone = await one(random.splitList(random.key(4), 3)[1]);
  expect(await values(unstack(stacked, 1))).toEqual(await values(alone));
  expect(() => unstack(stacked, 3)).toThrow("unstack: there is no model 3 among 3.");
});
