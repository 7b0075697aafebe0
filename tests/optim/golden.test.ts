import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { jit, minimum, type Nested, type Tensor, tensor } from "../../src/engine/index.js";
import {
  accumulate,
  adabelief,
  adadelta,
  adafactor,
  adagrad,
  adam,
  adamax,
  adaptiveClip,
  applyIfFinite,
  applyUpdates,
  averaged,
  chain,
  clipByBlockRms,
  clipByValue,
  ema,
  lamb,
  lars,
  lion,
  lookahead,
  nadam,
  type Optimizer,
  partition,
  radam,
  rmsprop,
  sgd,
  signSgd,
} from "../../src/optim/index.js";
import { assertClose, onEachBackend, values } from "../engine/helpers.js";

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../fixtures/optim-${name}.json`, import.meta.url), "utf8"));
const torch = read("torch") as { start: Nested[]; grads: Nested[][]; cases: Record<string, number[][]> };
const optax = read("optax") as { cases: Record<string, number[][]>; emaDebiased: number[][] };

const matrices = { w: true, b: false };
const optimizers: Record<"torch" | "optax", Record<string, Optimizer>> = {
  torch: {
    amsgrad: adam({ learningRate: 0.1, beta1: 0.8, beta2: 0.9, amsgrad: true }),
    nadam: nadam({ learningRate: 0.1 }),
    nadamFastRise: nadam({ learningRate: 0.1, beta1: 0.8, beta2: 0.9, momentumDecay: 0.3 }),
    radam: radam({ learningRate: 0.1 }),
    radamDecay: radam({ learningRate: 0.1, beta1: 0.8, beta2: 0.95, weightDecay: 0.2 }),
    adamax: adamax({ learningRate: 0.1, beta2: 0.8 }),
    adagrad: adagrad({ learningRate: 0.1, initial: 0.1 }),
    adadelta: adadelta({ decay: 0.8 }),
    adafactor: adafactor({ weightDecay: 0.3 }),
    adafactorTight: adafactor({
      learningRate: (step) => minimum(step.add(1).pow(-0.5), 0.4),
      clip: 1.01,
      decay: 0.6,
      least: 2,
    }),
    rmsprop: rmsprop({ learningRate: 0.05, decay: 0.9 }),
    rmspropCentred: rmsprop({ learningRate: 0.05, decay: 0.9, centred: true, momentum: 0.5 }),
  },
  optax: {
    adabelief: adabelief({ learningRate: 0.1, beta1: 0.8, beta2: 0.9 }),
    adabeliefEpsilon: adabelief({ learningRate: 0.1, epsilon: 1e-3, epsilonRoot: 1e-4 }),
    lion: lion({ learningRate: 0.05, weightDecay: 0.1 }),
    signSgd: signSgd({ learningRate: 0.05 }),
    lamb: lamb({ learningRate: 0.1, weightDecay: 0.2, mask: matrices }),
    lars: lars({ learningRate: 1, weightDecay: 0.1, coefficient: 0.02, trust: matrices }),
    larsNesterov: lars({ learningRate: 1, momentum: 0.7, nesterov: true, coefficient: 0.02 }),
    adaptiveClip: chain(adaptiveClip(0.1), sgd({ learningRate: 0.5 })),
    clipByValue: chain(clipByValue(0.3), sgd({ learningRate: 0.5 })),
    clipByBlockRms: chain(clipByBlockRms(0.3), sgd({ learningRate: 0.5 })),
    accumulate: accumulate(adam({ learningRate: 0.1 }), 3),
    applyIfFinite: applyIfFinite(adam({ learningRate: 0.1 })),
    lookahead: lookahead(adam({ learningRate: 0.1 }), { every: 3, rate: 0.4 }),
    epsilonRoot: adam({ learningRate: 0.1, epsilon: 1e-3, epsilonRoot: 0.05 }),
    partition: partition({ w: adam({ learningRate: 0.1 }), b: sgd({ learningRate: 0.2, momentum: 0.9 }) }),
  },
};

type Params = { w: Tensor; b: Tensor };
type DType = "float32" | "float64";
const treeOf = ([w, b]: readonly Nested[], dtype: DType): Params => ({
  w: tensor(w, { dtype }),
  b: tensor(b, { dtype }),
});

/** The parameters after each gradient, flat, and the last state. */
async function trajectory(optimizer: Optimizer, dtype: DType, gradients: readonly (readonly Nested[])[] = torch.grads) {
  const step = jit(
    (params: Params, state: any, grads: Params) => {
      const [updates, next] = optimizer.update(grads, state, params);
      return { params: applyUpdates(params, updates), state: next };
    },
    { donate: [0, 1] },
  );
  let params = treeOf(torch.start, dtype);
  let state = optimizer.init(params);
  const path: number[][] = [];
  for (const grads of gradients) {
    ({ params, state } = await step(params, state, treeOf(grads, dtype)));
    const [w, b] = await values([params.w, params.b]);
    path.push([...w, ...b]);
  }
  expect(step.compilations).toBe(1);
  return { path, state };
}

/** The same gradients, infinite (and 0 / 0) at some steps. */
const broken = torch.grads.map((pair, t) => (t % 4 === 1 ? over(pair, 0) : pair)) as Nested[][];
function over(x: Nested, divisor: number): Nested {
  return Array.isArray(x) ? x.map((part) => over(part, divisor)) : (x as number) / divisor;
}

async function follows(source: "torch" | "optax", name: string, dtype: DType) {
  const expected = (source === "torch" ? torch : optax).cases[name];
  const gradients = name === "applyIfFinite" ? broken : torch.grads;
  const { path } = await trajectory(optimizers[source][name], dtype, gradients);
  const tolerance = dtype === "float64" ? 1e-12 : 2e-5;
  path.forEach((params, step) => {
    assertClose(params, expected[step], tolerance, `${name}, step ${step}`);
  });
}

describe.each(["torch", "optax"] as const)("as in %s", (source) => {
  test("every golden case is compared", () => {
    const { cases } = source === "torch" ? torch : optax;
    expect(Object.keys(optimizers[source]).sort()).toEqual(Object.keys(cases).sort());
  });
  test.each(Object.keys(optimizers[source]))("%s", async (name) => {
    await follows(source, name, "float64");
  });
});

// Those with scalars that could lose digits on the way.
test.each([
  ["torch", "nadam"],
  ["torch", "radam"],
  ["torch", "adafactor"],
  ["optax", "adabelief"],
  ["optax", "lars"],
  ["optax", "epsilonRoot"],
] as const)("as in %s, %s in float32", async (source, name) => {
  await follows(source, name, "float32");
});

onEachBackend("on both backends", () => {
  test.each([
    ["torch", "nadam"],
    ["torch", "adafactor"],
    ["optax", "accumulate"],
  ] as const)("%s %s", async (source, name) => {
    await follows(source, name, "float64");
  });
});

test("the debiased average as in optax", async () => {
  const average = ema({ decay: 0.7, debias: true });
  const optimizer = averaged(sgd({ learningRate: 0.1 }), average);
  for (const n of [1, 5, 12]) {
    const { state } = await trajectory(optimizer, "float64", torch.grads.slice(0, n));
    const { w, b } = average.value(state.average as any) as Params;
    const [flatW, flatB] = await values([w, b]);
    assertClose([...flatW, ...flatB], optax.emaDebiased[n - 1], 1e-12, `after ${n} points`);
  }
});

test("skipped steps are counted", async () => {
  const { state } = await trajectory(applyIfFinite(adam({ learningRate: 0.1 })), "float64", broken);
  expect(await state.skipped.item()).toBe(3);
  expect(await state.step.item()).toBe(12);
  expect(await state.inner.step.item()).toBe(9);
});
