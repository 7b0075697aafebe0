import {
  add,
  crossEntropy,
  jit,
  matmul,
  mean,
  random,
  relu,
  type Tensor,
  treeMap,
  valueAndGrad,
} from "../../src/engine/index.js";

// What Node and the browser both run; the test compares the results.

/** Random numbers of every kind, as plain lists. */
export async function randomNumbers(seed: number): Promise<Record<string, number[]>> {
  const k = random.key(seed);
  const draws: Record<string, Tensor> = {
    bits: random.bits(k, [257]),
    uniform: random.uniform(k, [257]),
    uniform64: random.uniform(k, [257], { dtype: "float64" }),
    normal: random.normal(k, [257]),
    integers: random.integers(k, [257], -10, 10),
    permutation: random.permutation(k, 100),
    split: random.split(k, 5),
    foldIn: random.foldIn(k, 7),
  };
  const out: Record<string, number[]> = {};
  for (const [name, t] of Object.entries(draws)) out[name] = Array.from((await t.data()) as Float64Array, Number);
  return out;
}

/** Losses of a small MLP trained on random classes, one for each step. */
export async function trainingLosses(seed: number, steps: number): Promise<number[]> {
  const [k1, k2, k3, k4] = random.splitList(random.key(seed), 4);
  const x = random.normal(k1, [64, 10]);
  const y = random.integers(k2, [64], 0, 4);
  let params = {
    w1: random.normal(k3, [10, 32]).mul(0.4),
    b1: random.uniform(k3, [32], { low: -0.1, high: 0.1 }),
    w2: random.normal(k4, [32, 4]).mul(0.3),
    b2: random.uniform(k4, [4], { low: -0.1, high: 0.1 }),
  };
  type Params = typeof params;
  const step = jit(
    (p: Params, rate: Tensor) => {
      const loss = (q: Params) => mean(crossEntropy(add(matmul(relu(add(matmul(x, q.w1), q.b1)), q.w2), q.b2), y));
      const [l, g] = valueAndGrad(loss)(p);
      return [treeMap((v: Tensor, d: Tensor) => v.sub(d.mul(rate)), p, g) as Params, l] as const;
    },
    { donate: [0] },
  );
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    const [next, loss] = await step(params, 0.5);
    params = next;
    losses.push(await loss.item());
  }
  return losses;
}
