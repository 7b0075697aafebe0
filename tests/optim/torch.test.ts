import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { jit, type Nested, type Tensor, tensor, treeMap } from "../../src/engine/index.js";
import { adam, adamW, applyUpdates, type Optimizer, schedules, sgd } from "../../src/optim/index.js";

const fixture = JSON.parse(readFileSync(new URL("../fixtures/optim.json", import.meta.url), "utf8")) as {
  start: Nested[];
  grads: Nested[][];
  cases: Record<string, Nested[][]>;
};

const falling = schedules.linear({ from: 0.1, to: 0, steps: 6 });
const optimizers: Record<string, Optimizer> = {
  sgd: sgd({ learningRate: 0.1 }),
  momentum: sgd({ learningRate: 0.1, momentum: 0.9, weightDecay: 0.05 }),
  nesterov: sgd({ learningRate: 0.1, momentum: 0.8, nesterov: true, weightDecay: 0.05 }),
  adam: adam({ learningRate: 0.1 }),
  adamLargeEpsilon: adam({ learningRate: 0.1, beta1: 0.8, beta2: 0.95, epsilon: 0.1 }),
  adamW: adamW({ learningRate: 0.1, beta2: 0.98, weightDecay: 0.3 }),
  adamWOnlyFirst: adamW({ learningRate: 0.1, weightDecay: 0.3, mask: { w: true, b: false } }),
  adamScheduled: adam({ learningRate: falling }),
};

/** The parameters after each of the fixture's gradients, flat. */
async function trajectory(optimizer: Optimizer, dtype: "float32" | "float64"): Promise<number[][]> {
  const tree = ([w, b]: Nested[]) => ({ w: tensor(w, { dtype }), b: tensor(b, { dtype }) });
  type Params = ReturnType<typeof tree>;
  const step = jit(
    (params: Params, state: any, grads: Params) => {
      const [updates, next] = optimizer.update(grads, state, params);
      return { params: applyUpdates(params, updates), state: next };
    },
    { donate: [0, 1] },
  );
  let params = tree(fixture.start);
  let state = optimizer.init(params);
  const path: number[][] = [];
  for (const grads of fixture.grads) {
    ({ params, state } = await step(params, state, tree(grads)));
    path.push([...(await values(params.w)), ...(await values(params.b))]);
  }
  expect(step.compilations).toBe(1);
  return path;
}
const values = async (t: Tensor): Promise<number[]> => Array.from((await t.data()) as Float64Array);

describe.each(Object.keys(fixture.cases))("%s follows PyTorch", (name) => {
  const expected = fixture.cases[name].map((params) => params.flat(9) as number[]);
  test.each([
    ["float64", 12],
    ["float32", 5],
  ] as const)("in %s", async (dtype, digits) => {
    const path = await trajectory(optimizers[name], dtype);
    path.forEach((params, step) => {
      params.forEach((p, i) => {
        expect(p, `step ${step}, value ${i}`).toBeCloseTo(expected[step][i], digits);
      });
    });
  });
});

test("an optimiser works on a single tensor, and keeps its dtype", async () => {
  const optimizer = adamW({ learningRate: 0.1 });
  const params = tensor([1, 2], { dtype: "float64" });
  const [updates, state] = optimizer.update(params, optimizer.init(params), params);
  const next = applyUpdates(params, updates);
  expect(next.dtype).toBe("float64");
  expect(await next.tolist()).toEqual([expect.closeTo(0.899, 7), expect.closeTo(1.898, 7)]);
  expect(treeMap((t) => t.dtype, state)).toEqual({ step: "float32", first: "float64", second: "float64" });
});

test("one tree may hold parameters of two dtypes", async () => {
  const optimizer = adam({ learningRate: falling });
  const params = { a: tensor([1, 2], { dtype: "float64" }), b: tensor([3, 4]) };
  const [updates] = optimizer.update(params, optimizer.init(params), params);
  expect(await updates.a.tolist()).toEqual([expect.closeTo(-0.1, 6), expect.closeTo(-0.1, 6)]);
  expect(await updates.b.tolist()).toEqual([expect.closeTo(-0.1, 6), expect.closeTo(-0.1, 6)]);
});
