import { describe, expect, test } from "vitest";
import { grad, hostRandom, jit, logSoftmax, mean, mul, type Tensor, tensor } from "../../src/engine/index.js";
import { adam, applyUpdates, type Optimizer, sgd } from "../../src/optim/index.js";
import { assertClose, checkGradients, fill, onEachBackend, values } from "../engine/helpers.js";

/**
 * Learning what to train on: `steps` steps of training are part of the graph, so that the loss of the trained
 * parameters has gradients with respect to whatever they were trained with.
 */
function train<P>(loss: (params: P) => Tensor, start: P, steps: number, optimizerAt: (step: number) => Optimizer): P {
  let params = start;
  let state = optimizerAt(0).init(start);
  for (let t = 0; t < steps; t++) {
    const [updates, next] = optimizerAt(t).update(grad((p: P) => loss(p))(params) as P, state, params);
    params = applyUpdates(params, updates);
    state = next;
  }
  return params;
}

const softCrossEntropy = (logits: Tensor, targets: Tensor) => mean(mul(logSoftmax(logits), targets).sum(-1)).neg();
const at = (rates: Tensor, t: number) => rates.slice([t], [t + 1]).reshape();

const [n, d, classes] = [4, 3, 3];
const start = { w: fill({ shape: [d, classes], range: [-0.5, 0.5] }, 1), b: fill({ shape: [classes] }, 2) };
const held = { x: fill({ shape: [5, d] }, 3), y: fill({ shape: [5, classes], range: [0, 1] }, 4) };

/** The held-out loss of a softmax regression trained on `x` and soft labels `y`, with a learning rate for each step. */
const trainedOn =
  (steps: number, optimizer: (rate: Tensor) => Optimizer) =>
  (x: Tensor, y: Tensor, rates: Tensor): Tensor => {
    const logits = (p: typeof start, inputs: Tensor) => inputs.matmul(p.w).add(p.b);
    const trained = train(
      (p: typeof start) => softCrossEntropy(logits(p, x), y),
      start,
      steps,
      (t) => optimizer(at(rates, t)),
    );
    return softCrossEntropy(logits(trained, held.x), held.y);
  };

describe("gradients through training, against finite differences", () => {
  const x = fill({ shape: [n, d] }, 5);
  const y = fill({ shape: [n, classes], range: [0, 1] }, 6);
  test.each([
    ["plain descent", 40, (rate: Tensor) => sgd({ learningRate: rate })],
    ["Nesterov momentum", 20, (rate: Tensor) => sgd({ learningRate: rate, momentum: 0.8, nesterov: true })],
    ["Adam", 20, (rate: Tensor) => adam({ learningRate: rate, beta2: 0.9, epsilonRoot: 1e-2 })],
  ] as const)("%s", async (_name, steps, optimizer) => {
    const rates = fill({ shape: [steps], range: [0.05, 0.2] }, 7);
    await checkGradients(trainedOn(steps, optimizer), [x, y, rates], { order: 1, tolerance: 1e-7 });
  });
});

test("Adam's slopes are finite where a gradient has always been zero", async () => {
  const slope = (epsilonRoot: number) =>
    grad((scale: Tensor) => {
      // The second parameter's gradient is exactly zero.
      const loss = (p: Tensor) =>
        p
          .sub(scale)
          .pow(2)
          .mul(tensor([1, 0]))
          .sum();
      return train(loss, tensor([0, 0]), 3, () => adam({ learningRate: 0.1, epsilonRoot })).sum();
    })(tensor([2, 2])).tolist() as Promise<number[]>;
  expect((await slope(1e-8)).every(Number.isFinite)).toBe(true);
  expect((await slope(0))[1]).toBeNaN();
});

onEachBackend("descent on least squares", (backend) => {
  // Compiling takes longest on WASM.
  const steps = backend === "node" ? 80 : 20;
  const rate = 0.15;
  // w_T = sum over k < T of (I - r H)^k r X'y / n with H = X'X / n, and the loss is |V w_T - u|^2 / 2.
  const loss = (x: Tensor, y: Tensor, v: Tensor, u: Tensor, r: Tensor) => {
    const squares = (p: Tensor) => mean(x.matmul(p).sub(y).pow(2)).mul(0.5);
    const w = train(squares, tensor([0, 0], { dtype: "float64" }), steps, () => sgd({ learningRate: r }));
    return v.matmul(w).sub(u).pow(2).sum().mul(0.5);
  };
  const gradients = jit((...args: Parameters<typeof loss>) => grad(loss, { argnums: [1, 4] })(...args) as Tensor[]);

  test("are compiled once, and have the gradients of the closed form on every data set", async () => {
    for (const seed of [1, 2, 3]) {
      const random = hostRandom(seed);
      const rows = (count: number) => Array.from({ length: count }, () => [random.normal(), random.normal()]);
      const numbers = (count: number) => Array.from({ length: count }, () => random.normal());
      const [x, y, v, u] = [rows(6), numbers(6), rows(3), numbers(3)];
      const [a, b, c] = [0, 1, 2].map((k) =>
        x.reduce((s, row) => s + (k === 0 ? row[0] ** 2 : k === 1 ? row[0] * row[1] : row[1] ** 2) / 6, 0),
      );
      const shrink = ([p, q]: number[]) => [p - rate * (a * p + b * q), q - rate * (b * p + c * q)];
      const total = (vector: number[]) => {
        let [power, sum] = [vector, [0, 0]];
        for (let k = 0; k < steps; k++) {
          sum = sum.map((s, i) => s + power[i]);
          power = shrink(power);
        }
        return sum;
      };
      const right = [0, 1].map((i) => x.reduce((s, row, k) => s + (row[i] * y[k]) / 6, 0));
      const w = total(right).map((s) => rate * s);
      const residual = v.map((row, k) => row[0] * w[0] + row[1] * w[1] - u[k]);
      const ofW = [0, 1].map((i) => v.reduce((s, row, k) => s + row[i] * residual[k], 0));
      // dL/dy = r X S g / n, with S the sum of powers, which is symmetric.
      const back = total(ofW);
      const ofY = x.map((row) => (rate / 6) * (row[0] * back[0] + row[1] * back[1]));
      // w_T = (I - (I - r H)^T) w* for the solution w*, so dw_T/dr = T (I - r H)^(T-1) X'y / n.
      let power = right;
      for (let k = 0; k < steps - 1; k++) power = shrink(power);
      const ofRate = steps * (ofW[0] * power[0] + ofW[1] * power[1]);

      const float64 = { dtype: "float64" } as const;
      const arrays = [x, y, v, u, rate].map((value) => tensor(value, float64));
      const found = await values(await gradients(...(arrays as Parameters<typeof loss>)));
      assertClose(found[0], ofY, 1e-12, `labels, seed ${seed}`);
      assertClose(found[1], [ofRate], 1e-12, `rate, seed ${seed}`);
    }
    // One compilation for each backend that has run so far.
    expect(gradients.compilations).toBeLessThanOrEqual(2);
  });
});
