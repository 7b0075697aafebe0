import { describe, expect, it } from "vitest";
import { mean, type NDArray, random, type Tensor, tensor, treeMap, zeros } from "../../src/engine/index.js";
import { type UnlearnState, type UnlearnStep, unlearn } from "../../src/forget/index.js";
import { labelAgnosticForget } from "../../src/forget/label-agnostic.js";
import {
  alignmentLoss,
  extractorLoss,
  representationShift,
  squashError,
} from "../../src/forget/label-agnostic-losses.js";
import { representationVae, vaeError, vaeEvidence } from "../../src/forget/representation-vae.js";
import type { MlpParams } from "../../src/nn/index.js";
import { assertClose, checkGradients, fill, numbers, onEachBackend, values } from "../engine/helpers.js";
import { rows, toyProblem, withFeatures } from "./toy.js";

onEachBackend("the losses of label-agnostic forgetting", () => {
  it("squash errors into [1, e)", async () => {
    const squashed = await numbers(squashError(tensor([0, 1, 3, 1e6])));
    assertClose(squashed, [1, Math.exp(0.5), Math.exp(0.75), Math.E], 1e-5, "squashed");
  });

  it("want retain rows familiar and forget rows strange, in sums", async () => {
    const [r0, r1] = [1, Math.exp(0.5)];
    const extract = extractorLoss(tensor([0, 1, 1]), tensor([1, 0]));
    assertClose(await numbers(extract), [r0 + 2 * r1 - (r1 + r0)], 1e-5, "extractor loss");
    const stranger = extractorLoss(tensor([0, 1, 1]), tensor([1, 5]));
    expect((await numbers(stranger))[0]).toBeLessThan((await numbers(extract))[0]);
  });

  it("pull retain rows home and push forget rows away", async () => {
    const [dr, df, temp] = [[0.1, 0.4], [0.2, 0.6, 1], 5];
    const expected = dr.map((d) => Math.log(Math.exp(d) / df.reduce((sum, f) => sum + Math.exp(f / temp), 0)));
    const [found] = await numbers(alignmentLoss(tensor(dr), tensor(df), temp));
    expect(found).toBeCloseTo(expected[0] + expected[1], 5);
    const [far] = await numbers(alignmentLoss(tensor(dr), tensor([0.2, 0.6, 2]), temp));
    const [home] = await numbers(alignmentLoss(tensor([0, 0.4]), tensor(df), temp));
    expect(Math.max(far, home)).toBeLessThan(found);
    // One forget row, no softening: the plain difference.
    const [plain] = await numbers(alignmentLoss(tensor(dr), tensor([0.7]), 1));
    expect(plain).toBeCloseTo(0.5 - 2 * 0.7, 5);
  });

  it("measure the angle to the original's features, whatever their length", async () => {
    const shift = representationShift(
      tensor(
        [
          [1, 0],
          [2, 2],
          [-3, 0],
          [0, 0],
        ].map((r) => r),
      ),
      tensor([
        [5, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ]),
    );
    assertClose(await numbers(shift), [0, 1 - Math.SQRT1_2, 2, 1], 1e-6, "shift");
  });
});

onEachBackend("representationVae", () => {
  const vae = representationVae(3, 2, { hidden: 4 });
  const silent = treeMap((p) => zeros(p.shape), vae.init(random.key(0))) as ReturnType<typeof vae.init>;
  const features = tensor([
    [1, 2, 2],
    [0, 3, 4],
  ]);
  const key = random.key(7);

  it("of zeros answers zeros, at no cost of its code", async () => {
    assertClose(await numbers(vaeError(vae, silent, features)), [9, 25], 1e-5, "error");
    assertClose(await numbers(vaeEvidence(vae, silent, features, key)), [9, 25], 1e-5, "evidence");
  });

  it("pays for its code by the divergence from a standard normal", async () => {
    const [mu, logVariance] = [tensor([3, -1]), tensor([0, Math.log(4)])];
    const biased = {
      ...silent,
      mean: { ...silent.mean, b: mu },
      logVariance: { ...silent.logVariance, b: logVariance },
    };
    const divergence = (9 + 1 - 1 - 0 + (1 + 4 - 1 - Math.log(4))) / 2;
    const at = (klWeight?: number) =>
      vaeEvidence(vae, biased, features, key, klWeight === undefined ? {} : { klWeight });
    assertClose(await numbers(at()), [9 + 0.025 * divergence, 25 + 0.025 * divergence], 1e-5, "default weight");
    assertClose(await numbers(at(1)), [9 + divergence, 25 + divergence], 1e-5, "weight 1");
  });

  it("reconstructs from the mean, but is trained on draws", async () => {
    const params = vae.init(random.key(1));
    assertClose(
      await numbers(vaeError(vae, params, features)),
      await numbers(vaeError(vae, params, features)),
      0,
      "error",
    );
    const [a, b] = [
      await numbers(vaeEvidence(vae, params, features, key)),
      await numbers(vaeEvidence(vae, params, features, random.key(8))),
    ];
    expect(a).not.toEqual(b);
  });
});

describe("representationVae, further", () => {
  it("has right gradients", async () => {
    const vae = representationVae(3, 2);
    const params = vae.init(random.key(1));
    const wide = treeMap((p) => p.cast("float64"), params) as typeof params;
    await checkGradients((e) => vaeError(vae, wide, e), [fill({ shape: [2, 3], distinct: true }, 5)], { order: 1 });
    await checkGradients(
      (e) => vaeEvidence(vae, wide, e, random.key(2)),
      [fill({ shape: [2, 3], distinct: true }, 5)],
      {
        order: 1,
      },
    );
  });

  it("says what sizes and features it takes", () => {
    expect(() => representationVae(3, 0)).toThrow(
      "representationVae: latent must be a whole number of at least 1, got 0.",
    );
    const vae = representationVae(3, 2);
    const params = vae.init(random.key(0));
    expect(() => vaeError(vae, params, tensor([1, 2, 3]))).toThrow(/vaeError: features must be \[B, dim\], got \[3\]/);
    expect(() => vaeEvidence(vae, params, tensor([1, 2, 3]), random.key(0))).toThrow(/vaeEvidence: features must be/);
  });
});

/** Rows without labels. */
const bare = (name: string, n: number, seed: number) => {
  const { x } = rows(name, n, seed);
  return { name, x };
};
const problem = () =>
  toyProblem({
    apply: withFeatures,
    forget: bare("forget", 10, 1),
    retain: bare("retain", 30, 2),
    perExampleLoss: undefined,
  });
const options = {
  epochs: 3,
  batchSize: 8,
  vaeEpochs: 2,
  latent: 2,
  extractLearningRate: 0.01,
  alignLearningRate: 0.01,
};

onEachBackend("label-agnostic forgetting", () => {
  it("moves the representation without a label, and leaves the head alone to the bit", async () => {
    const original = problem();
    const steps: UnlearnStep[] = [];
    const { params, cost } = await unlearn(labelAgnosticForget, original, options).run((step) => void steps.push(step));
    const [before, after] = [original.params.layers, params.layers];
    expect(await values(after[1])).toEqual(await values(before[1]));
    expect(await values(after[0])).not.toEqual(await values(before[0]));
    // Two steps on each pair of batches: 3 epochs of 8 + 2 rows to forget, beside 8, 8, 8, 6, 8 and 8 to keep.
    expect(steps.filter(({ phase }) => phase === "unlearn")).toHaveLength(6);
    expect(cost.passes).toBeCloseTo(40 / 3 + 2 * (30 + 46), 9);
  });
});

describe("label-agnostic forgetting, further", () => {
  it("leaves the autoencoders as they were fitted", async () => {
    const steps: UnlearnStep[] = [];
    await unlearn(labelAgnosticForget, problem(), options).run((step) => void steps.push(step));
    const fitted = (phase: string) => steps.filter((step) => step.phase === phase);
    expect([...new Set(steps.map(({ phase }) => phase))]).toEqual([
      "VAE of all rows",
      "VAE of the forget set",
      "unlearn",
    ]);
    expect(fitted("VAE of all rows")).toHaveLength(2 * 5);
    expect(fitted("VAE of the forget set")).toHaveLength(2 * 2);
    const alone = await unlearn(labelAgnosticForget, problem(), { ...options, epochs: 1 });
    let state: UnlearnState | undefined;
    for await (const step of alone) state = step.state;
    const last = steps[steps.length - 1].state;
    for (const phase of ["VAE of all rows", "VAE of the forget set"])
      expect(await values(last.done[phase])).toEqual(await values(state!.done[phase]));
  });

  it("goes on from any phase, bit for bit", async () => {
    const ended = await unlearn(labelAgnosticForget, problem(), options).run();
    for (const stop of [4, 12, 17]) {
      let state: UnlearnState | undefined;
      let taken = 0;
      for await (const step of unlearn(labelAgnosticForget, problem(), options)) {
        state = step.state;
        if (++taken === stop) break;
      }
      const resumed = await unlearn(labelAgnosticForget, problem(), { ...options, from: state }).run();
      expect(await values(resumed.params)).toEqual(await values(ended.params));
    }
  });

  it("shifts rows to forget further than rows to keep, where they differ", async () => {
    const apart = (set: { name: string; x: NDArray }, by: number) => ({
      ...set,
      x: { ...set.x, data: (set.x.data as Float32Array).map((value, i) => value + (i % 2 === 0 ? by : -by)) },
    });
    const { forget, retain, ...rest } = problem();
    const original = { ...rest, forget: apart(forget, 2), retain: apart(retain!, -2) };
    const { params } = await unlearn(labelAgnosticForget, original, { ...options, epochs: 10, vaeEpochs: 20 }).run();
    const shift = async (x: NDArray) => {
      const [own, home] = [params, original.params].map((p) => (withFeatures(p, tensor(x)) as { feat: Tensor }).feat);
      return (await numbers(mean(representationShift(own, home))))[0];
    };
    expect(await shift(original.forget.x)).toBeGreaterThan(2 * (await shift(original.retain.x)));
  });

  it("can do without either step, not without both", async () => {
    const only = (changes: object) => unlearn(labelAgnosticForget, problem(), { ...options, ...changes }).run();
    const [both, extract, align] = [
      await only({}),
      await only({ alignLearningRate: 0 }),
      await only({ extractLearningRate: 0 }),
    ];
    expect(extract.cost.passes).toBeCloseTo(40 / 3 + (both.cost.passes - 40 / 3) / 2, 9);
    expect(await values(extract.params)).not.toEqual(await values(both.params));
    expect(align.cost.passes).toBe(extract.cost.passes);
    await expect(only({ alignLearningRate: 0, extractLearningRate: 0 })).rejects.toThrow(
      "LAF: the learning rates of both steps are 0.",
    );
  });

  it("repairs the head alone, with the labels that it is given", async () => {
    const repair = { labelledRetain: rows("labelled", 12, 5), learningRate: 0.01, epochs: 2 };
    const [plain, repaired] = [
      await unlearn(labelAgnosticForget, problem(), options).run(),
      await unlearn(labelAgnosticForget, problem(), { ...options, repair }).run(),
    ];
    expect(await values(repaired.params.layers[0])).toEqual(await values(plain.params.layers[0]));
    expect(await values(repaired.params.layers[1])).not.toEqual(await values(plain.params.layers[1]));
    expect(repaired.cost.passes - plain.cost.passes).toBeCloseTo(24, 9);
  });

  it("has no head to repair where the representation is all there is", async () => {
    const headless = toyProblem({
      apply: (params: MlpParams, x) => {
        const { out } = withFeatures(params, x) as { out: ReturnType<typeof zeros> };
        return { out, feat: out };
      },
    });
    const repair = { labelledRetain: rows("labelled", 12, 5), learningRate: 0.01, epochs: 1 };
    await expect(unlearn(labelAgnosticForget, headless, { ...options, repair }).run()).rejects.toThrow(
      "LAF: no parameters stand behind the representation (feat) to repair.",
    );
  });

  it("needs to see the representation", () => {
    expect(() => unlearn(labelAgnosticForget, toyProblem())).toThrow("LAF: apply must return { out, feat }");
  });
});
