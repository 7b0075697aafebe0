import { describe, expect, test } from "vitest";
import { grad, jit, mean, random, scan, type Tensor, tensor } from "../../src/engine/index.js";
import {
  accumulate,
  adafactor,
  adam,
  addNoise,
  applyIfFinite,
  applyUpdates,
  averaged,
  chain,
  clipByGlobalNorm,
  injectHyperparams,
  lookahead,
  nadam,
  type Optimizer,
  partition,
  radam,
  schedules,
  sgd,
  swa,
} from "../../src/optim/index.js";
import { assertClose, fill, values } from "../engine/helpers.js";

const params = { w: fill({ shape: [2, 3] }, 1), b: fill({ shape: [3] }, 2) };
type Params = typeof params;
const xs = fill({ shape: [6, 4, 2] }, 3);
const loss = (p: Params, x: Tensor) => mean(x.matmul(p.w).add(p.b).pow(2));

const steps = (optimizer: Optimizer) => (carry: { params: Params; state: any }, x: Tensor) => {
  const grads = grad((p: Params) => loss(p, x))(carry.params) as Params;
  const [updates, state] = optimizer.update(grads, carry.state, carry.params);
  return { params: applyUpdates(carry.params, updates), state };
};

describe("training inside one call, by scan, is training step by step", () => {
  const rate = schedules.warmupCosine({ peak: 0.1, warmup: 2, steps: 6 });
  test.each<[string, Optimizer]>([
    ["noise, clipping, adafactor", chain(addNoise({ key: random.key(1) }), clipByGlobalNorm(1), adafactor())],
    ["accumulated nadam", accumulate(nadam({ learningRate: rate }), 2)],
    ["averaged lookahead amsgrad", averaged(lookahead(adam({ learningRate: rate, amsgrad: true })), swa({ every: 2 }))],
    ["finite radam", applyIfFinite(radam({ learningRate: 0.1, beta2: 0.9 }))],
    [
      "parts",
      partition({
        w: injectHyperparams(({ rate }) => sgd({ learningRate: rate, momentum: 0.9 }), { rate: 0.1 }),
        b: adam({ learningRate: rate }),
      }),
    ],
  ])("%s", async (_name, optimizer) => {
    const step = steps(optimizer);
    const start = { params, state: optimizer.init(params) };
    const whole = jit((carry: typeof start, xs: Tensor) => scan((c, x: Tensor) => [step(c, x), null], carry, xs)[0]);
    const one = jit(step);
    let now: any = start;
    for (let t = 0; t < 6; t++) now = await one(now, xs.slice([t], [t + 1]).reshape(4, 2));
    const [found, expected] = [await values(await whole(start as any, xs)), await values(now)];
    expect(found).toHaveLength(expected.length);
    found.forEach((leaf, i) => {
      assertClose(leaf, expected[i], 1e-9, `leaf ${i}`);
    });
  });
});

test("gradients through a scan of training are those of the unrolled steps", async () => {
  const trained = (unrolled: boolean) => (xs: Tensor, rate: Tensor) => {
    const optimizer = adam({ learningRate: rate, epsilonRoot: 1e-4 });
    const step = steps(optimizer);
    let carry: { params: Params; state: any } = { params, state: optimizer.init(params) };
    if (unrolled) for (let t = 0; t < 6; t++) carry = step(carry, xs.slice([t], [t + 1]).reshape(4, 2));
    else [carry] = scan((c, x: Tensor) => [step(c, x), null], carry, xs);
    return loss(carry.params, fill({ shape: [5, 2] }, 9));
  };
  const gradients = (unrolled: boolean) =>
    jit((xs: Tensor, rate: Tensor) => grad(trained(unrolled), { argnums: [0, 1] })(xs, rate) as Tensor[]);
  const rate = tensor(0.1, { dtype: "float64" });
  const [a, b] = [await values(await gradients(true)(xs, rate)), await values(await gradients(false)(xs, rate))];
  assertClose(b[0], a[0], 1e-12, "data");
  assertClose(b[1], a[1], 1e-12, "rate");
});
