import { describe, expect, it } from "vitest";
import { crossEntropy, mean, random } from "../../src/engine/index.js";
import { type AuditedModel, auditUnlearning, type Labelled } from "../../src/forget/index.js";
import { type MlpParams, fit as train } from "../../src/nn/index.js";
import { adam } from "../../src/optim/index.js";
import { onEachBackend } from "../engine/helpers.js";
import { model, rows } from "./toy.js";

const apply: AuditedModel<MlpParams>["apply"] = (params, x) => model.apply(params, x);

/** Rows whose labels say the opposite of what they show: they can only be learned by heart. */
const contrary = (name: string, n: number, seed: number): Labelled => {
  const { x, y } = rows(name, n, seed);
  return { name, x, y: { ...y, data: Int32Array.from(y.data as Int32Array, (label) => 1 - label) } };
};

const trained = async (data: Labelled, seed: number): Promise<AuditedModel<MlpParams>> => {
  const { params } = await train({
    loss: (p: MlpParams, x, y) => mean(crossEntropy(model.apply(p, x), y)),
    params: model.init(random.key(seed)),
    optimizer: adam({ learningRate: 0.03 }),
    data,
    steps: 150,
  }).run();
  return { params, apply };
};
const forget = contrary("forget", 20, 1);
const test = rows("test", 60, 3);
const quick = { resamples: 100, repeats: 2, relearnSteps: 20, learningRate: 0.01 };

onEachBackend("an audit", () => {
  it("finds that an unchanged model remembers", async () => {
    const original = await trained(forget, 0);
    const same = await auditUnlearning({ original, unlearned: original, forget, test }, quick);
    expect(same.findings[0]).toMatch(/^The forget rows are still remembered/);
    expect(same.relearning.unlearned).toMatchObject({ value: 0, low: 0, high: 0, capped: false });
    expect(same.change.agreementTest).toEqual({ value: 100, low: 100, high: 100 });
    expect(same.change.divergenceForget.value).toBeCloseTo(0, 6);
  });
});

describe("an audit", () => {
  const blank: AuditedModel<MlpParams> = { params: model.init(random.key(4)), apply };

  it("clears a model that never saw the rows, and compares with one that is known not to have", async () => {
    const original = await trained(forget, 0);
    const retrained = await trained(rows("retain", 60, 2), 0);
    const never = await auditUnlearning({ original, unlearned: retrained, retrained, forget, test }, quick);
    expect(never.findings.join("\n")).not.toMatch(/still remembered/);
    expect(never.models.unlearned).toEqual(never.models.retrained);
    expect(never.relearning.unlearned).toEqual(never.relearning.retrained);
    expect(never.limits.join("\n")).not.toMatch(/Without a model retrained/);
    // The same seed, the same numbers.
    expect(await auditUnlearning({ original, unlearned: retrained, retrained, forget, test }, quick)).toEqual(never);
  });

  it("says so where the original memorised nothing", async () => {
    const input = { original: blank, unlearned: blank, forget: rows("forget", 30, 8), test };
    const { findings, limits } = await auditUnlearning(input, quick);
    expect(findings[0]).toMatch(/it memorised nothing that these measures could see/);
    expect(limits.join("\n")).toMatch(/With 30 forget rows the intervals are wide/);
  });

  it("refuses sets and models that do not fit", async () => {
    const run = (changes: object) =>
      auditUnlearning({ original: blank, unlearned: blank, forget, test, ...changes }, quick);
    await expect(run({ test: forget })).rejects.toThrow("audit: 20 of 20 forget rows are in the test set as well.");
    await expect(run({ retain: forget })).rejects.toThrow("in the retain set as well.");
    await expect(run({ forget: rows("forget", 0, 1) })).rejects.toThrow("audit: the forget set is empty.");
    const targets = { ...forget, y: { data: new Float32Array(20), shape: [20], dtype: "float32" } };
    await expect(run({ forget: targets })).rejects.toThrow("the forget set needs a class for each row");
    const ninth = { ...forget, y: { ...forget.y, data: new Int32Array(20).fill(9) } };
    await expect(run({ forget: ninth })).rejects.toThrow(
      "the forget set has the label 9, but the model has classes 0 to 1.",
    );
    const flat: AuditedModel<MlpParams> = {
      params: blank.params,
      apply: (p, x) => apply(p, x).reshape(x.shape[0] * 2),
    };
    await expect(run({ unlearned: flat })).rejects.toThrow(
      "the unlearned model must give logits [n, classes], not [4].",
    );
    await expect(
      auditUnlearning(
        { original: blank, unlearned: blank, forget, test },
        { ...quick, signal: AbortSignal.abort(new Error("no")) },
      ),
    ).rejects.toThrow("no");
  });
});
