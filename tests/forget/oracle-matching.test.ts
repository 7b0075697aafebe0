import { describe, expect, it } from "vitest";
import { type NDArray, random, tensor, treeLeaves, treeMap } from "../../src/engine/index.js";
import {
  type Datamodels,
  datamodelMatching,
  dmDirect,
  ensembleProblem,
  finetune,
  gradDiff,
  gradientAscent,
  oracleMatching,
  predictRetrained,
  scrub,
  teacherDivergence,
  type UnlearnState,
  unlearn,
} from "../../src/forget/index.js";
import { initMany, type MlpParams, unstack } from "../../src/nn/index.js";
import { assertClose, numbers, onEachBackend, values } from "../engine/helpers.js";
import { model, rows, toyProblem } from "./toy.js";

const problem = toyProblem();
const outputsOf = async (params: MlpParams, x: NDArray): Promise<NDArray> => model.apply(params, tensor(x)).array();
const other = model.init(random.key(5));
/** 40 examples of which the forget set holds every fourth. */
const forgetRows = Array.from({ length: 10 }, (_, i) => 4 * i);
const keptRows = Array.from({ length: 40 }, (_, i) => i).filter((i) => !forgetRows.includes(i));

/** Datamodels of all 40 examples in which forgetting shifts both logits of example e by these amounts. */
const shifting = (by: (example: number) => [number, number]): Datamodels => {
  const weights = new Float32Array(40 * 40 * 2);
  for (let e = 0; e < 40; e++)
    weights.set(
      by(e).map((shift) => -shift),
      (forgetRows[0] * 40 + e) * 2,
    );
  return {
    weights: { data: weights, shape: [40, 40, 2], dtype: "float32" },
    bias: { data: new Float32Array(80), shape: [40, 2], dtype: "float32" },
    regulariser: "ridge",
    lambda: 1,
  };
};
const all = { steps: 1, batchSize: 40, forgetFraction: 0.25 };

onEachBackend("oracle matching", () => {
  it("makes the model say what another says, on forget and retain rows", async () => {
    const targets = {
      forget: await outputsOf(other, problem.forget.x),
      retain: await outputsOf(other, problem.retain!.x),
    };
    const { params, cost } = await unlearn(oracleMatching(targets), problem, {
      steps: 150,
      batchSize: 20,
      learningRate: 0.05,
      optimizer: "adam",
    }).run();
    expect(cost).toMatchObject({ passes: 3000, steps: 150 });
    for (const name of ["forget", "retain"] as const) {
      const now = (await outputsOf(params, problem[name]!.x)).data as Float32Array;
      const gap = now.reduce((sum, v, i) => sum + (v - Number(targets[name].data[i])) ** 2, 0) / now.length;
      expect(gap).toBeLessThan(0.05);
    }
  });

  it("goes on bit for bit", async () => {
    const targets = {
      forget: await outputsOf(other, problem.forget.x),
      retain: await outputsOf(other, problem.retain!.x),
    };
    const options = { steps: 6, batchSize: 16 };
    let third: UnlearnState | undefined;
    const whole = await unlearn(oracleMatching(targets), problem, options).run(async ({ step, state }) => {
      // Tensors of a state are used up by the next step: a copy is what a checkpoint keeps.
      if (step === 3) third = await copied(state);
    });
    const resumed = await unlearn(oracleMatching(targets), problem, { ...options, from: third }).run();
    expect(await values(resumed.params)).toEqual(await values(whole.params));
  });
});

const copied = async (state: UnlearnState): Promise<UnlearnState> => {
  const arrays: [unknown, NDArray][] = [];
  await Promise.all(
    [state.current!.params, state.current!.state].map(async (tree) => {
      for (const t of treeLeaves(tree)) arrays.push([t, await t.array()]);
    }),
  );
  const copy = (tree: unknown) => treeMap((t) => tensor(new Map(arrays).get(t)!), tree);
  return {
    ...state,
    current: { ...state.current!, params: copy(state.current!.params), state: copy(state.current!.state) },
  };
};

describe("datamodel matching", () => {
  it("leaves a model alone where forgetting has no effect", async () => {
    const method = datamodelMatching(
      shifting(() => [0, 0]),
      forgetRows,
    );
    const { params, log, cost } = await unlearn(method, problem, { ...all, steps: 3 }).run();
    assertClose((await values(params)).flat(), (await values(problem.params)).flat(), 1e-7, "parameters");
    for (const { loss } of log) expect(loss).toBeLessThan(1e-12);
    // A forward pass of all rows for the targets, and the steps.
    expect(cost.passes).toBeCloseTo(40 / 3 + 3 * 40, 10);
  });

  it("corrects the targets of retain rows as well as those of forget rows, each by its own effect", async () => {
    const firstLoss = async (by: (example: number) => [number, number]) =>
      (await unlearn(datamodelMatching(shifting(by), forgetRows), problem, all).run()).log[0].loss;
    // Before the first step the loss is the mean square of the effects.
    expect(await firstLoss((e) => (e === keptRows[7] ? [3, 1] : [0, 0]))).toBeCloseTo(10 / 40, 5);
    expect(await firstLoss((e) => (e === forgetRows[2] ? [0, 2] : [0, 0]))).toBeCloseTo(4 / 40, 5);
    expect(await firstLoss((e) => [e / 10, 0])).toBeCloseTo(
      Array.from({ length: 40 }, (_, e) => (e / 10) ** 2).reduce((a, b) => a + b) / 40,
      4,
    );
  });

  it("without a network is the prediction itself", async () => {
    const datamodels = shifting((e) => [e, -e]);
    const examples = rows("examples", 40, 8);
    const direct = await dmDirect(problem, examples, datamodels, forgetRows);
    const own = await outputsOf(problem.params, examples.x);
    assertClose(
      [...(direct.data as Float32Array)],
      [...(predictRetrained(datamodels, own, forgetRows).data as Float32Array)],
      1e-6,
      "predictions",
    );
  });

  it("reads neither labels nor losses", () => {
    for (const method of [
      oracleMatching({} as any),
      datamodelMatching(
        shifting(() => [0, 0]),
        forgetRows,
      ),
    ])
      expect(method.needs(method.defaults)).toEqual(["retain"]);
  });

  it("refuses targets, datamodels and batches that do not fit", async () => {
    const [forget, retain] = await Promise.all([problem.forget, problem.retain!].map(({ x }) => outputsOf(other, x)));
    const run = (targets: { forget: NDArray; retain: NDArray }, options = {}) =>
      unlearn(oracleMatching(targets), problem, options).run();
    await expect(run({ forget: retain, retain })).rejects.toThrow(
      "oracle matching: the forget set has 10 rows, but there are targets for 30.",
    );
    const wide = (n: number): NDArray => ({ data: new Float32Array(n * 3), shape: [n, 3], dtype: "float32" });
    await expect(run({ forget: wide(10), retain: wide(30) })).rejects.toThrow(
      "oracle matching: the model gives [2] for each row, but the targets are [3].",
    );
    await expect(run({ forget, retain }, { forgetFraction: 0 })).rejects.toThrow("must hold rows of both sets");
    const none = shifting(() => [0, 0]);
    await expect(unlearn(datamodelMatching(none, [1, 2]), problem).run()).rejects.toThrow(
      "DMM: forget and retain set have 10 and 30 rows, but 2 and 38 of the 40 examples are to be forgotten and kept.",
    );
    const few = { ...none, bias: { ...none.bias, shape: [20, 4] } };
    await expect(unlearn(datamodelMatching(few, forgetRows), problem).run()).rejects.toThrow(
      "DMM: the datamodels have 20 targets, but must have the 40 examples first.",
    );
    await expect(dmDirect(problem, rows("test", 7, 1), none, forgetRows)).rejects.toThrow(
      "dmDirect: the datamodels have 40 targets, but test has 7 rows.",
    );
    const odd = { ...none, bias: { ...none.bias, data: new Float32Array(120), shape: [40, 3] } };
    const triple = { ...odd, weights: { data: new Float32Array(4800), shape: [40, 40, 3], dtype: "float32" as const } };
    await expect(unlearn(datamodelMatching(triple, forgetRows), problem).run()).rejects.toThrow(
      "datamodels: they are of 3 outputs for each target, but the model gives [2].",
    );
  });
});

describe("many models as one problem", () => {
  const params = initMany(model, random.split(random.key(1), 3));
  const options = { steps: 5, batchSize: 8, epochs: 9 };

  it.each([finetune, gradientAscent, gradDiff, scrub])("unlearns each as if alone: $name", async (method) => {
    const { params: many } = await unlearn(method, ensembleProblem(toyProblem({ params })), options).run();
    for (const i of [0, 2]) {
      const { params: one } = await unlearn(method, toyProblem({ params: unstack(params, i) }), options).run();
      assertClose((await values(unstack(many, i))).flat(), (await values(one)).flat(), 1e-5, `model ${i}`);
    }
  });

  it("matches datamodels' predictions of each, from its own outputs", async () => {
    const method = datamodelMatching(
      shifting((e) => [e / 20, -e / 40]),
      forgetRows,
    );
    const { params: many } = await unlearn(method, ensembleProblem(toyProblem({ params })), options).run();
    const { params: one } = await unlearn(method, toyProblem({ params: unstack(params, 1) }), options).run();
    assertClose((await values(unstack(many, 1))).flat(), (await values(one)).flat(), 1e-5, "model 1");
  });

  it("needs stacked parameters", () => {
    expect(() => ensembleProblem(toyProblem())).toThrow("must all have the models on their first axis");
  });
});

describe("SCRUB", () => {
  it("without its divergences is fine-tuning", async () => {
    const options = { batchSize: 8, steps: 4, epochs: 9, learningRate: 0.1 };
    const off = { keepWeight: 0, forgetWeight: 0, pushShare: 0 };
    const scrubbed = await unlearn(scrub, problem, { ...options, ...off }).run();
    const tuned = await unlearn(finetune, { ...problem, seed: problem.seed + 1 }, options).run();
    assertClose((await values(scrubbed.params)).flat(), (await values(tuned.params)).flat(), 1e-6, "parameters");
  });

  it("pushes forget rows away from the teacher in the first phase, and counts the teacher's passes", async () => {
    const gap = async (params: MlpParams) => {
      const of = (p: MlpParams) => model.apply(p, tensor(problem.forget.x));
      return (await numbers(teacherDivergence(of(params), of(problem.params)))).reduce((a, b) => a + b);
    };
    const options = { batchSize: 10, epochs: 12, learningRate: 0.1, keepWeight: 0 };
    const [push, rest] = [
      { forgetWeight: 3, pushShare: 1 },
      { forgetWeight: 0, pushShare: 1 },
    ];
    const away = await unlearn(scrub, problem, { ...options, ...push }).run();
    const near = await unlearn(scrub, problem, { ...options, ...rest }).run();
    expect(await gap(away.params)).toBeGreaterThan(2 * (await gap(near.params)));
    expect(away.cost.passes).toBeCloseTo((4 / 3) * 12 * 20, 8);
  });

  it("measures KL(teacher || student)", async () => {
    const [divergence] = await numbers(teacherDivergence(tensor([[0, 0]]), tensor([[Math.log(3), 0]])));
    expect(divergence).toBeCloseTo(0.75 * Math.log(1.5) + 0.25 * Math.log(0.5), 6);
  });
});
