import { describe, expect, it } from "vitest";
import { add, div, gather, jit, mul, random, reshape, sqrt, sub, type Tensor, tensor } from "../../src/engine/index.js";
import {
  addNoise,
  cosineSchedule,
  type Denoiser,
  ddim,
  guidedNoise,
  noisePredictionLoss,
  noiseSchedule,
} from "../../src/nn/index.js";
import { onEachBackend } from "../engine/helpers.js";

const schedule = cosineSchedule(100);
const { alphaBar } = schedule;
const values = async (t: Tensor) => [...((await t.data()) as Float32Array)];
const expectClose = (got: readonly number[], wanted: readonly number[], digits = 5) => {
  expect(got.length).toBe(wanted.length);
  got.forEach((value, i) => {
    expect(value).toBeCloseTo(wanted[i], digits);
  });
};

/** alphaBar at times [B], as a column. */
const left = (t: Tensor) => reshape(gather(tensor([...alphaBar]), t), [t.shape[0], 1]);

/** The ideal denoiser of data of which every sample is `point`. */
const ofPoint = (point: number) => (z: Tensor, t: Tensor) =>
  div(sub(z, mul(sqrt(left(t)), point)), sqrt(sub(1, left(t))));

/** The ideal denoiser of normal data of mean 0 and standard deviation `sd`. */
const ofNormal = (sd: number) => (z: Tensor, t: Tensor) =>
  div(mul(sqrt(sub(1, left(t))), z), add(mul(left(t), sd * sd), sub(1, left(t))));

describe("noise schedules", () => {
  it("leave the product of what each step leaves", () => {
    expect(noiseSchedule([0.5, 0.2])).toEqual({ steps: 2, alphaBar: [1, 0.5, 0.4] });
  });

  it("follow the cosine, up to the last step, whose variance is bounded", () => {
    const f = (t: number) => Math.cos(((t / 100 + 0.008) / 1.008) * (Math.PI / 2)) ** 2;
    expect(alphaBar.length).toBe(101);
    for (const t of [1, 37, 99]) expect(alphaBar[t]).toBeCloseTo(f(t) / f(0), 12);
    expect(alphaBar[100] / alphaBar[99]).toBeCloseTo(0.001, 12);
  });

  it("refuse variances outside (0, 1), and none at all", () => {
    expect(() => noiseSchedule([0.1, 1])).toThrow("must lie in (0, 1), but that of step 2 is 1");
    expect(() => noiseSchedule([])).toThrow("there are no steps");
  });
});

describe("addNoise", () => {
  it("mixes sample and noise by the time's share", async () => {
    const z = addNoise(
      schedule,
      tensor([
        [1, 2],
        [3, 4],
      ]),
      tensor([0, 50], { dtype: "int32" }),
      tensor([
        [9, 9],
        [1, -1],
      ]),
    );
    const [s, n] = [Math.sqrt(alphaBar[50]), Math.sqrt(1 - alphaBar[50])];
    expectClose(await values(z), [1, 2, 3 * s + n, 4 * s - n]);
  });

  it("refuses noise of another shape", () => {
    expect(() => addNoise(schedule, tensor([[1]]), tensor([0], { dtype: "int32" }), tensor([[1, 2]]))).toThrow(
      "addNoise: samples [1, 1] and noise [1, 2] differ in shape",
    );
  });
});

describe("guidedNoise", () => {
  const denoiser: Denoiser<null> = (_params, z, _t, c) => add(mul(z, 0), c === null ? 1 : 3);
  const at = async (guidance: number, c: Tensor | null = tensor([0])) =>
    guidedNoise(denoiser, null, c, guidance)(tensor([[0]]), tensor([1], { dtype: "int32" })).item();

  it("goes from the unconditional through the conditional prediction and beyond", async () => {
    expect([await at(0), await at(0.5), await at(1), await at(2)]).toEqual([1, 2, 3, 5]);
    expect(await at(2, null)).toBe(1);
  });
});

onEachBackend("ddim", () => {
  const noise = random.normal(random.key(3), [4, 2]);

  it("arrives at the only sample there is, whatever the noise and the steps", async () => {
    for (const steps of [1, 7, 100]) {
      const { sample } = ddim(ofPoint(0.5), noise, { schedule, steps });
      expectClose(await values(sample), new Array(8).fill(0.5), 4);
    }
  });

  it("follows the linear map that normal data have", async () => {
    const sd = 0.3;
    let factor = 1;
    for (let t = 100; t > 0; t -= 5) {
      const [a, b] = [alphaBar[t], alphaBar[t - 5]];
      const eps = Math.sqrt(1 - a) / (a * sd * sd + 1 - a);
      factor *= Math.sqrt(b / a) * (1 - Math.sqrt(1 - a) * eps) + Math.sqrt(1 - b) * eps;
    }
    const { sample, states, times } = await jit((z: Tensor) => ddim(ofNormal(sd), z, { schedule }))(noise);
    const start = await values(noise);
    expectClose(
      await values(sample),
      start.map((z) => z * factor),
      4,
    );
    // With more steps the samples have the data's deviation; with 20, nearly.
    expect(factor).toBeGreaterThan(0.25);
    expect(factor).toBeLessThan(0.35);
    expect(states.shape).toEqual([20, 4, 2]);
    expect((await values(states)).slice(0, 8)).toEqual(start);
    expect(await values(times)).toEqual(Array.from({ length: 20 }, (_, i) => 100 - 5 * i));
  });

  it("keeps estimates of the clean sample within bounds", async () => {
    const { sample } = ddim(ofPoint(3), noise, { schedule, clip: 1 });
    expectClose(await values(sample), new Array(8).fill(1));
  });

  it("takes at most the schedule's steps", () => {
    expect(() => ddim(ofPoint(0), noise, { schedule, steps: 101 })).toThrow("from 1 to the schedule's 100, got 101");
  });
});

onEachBackend("noisePredictionLoss", () => {
  const z0 = tensor(new Float32Array(512 * 6).fill(0.5), { shape: [512, 2, 3] });
  const loss = (denoiser: Denoiser<null>) => noisePredictionLoss(denoiser, schedule, null, z0, null, random.key(1));

  it("is 0 for who finds the noise, and the noise's variance for who finds none", async () => {
    const flat: Denoiser<null> = (_params, z, t) => reshape(ofPoint(0.5)(reshape(z, [512, 6]), t), [512, 2, 3]);
    const found = await values(loss(flat));
    expect(found.length).toBe(512);
    expect(Math.max(...found)).toBeLessThan(1e-6);
    const none = await values(loss((_params, z) => mul(z, 0)));
    expect(none.reduce((a, b) => a + b) / 512).toBeCloseTo(1, 1);
  });
});
