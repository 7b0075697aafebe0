import { describe, expect, test } from "vitest";
import { grad, hvp, jit, random, sum, type Tensor, tensor, treeLeaves, treeMap, vmap } from "../../src/engine/index.js";
import {
  gru,
  gruCell,
  type HiddenState,
  lstm,
  lstmCell,
  type Recurrent,
  type RecurrentParams,
  rnn,
} from "../../src/nn/index.js";
import { onEachBackend } from "../engine/helpers.js";
import { allClose, golden, ints } from "./golden.js";

const fixture = golden("nn-models").recurrent;
const wide = { dtype: "float64" } as const;
const models: Record<string, Recurrent<any>> = {
  tanh: rnn(3, 4, wide),
  relu: rnn(3, 4, { layers: 2, activation: "relu", ...wide }),
  gru: gru(3, 4, { layers: 2, ...wide }),
  lstm: lstm(3, 4, { layers: 2, ...wide }),
  gruBoth: gru(3, 4, { direction: "both", ...wide }),
  lstmBoth: lstm(3, 4, { layers: 2, direction: "both", ...wide }),
};
const key = random.key(4);

onEachBackend("recurrent networks", (backend) => {
  test.each(backend === "node" ? Object.keys(models) : ["gru", "lstmBoth"])(
    "%s gives PyTorch's values and gradients",
    async (name) => {
      const { x, params, y, last, dx, grads, state, lengths } = fixture[name];
      const options = { state, lengths: lengths && ints(lengths) };
      const run = jit((p: RecurrentParams, input: Tensor) => {
        const loss = (q: RecurrentParams, t: Tensor) => {
          const [out, end] = models[name].apply(q, t, options);
          return treeLeaves(end).reduce((total, s) => total.add(sum(s.mul(s).mul(s))), sum(out.mul(out)));
        };
        const [out, end] = models[name].apply(p, input, options);
        const [gp, gx] = grad(loss, { argnums: [0, 1] })(p, input);
        return { y: out, last: end, dx: gx, grads: gp };
      });
      await allClose(await run(params, x), { y, last, dx, grads });
    },
  );
});

describe("lengths", () => {
  const model = gru(2, 3, wide);
  const params = model.init(key);
  const x = random.normal(key, [2, 4, 2], wide);
  const lengths = tensor([2, 4], { dtype: "int32" });
  test("leave the state where it is after the end, and outputs 0", async () => {
    const [y, [[{ h }]]] = model.apply(params, x, { lengths });
    const [short, [[{ h: end }]]] = model.apply(params, x.slice([0, 0], [1, 2]));
    await allClose([y.slice([0, 0], [1, 2]), h.slice([0], [1])], [short, end], 1e-12);
    expect(await sum(y.slice([0, 2], [1, 4])).item()).toBe(0);
  });
  test("what stands beyond the end changes nothing", async () => {
    const other = random.normal(random.key(9), [2, 4, 2], wide);
    const padded = x.slice([0], [1]);
    const changed = [padded.slice([0, 0], [1, 2]), other.slice([0, 2], [1, 4])] as const;
    const short = tensor([2], { dtype: "int32" });
    const joined = changed[0].reshape(2, 2);
    const together = tensor(
      [[...((await joined.tolist()) as number[][]), ...((await changed[1].reshape(2, 2).tolist()) as number[][])]],
      wide,
    );
    await allClose(
      model.apply(params, together, { lengths: short }),
      model.apply(params, padded, { lengths: short }),
      1e-12,
    );
  });
});

test("in reverse is forward over the sequence turned around", async () => {
  const [there, back] = [lstm(2, 3, wide), lstm(2, 3, { direction: "reverse", ...wide })];
  const params = there.init(key);
  const x = random.normal(key, [2, 4, 2], wide);
  const turned = (t: Tensor) => t.transpose([1, 0, 2]);
  const flip = async (t: Tensor) =>
    tensor(((await turned(t).tolist()) as number[][][]).reverse(), wide).transpose([1, 0, 2]);
  const [y, state] = back.apply(params, x);
  const [z, end] = there.apply(params, await flip(x));
  await allClose([y, state], [await flip(z), end], 1e-12);
});

test("in two parts, with the state handed on, as in one", async () => {
  const model = lstm(2, 3, { layers: 2, ...wide });
  const params = model.init(key);
  const x = random.normal(key, [2, 5, 2], wide);
  const [, middle] = model.apply(params, x.slice([0, 0], [2, 3]));
  const [late, end] = model.apply(params, x.slice([0, 3], [2, 5]), { state: middle });
  const [all, whole] = model.apply(params, x);
  await allClose([late, end], [all.slice([0, 3], [2, 5]), whole], 1e-12);
});

test("a GRU whose update gate is open keeps its state", async () => {
  const cell = gruCell(1, 2);
  const params = cell.init(key);
  const held = tensor([[0.25, -0.5]]);
  const open = { ...params, input: { ...params.input, b: tensor([0, 0, 100, 100, 0, 0]) } };
  const { h } = cell.step(open, cell.project(open, tensor([[1]])), { h: held });
  expect(await h.tolist()).toEqual([[expect.closeTo(0.25, 6), expect.closeTo(-0.5, 6)]]);
});

test("an LSTM cell with open gates adds up its inputs", async () => {
  const cell = lstmCell(1, 1);
  const zero = tensor([[0, 0, 0, 0]]);
  const params = { input: { w: tensor([[0, 0, 1, 0]]), b: tensor([100, 100, 0, 100]) }, hidden: { w: zero } };
  let state = cell.initState(1);
  for (const v of [0.5, 0.25]) state = cell.step(params, cell.project(params, tensor([[v]])), state);
  expect(await state.c.item()).toBeCloseTo(Math.tanh(0.5) + Math.tanh(0.25), 6);
});

describe("transforms", () => {
  const model = gru(2, 3, wide);
  const params = model.init(key);
  const loss = (p: RecurrentParams, x: Tensor, lengths?: Tensor) => {
    const [y, [[{ h }]]] = model.apply(p, x, { lengths });
    return sum(y.mul(y)).add(sum(h));
  };
  test("per-example gradients by vmap are those of each example alone", async () => {
    const x = random.normal(key, [2, 1, 4, 2], wide);
    const lengths = tensor([[2], [4]], { dtype: "int32" });
    const many = vmap(grad(loss), { inAxes: [null, 0, 0] })(params, x, lengths);
    const alone = [0, 1].map((i) =>
      grad(loss)(params, x.slice([i], [i + 1]).reshape(1, 4, 2), lengths.slice([i], [i + 1]).reshape(1)),
    );
    const part = (i: number) => treeMap((t: Tensor) => t.slice([i], [i + 1]).reshape(t.shape.slice(1)), many);
    await allClose([part(0), part(1)], alone, 1e-12);
  });
  test("a Hessian-vector product is the difference of gradients", async () => {
    const x = random.normal(key, [2, 3, 2], wide);
    const at = (p: RecurrentParams) => loss(p, x);
    const direction = model.init(random.key(5));
    const moved = (by: number) =>
      grad(at)(treeMap((p: Tensor, v: Tensor) => p.add(v.mul(by)), params, direction) as RecurrentParams);
    const difference = treeMap((a: Tensor, b: Tensor) => a.sub(b).mul(5e4), moved(1e-5), moved(-1e-5));
    await allClose(hvp(at, params, direction), difference, 1e-7);
  });
});

describe("dropout between layers", () => {
  const model = rnn(2, 4, { layers: 2, dropout: 0.5 });
  const params = model.init(key);
  const x = random.normal(key, [3, 4, 2]);
  const at = async (k?: random.Key) => (await model.apply(params, x, { key: k })[0].data()).toString();
  test("is random by key, and off without one", async () => {
    const plain = rnn(2, 4, { layers: 2 });
    expect(await at()).toBe((await plain.apply(params, x)[0].data()).toString());
    expect(await at(random.key(1))).toBe(await at(random.key(1)));
    expect(await at(random.key(1))).not.toBe(await at(random.key(2)));
  });
});

test("errors", () => {
  const model: Recurrent<HiddenState> = rnn(2, 3);
  const params = model.init(key);
  expect(() => rnn(2, 3, { layers: 0 })).toThrow("recurrent: needs at least one layer, got 0.");
  expect(() => model.apply(params, tensor([[1, 2]]))).toThrow("recurrent: the model takes [B, T, 2], got [1, 2]");
  expect(() => model.apply(params, tensor([[[1, 2]]]), { lengths: tensor([1, 1], { dtype: "int32" }) })).toThrow(
    "recurrent: lengths [2] are not one for each of 1 sequences",
  );
});
