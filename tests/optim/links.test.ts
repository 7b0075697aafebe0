import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { grad, jit, type Tensor, tensor } from "../../src/engine/index.js";
import {
  adafactor,
  adaptiveClip,
  applyUpdates,
  centralise,
  chain,
  clipByBlockRms,
  clipByGlobalNorm,
  clipByValue,
  type LinePoint,
  momentum,
  type Optimizer,
  rmsprop,
  scaleByTrustRatio,
  signSgd,
  wolfe,
} from "../../src/optim/index.js";
import { assertClose, fill, numbers, values } from "../engine/helpers.js";

const once = <P>(optimizer: Optimizer, grads: P, params: P): P =>
  optimizer.update(grads, optimizer.init(params), params)[0];
const float64 = { dtype: "float64" } as const;

describe("units of weights", () => {
  // Two output units each, as a matrix [in, out] and as convolutions [out, in, ...window].
  const matrix = tensor(
    [
      [3, 1],
      [5, 1],
      [4, -8],
    ],
    float64,
  );
  const filters = tensor([[[[3, 5, 4]]], [[[1, 1, -8]]]], float64);
  const vector = tensor([1, 5], float64);
  test("centralise takes away each unit's mean, and leaves vectors alone", async () => {
    const all = [matrix, filters, filters.reshape(2, 1, 3), vector];
    const [m, f2, f1, v] = await values(once(centralise(), all, all));
    expect(m).toEqual([-1, 3, 1, 3, 0, -6]);
    expect(f2).toEqual([-1, 1, 0, 3, 3, -6]);
    expect(f1).toEqual(f2);
    expect(v).toEqual([1, 5]);
  });
  test("adaptiveClip measures each unit by its own weights", async () => {
    const ones = [
      tensor(
        [
          [1, 0],
          [0, 1],
          [0, 0],
        ],
        float64,
      ),
      tensor([[[[1, 0, 0]]], [[[0, 1, 0]]]], float64),
    ];
    const [m, f] = await values(once(adaptiveClip(2), [matrix, filters], ones));
    const [a, b] = [2 / Math.hypot(3, 5, 4), 2 / Math.hypot(1, 1, 8)];
    assertClose(m, [3 * a, b, 5 * a, b, 4 * a, -8 * b], 1e-12, "matrix");
    assertClose(f, [3 * a, 5 * a, 4 * a, b, b, -8 * b], 1e-12, "filters");
    const zero = tensor([0, 0], float64);
    expect(await numbers(once(adaptiveClip(2), zero, zero))).toEqual([0, 0]);
    expect(await numbers(once(adaptiveClip(2), vector, zero))).toEqual([1, 5].map((x) => (x * 2e-3) / Math.sqrt(26)));
  });
});

test("the trust ratio leaves updates as they are where there is no size to compare", async () => {
  const [zero, two] = [tensor([0, 0], float64), tensor([2, 0], float64)];
  const [a, b, c] = await values(once(scaleByTrustRatio(), [two, zero, two], [zero, two, tensor([0, 6], float64)]));
  expect([a, b, c]).toEqual([
    [2, 0],
    [0, 0],
    [6, 0],
  ]);
});

test("limits must be positive", () => {
  expect(() => clipByValue(0)).toThrow("clipByValue: the largest value must be above 0, got 0.");
  expect(() => clipByBlockRms(Number.NaN)).toThrow("clipByBlockRms: the largest root mean square must be above 0");
  expect(() => adaptiveClip(-1)).toThrow("adaptiveClip: the ratio must be above 0, got -1.");
});

test("Signum is a chain", async () => {
  const p = tensor([0, 0], float64);
  const optimizer = chain(momentum(0.9), signSgd({ learningRate: 0.5 }));
  const [, state] = optimizer.update(tensor([3, -1], float64), optimizer.init(p), p);
  expect(await numbers(optimizer.update(tensor([-1, -1], float64), state, p)[0])).toEqual([-0.5, 0.5]);
});

describe("what could be 0 / 0 is not", () => {
  test.each([
    ["adafactor", adafactor()],
    ["rmsprop", rmsprop({ learningRate: 0.1, centred: true })],
  ])("%s, for gradients that are zero or never change", async (_name, optimizer) => {
    const grads = {
      m: tensor([
        [0, 0],
        [0, 0],
      ]),
      v: tensor([0.1, 0.7]),
    };
    const step = jit((params: typeof grads, state: any) => {
      const [updates, next] = optimizer.update(grads, state, params);
      return { params: applyUpdates(params, updates), state: next };
    });
    let now: any = { params: grads, state: optimizer.init(grads) };
    for (let t = 0; t < 40; t++) now = await step(now.params, now.state);
    expect((await values(now.params)).flat().every(Number.isFinite)).toBe(true);
    expect((await values(now.params))[0]).toEqual([0, 0, 0, 0]);
  });
  test("clipping has a slope at zero", async () => {
    const slope = (link: Optimizer) => numbers(grad((g: Tensor) => once(link, g, g).sum())(tensor([0, 0], float64)));
    for (const link of [clipByGlobalNorm(1), clipByBlockRms(1), adaptiveClip(1)])
      expect(await slope(link)).toEqual([1, 1]);
  });
});

test("what wolfe finds on a random quartic meets the strong Wolfe conditions", async () => {
  const coefficient = fc.double({ min: -3, max: 3, noNaN: true });
  await fc.assert(
    fc.asyncProperty(
      fc.double({ min: 0.01, max: 3, noNaN: true }),
      coefficient,
      coefficient,
      fc.double({ min: 1e-3, max: 100, noNaN: true }),
      async (slope, b, c, first) => {
        const line = async (a: number): Promise<LinePoint> => ({
          rate: a,
          value: -slope * a + b * a ** 2 + c * a ** 3 + a ** 4,
          slope: -slope + 2 * b * a + 3 * c * a ** 2 + 4 * a ** 3,
        });
        const found = (await wolfe(line, await line(0), first, { evaluations: 100 }))!;
        expect(found.value).toBeLessThanOrEqual(-1e-4 * slope * found.rate);
        expect(Math.abs(found.slope)).toBeLessThanOrEqual(0.9 * slope);
      },
    ),
  );
});

test("after clipping, no block is larger than allowed, and small ones are untouched", async () => {
  const clip = jit((g: Tensor, limit: string) => once(clipByBlockRms(Number(limit)), g, g));
  for (let seed = 0; seed < 5; seed++) {
    const g = fill({ shape: [7], range: [-1 - seed, 1 + seed] }, seed);
    const [before, after] = [await numbers(g), await numbers(await clip(g, "1"))];
    const rms = (x: number[]) => Math.sqrt(x.reduce((s, v) => s + v * v, 0) / x.length);
    expect(rms(after)).toBeCloseTo(Math.min(1, rms(before)), 12);
  }
});
