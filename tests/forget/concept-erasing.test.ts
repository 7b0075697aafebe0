import { describe, expect, it } from "vitest";
import {
  add,
  broadcastTo,
  expandDims,
  gather,
  mean,
  mul,
  stopGradient,
  sub,
  type Tensor,
  tensor,
} from "../../src/engine/index.js";
import { eraseBy, type NoiseUnder } from "../../src/forget/concept-erasing.js";
import {
  ablateConcept,
  type EraseOptions,
  esdErase,
  guidanceTerm,
  negativePromptSampling,
  pairedDrift,
  type SurgicalEraseOptions,
  surgicalErase,
  type UnlearnState,
} from "../../src/forget/index.js";
import { cosineSchedule, type Denoiser, ddim } from "../../src/nn/index.js";
import { onEachBackend } from "../engine/helpers.js";

const schedule = cosineSchedule(10);
interface Params {
  /** What the model finds under each of three concepts, and, last, under none: [4]. */
  readonly w: Tensor;
}
const none = 3;
const start = [0.5, -0.25, 1, 0.125];
const params: Params = { w: tensor(start) };

/** Finds the same noise everywhere: a number for each concept. */
const denoiser: Denoiser<Params> = ({ w }, z, t, c) =>
  add(mul(z, 0), expandDims(gather(w, c ?? broadcastTo(tensor(none, { dtype: "int32" }), t.shape)), 1));

const options: EraseOptions = {
  erase: 0,
  schedule,
  shape: [2],
  samplingSteps: 5,
  batchSize: 4,
  steps: 80,
  learningRate: 0.05,
};
const numbers = async (t: Tensor) => [...((await t.data()) as Float32Array)];
const surgical = (more: Partial<SurgicalEraseOptions> = {}) => surgicalErase(denoiser, params, { ...options, ...more });
const expectNear = (got: readonly number[], wanted: readonly number[]) => {
  got.forEach((value, i) => {
    expect(Math.abs(value - wanted[i])).toBeLessThan(0.03);
  });
};

describe("guidanceTerm", () => {
  it("is what the condition adds", async () => {
    const [z, t] = [tensor([[1, 2]]), tensor([3], { dtype: "int32" })];
    const term = guidanceTerm(denoiser, params, z, t, tensor([2], { dtype: "int32" }));
    expect(await numbers(term)).toEqual([0.875, 0.875]);
  });
});

onEachBackend("surgicalErase", () => {
  it("makes the concept's name mean nothing, and leaves what has no name where it was", async () => {
    const { params: after, cost } = await surgical().run();
    expectNear(await numbers(after.w), [0.125, -0.25, 1, 0.125]);
    expect((await numbers(after.w)).slice(1, 3)).toEqual([-0.25, 1]);
    expect(await numbers(params.w)).toEqual(start);
    // Two branches, one frozen answer, and two for each point of a path.
    expect(cost.steps).toBe(80);
    expect(cost.passes).toBeCloseTo(80 * 4 * (2 + 1 / 3 + 2 / 3), 6);
  });

  it("gives the name another concept's meaning", async () => {
    const { params: after } = await surgical({ replace: 1 }).run();
    expectNear(await numbers(after.w), [-0.25, -0.25, 1, 0.125]);
  });
});

describe("surgicalErase", () => {
  it("lets the unconditional prediction drift when nothing holds it", async () => {
    const { params: after } = await surgical({ uncondWeight: 0 }).run();
    // Both branches are pulled alike, so that they meet halfway.
    expectNear(await numbers(after.w), [0.3125, -0.25, 1, 0.3125]);
    const held = await surgical({ uncondWeight: 0, throughNull: false }).run();
    expectNear(await numbers(held.params.w), [0.125, -0.25, 1, 0.125]);
    expect((await numbers(held.params.w))[none]).toBe(0.125);
  });

  it("changes nothing where the replacement is the concept itself", async () => {
    const { params: after, log } = await surgical({ replace: 0, steps: 3 }).run();
    expect(log.map(({ loss }) => loss)).toEqual([0, 0, 0]);
    expect(await numbers(after.w)).toEqual(start);
  });

  it("trains at the states that the frozen model visits, each once in a round", async () => {
    // This model finds half of what it is given, so that its paths are its own. Nothing is learned at rate 0.
    const half: Denoiser<Params> = ({ w }, z) => mul(z, gather(w, tensor(0, { dtype: "int32" })));
    const energies = async (more: Partial<EraseOptions>) => {
      const rule = {
        name: "energy",
        asks: { now: 1, before: 0 },
        loss: (now: NoiseUnder) => mean(mul(now(null), now(null))),
      };
      const { log } = await eraseBy(rule, half, params, { ...options, learningRate: 0, ...more }).run();
      return log.map(({ loss }) => loss);
    };
    const [noise] = await energies({ steps: 1, part: [0, 0.2] });
    let factor = 1;
    let sum = 0;
    for (let t = 10; t > 0; t -= 2) {
      sum += factor ** 2;
      const [now, next] = [schedule.alphaBar[t], schedule.alphaBar[t - 2]];
      factor *= Math.sqrt(next / now) * (1 - Math.sqrt(1 - now) / 2) + Math.sqrt(1 - next) / 2;
    }
    const round = await energies({ steps: 5 });
    expect(round.reduce((a, b) => a + b) / sum / noise).toBeCloseTo(1, 4);
    // Samples are at different points in a step, and the next round has other noise.
    expect(Math.max(...round) / Math.min(...round)).toBeLessThan(sum);
    const [, second] = await energies({ steps: 2, part: [0, 0.2] });
    expect(second).not.toBeCloseTo(noise, 3);
  });

  it("draws the concept to erase, under guidance, with the frozen model", async () => {
    // Finds a share of what it is given, another one under each concept.
    const share: Denoiser<Params> = (p, z, t, c) => mul(z, denoiser(p, z, t, c));
    // The loss is the energy of the states, whatever has been learned; its gradient moves all shares that paths depend on.
    const square = (x: Tensor) => mean(mul(x, x));
    const moved = (x: Tensor) => sub(square(x), stopGradient(square(x)));
    const rule = {
      name: "energy",
      asks: { now: 2, before: 1 },
      loss: (now: NoiseUnder, before: NoiseUnder) => add(square(before(2)), add(moved(now(0)), moved(now(null)))),
    };
    const energies = async (more: Partial<EraseOptions>) =>
      (await eraseBy(rule, share, params, { ...options, ...more }).run()).log.map(({ loss }) => loss);
    const noise = await energies({ steps: 2, part: [0, 0.2] });
    const guided = start[none] + 2 * (start[0] - start[none]);
    let [factor, sum] = [1, 0];
    for (let t = 10; t > 0; t -= 2) {
      sum += factor ** 2;
      const [now, next] = [schedule.alphaBar[t], schedule.alphaBar[t - 2]];
      factor *= Math.sqrt(next / now) * (1 - Math.sqrt(1 - now) * guided) + Math.sqrt(1 - next) * guided;
    }
    const rounds = await energies({ steps: 10 });
    for (const round of [0, 1]) {
      const total = rounds.slice(5 * round, 5 * round + 5).reduce((a, b) => a + b);
      expect(total / sum / noise[round]).toBeCloseTo(1, 3);
    }
  });

  it("trains what it is told to train", async () => {
    const both = { fixed: params.w, free: tensor([0, 0, 0, 0]) };
    const split: Denoiser<typeof both> = ({ fixed, free }, ...rest) => denoiser({ w: add(fixed, free) }, ...rest);
    const { params: after } = await surgicalErase(split, both, {
      ...options,
      trainable: { fixed: false, free: true },
    }).run();
    expect(await numbers(after.fixed)).toEqual(start);
    expectNear(await numbers(after.free), [-0.375, 0, 0, 0]);
  });

  it("goes on bit for bit from a step that was kept, within a round", async () => {
    const short = { steps: 13 };
    const whole = await surgical(short).run();
    let kept: UnlearnState | undefined;
    for await (const step of surgical(short)) {
      if (step.step < 8) continue;
      kept = step.state;
      break;
    }
    const resumed = await surgical({ ...short, from: kept }).run();
    expect(await numbers(resumed.params.w)).toEqual(await numbers(whole.params.w));
    expect(resumed.log).toEqual(whole.log);
    expect(resumed.cost.passes).toBe(whole.cost.passes);
    await expect(esdErase(denoiser, params, { ...options, from: kept }).run()).rejects.toThrow("of surgicalErase");
  });

  it("differs between seeds, and stops when it is told to", async () => {
    const last = async (seed: number) => {
      const noisy: Denoiser<Params> = (p, z, t, c) => add(denoiser(p, z, t, c), mul(z, denoiser(p, z, t, c)));
      return (await surgicalErase(noisy, params, { ...options, seed, steps: 3 }).run()).log[2].loss;
    };
    expect(await last(1)).toBe(await last(1));
    expect(await last(1)).not.toBe(await last(2));
    const controller = new AbortController();
    controller.abort(new Error("enough"));
    await expect(surgical({ signal: controller.signal }).run()).rejects.toThrow("enough");
  });

  it("says what is wrong with its options", () => {
    expect(() => surgical({ steps: 0 })).toThrow("surgicalErase: steps must be a whole number of at least 1, got 0");
    expect(() => surgical({ batchSize: 1.5 })).toThrow("batchSize must be a whole number of at least 1, got 1.5");
    expect(() => surgical({ part: [0.5, 0.5] })).toThrow("0 <= from < to <= 1, got [0.5, 0.5]");
    expect(() => surgical({ part: [0, 1.1] })).toThrow("got [0, 1.1]");
  });
});

describe("esdErase", () => {
  it("pushes the concept past the unconditional prediction", async () => {
    for (const eta of [0, 1, 2]) {
      const { params: after } = await esdErase(denoiser, params, { ...options, eta }).run();
      expectNear(await numbers(after.w), [0.125 - eta * 0.375, -0.25, 1, 0.125]);
    }
  });

  it("leaves the unconditional prediction free where parameters are shared", async () => {
    // The concept is none's number plus its own, so that a step for one moves the other.
    const shared: Denoiser<Params> = ({ w }, z, t, c) => {
      const base = denoiser({ w }, z, t, null);
      return c === null ? base : add(base, denoiser({ w }, z, t, c));
    };
    const free = async (run: Promise<{ params: Params }>) => (await numbers((await run).params.w))[none];
    expect(await free(esdErase(shared, params, options).run())).toBeLessThan(0);
    expect(await free(surgicalErase(shared, params, options).run())).toBeCloseTo(0.125, 3);
  });
});

describe("ablateConcept", () => {
  it("gives the concept the anchor's whole prediction", async () => {
    const anchored = async (anchor: number | null) =>
      numbers((await ablateConcept(denoiser, params, { ...options, anchor }).run()).params.w);
    expectNear(await anchored(2), [1, -0.25, 1, 0.125]);
    expectNear(await anchored(null), [0.125, -0.25, 1, 0.125]);
  });
});

describe("negativePromptSampling", () => {
  const z = tensor([[1, -1]]);
  const rows = (c: number) => tensor([c], { dtype: "int32" });
  const constant = async (eps: number) => numbers(ddim((now) => add(mul(now, 0), eps), z, { schedule }).sample);
  const away = async (c: number, negative: number, guidance?: number) =>
    numbers(negativePromptSampling(denoiser, params, z, { schedule, c: rows(c), negative: rows(negative), guidance }));

  it("guides from the negative prompt to the prompt", async () => {
    expect(await away(1, 2)).toEqual(await constant(1 + 2 * (-0.25 - 1)));
    expect(await away(1, 2, 0.5)).toEqual(await constant(1 + 0.5 * (-0.25 - 1)));
    expect(await away(1, 1)).toEqual(await constant(-0.25));
    expect(await away(1, 2, 1)).toEqual(await constant(-0.25));
  });
});

describe("pairedDrift", () => {
  const sampler = (shift: number) => (of: string, seed: number) => ({
    data: Float32Array.of(seed, seed + of.length + shift),
    shape: [2, 1],
    dtype: "float32" as const,
  });

  it("is the mean square of what samples moved, for each class", async () => {
    expect(await pairedDrift(sampler(0), sampler(0), ["a", "bb"], [1, 2])).toEqual([0, 0]);
    expect(await pairedDrift(sampler(0), sampler(2), ["a", "bb"], [1, 2, 3])).toEqual([2, 2]);
    const one = (of: number, seed: number) => ({
      data: Float32Array.of(of * seed),
      shape: [1],
      dtype: "float32" as const,
    });
    const zero = () => ({ data: Float32Array.of(0), shape: [1], dtype: "float32" as const });
    expect(await pairedDrift(one, zero, [1, 3], [1, 2])).toEqual([2.5, 22.5]);
  });

  it("refuses samples that are not pairs, and no seeds", async () => {
    const wide = () => ({ data: new Float32Array(4), shape: [2, 2], dtype: "float32" as const });
    await expect(pairedDrift(sampler(0), wide, ["a"], [0])).rejects.toThrow("[2,1] before and [2,2] after");
    await expect(pairedDrift(sampler(0), sampler(0), ["a"], [])).rejects.toThrow("there are no seeds");
  });
});
