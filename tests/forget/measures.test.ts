import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mean, random, type Tensor, treeMap } from "../../src/engine/index.js";
import {
  anamnesisIndex,
  anamnesisRatio,
  evaluateUnlearning,
  fitMembershipAttack,
  goldModels,
  goldSeed,
  membershipAuc,
  miaEfficacy,
  parameterDistance,
  relearnSteps,
  scorecard,
  type UnlearnProblem,
} from "../../src/forget/index.js";
import {
  absoluteErrors,
  accuracyOf,
  labelLosses,
  logProbabilities,
  meanDistance,
  meanDivergence,
  predictor,
} from "../../src/forget/predictions.js";
import type { MlpParams } from "../../src/nn/index.js";
import { fit as train } from "../../src/nn/index.js";
import { adam } from "../../src/optim/index.js";
import { onEachBackend } from "../engine/helpers.js";
import { int32, model, rows, toyProblem } from "./toy.js";

describe("the membership attack", () => {
  it("separates what can be separated", () => {
    const attack = fitMembershipAttack([0.8, 0.9, 0.99], [0.2, 0.5, 0.7]);
    expect(attack).toEqual({ threshold: 0.8, balancedAccuracy: 1 });
    expect(miaEfficacy(attack, [0.1, 0.79, 0.8, 0.95])).toBe(50);
  });

  it("calls all members where there is nothing to tell them by", () => {
    const attack = fitMembershipAttack([1, 1], [1, 1, 1]);
    expect(attack).toEqual({ threshold: Number.NEGATIVE_INFINITY, balancedAccuracy: 0.5 });
    expect(miaEfficacy(attack, [0, 1])).toBe(0);
  });

  it("finds the best threshold of all", () => {
    const values = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(values, values, (members, others) => {
        const rate = (t: number) =>
          (members.filter((v) => v >= t).length / members.length + others.filter((v) => v < t).length / others.length) /
          2;
        const best = Math.max(...[-1, 0, 1, 2, 3, 4, 5, 6, 7].map(rate));
        const attack = fitMembershipAttack(members, others);
        expect(attack.balancedAccuracy).toBeCloseTo(best, 12);
        expect(rate(attack.threshold)).toBeCloseTo(best, 12);
      }),
    );
  });

  it("has an area under the curve that is the share of pairs in order", () => {
    expect(membershipAuc([3, 4], [1, 2])).toBe(1);
    expect(membershipAuc([1, 2], [3, 4])).toBe(0);
    expect(membershipAuc([1, 1], [1])).toBe(0.5);
    expect(membershipAuc([2, 1], [0, 1.5, 2])).toBe((2.5 + 1) / 6);
  });

  it("needs numbers on both sides", () => {
    expect(() => fitMembershipAttack([], [1])).toThrow("membership attack: there are no members.");
    expect(() => membershipAuc([1], [])).toThrow("membership attack: there are no other rows.");
    expect(() => membershipAuc([Number.NaN], [1])).toThrow(
      "membership attack: a value of the members is not a number.",
    );
    expect(() => miaEfficacy({ threshold: 0, balancedAccuracy: 1 }, [])).toThrow("miaEfficacy: there are no rows.");
  });
});

const of = (width: number, ...values: number[]) => ({ width, values: Float64Array.from(values) });

describe("predictions", () => {
  const logits = of(2, 0, Math.log(3), 0, 0);

  it("give probabilities, losses and accuracy", () => {
    const p = Array.from(logProbabilities(logits).values, Math.exp);
    [0.25, 0.75, 0.5, 0.5].forEach((value, i) => {
      expect(p[i]).toBeCloseTo(value, 12);
    });
    const labels = { ...rows("two", 2, 1), y: int32(1, 1) };
    expect(labelLosses(logits, labels)[0]).toBeCloseTo(-Math.log(0.75), 12);
    // Of equal logits the first is the answer.
    expect(accuracyOf(logits, labels)).toBe(50);
    expect(accuracyOf(logits, { ...labels, y: int32(1, 0) })).toBe(100);
    const targets = { data: Float32Array.of(1, 5), shape: [2], dtype: "float32" } as const;
    expect(Array.from(absoluteErrors(of(1, 2, 3), { ...labels, y: targets }))).toEqual([1, 2]);
  });

  it("are compared by KL from the first, and by distance", () => {
    const other = of(2, 0, 0, 0, 0);
    const kl = 0.25 * Math.log(0.25 / 0.5) + 0.75 * Math.log(0.75 / 0.5);
    expect(meanDivergence(logits, other)).toBeCloseTo(kl / 2, 12);
    expect(meanDivergence(other, logits)).not.toBeCloseTo(kl / 2, 6);
    expect(meanDivergence(logits, logits)).toBe(0);
    expect(meanDistance(logits, other)).toBeCloseTo(Math.hypot(0.25, 0.25) / 2, 12);
  });
});

/** Trains for real, so that the toy has something to forget. */
async function trained(changes: Partial<UnlearnProblem<MlpParams>> = {}) {
  const problem = toyProblem(changes);
  const trainFromScratch = async (data: any, seed: number): Promise<MlpParams> => {
    const { params } = await train({
      loss: (p: MlpParams, x, y) => mean(problem.perExampleLoss!(p, { x, y })),
      params: model.init(random.key(seed)),
      optimizer: adam({ learningRate: 0.02 }),
      data,
      batchSize: 20,
      epochs: 5,
      seed,
    }).run();
    return params;
  };
  return { ...problem, trainFromScratch };
}

const test = rows("test", 20, 3);

onEachBackend("the scorecard", () => {
  it("gives the only gold model no distance from itself, and others their own", async () => {
    const problem = await trained();
    const [gold] = await goldModels(problem, 1);
    const card = await scorecard(problem, { golds: [gold], test });
    expect(await card.score(gold)).toMatchObject({ AvgGap: 0, KLf: 0, KLt: 0, Act: 0, Par: 0, ...card.gold });
    const far = await card.score(treeMap((p: Tensor) => p.mul(-1), gold) as MlpParams);
    expect(far.Par).toBeCloseTo(2, 5);
    expect(far.KLf).toBeGreaterThan(0);
    expect(far.AvgGap).toBeCloseTo(
      (["UA", "RA", "TA", "MIA"] as const).reduce((sum, name) => sum + Math.abs(far[name] - card.gold[name]) / 4, 0),
      10,
    );
    await expect(card.floor()).rejects.toThrow("scorecard: a noise floor needs two gold models at least.");
  });

  it("scores each gold model against the others", async () => {
    const problem = await trained();
    const golds = await goldModels(problem, 3);
    const floor = await (await scorecard(problem, { golds, test })).floor();
    expect(floor).toHaveLength(3);
    const without = await evaluateUnlearning(problem, golds[0], golds.slice(1), test);
    expect(floor[0]).toEqual(without);
  });

  it("measures regression by errors", async () => {
    const y = { data: new Float32Array(10).fill(0.5), shape: [10, 1], dtype: "float32" } as const;
    const target = (set: typeof test) => ({
      ...set,
      y: { ...y, data: new Float32Array(set.x.shape[0]).fill(0.5), shape: [set.x.shape[0]] },
    });
    const problem = toyProblem({
      apply: (p, x) => model.apply(p, x).slice([0, 0], [x.shape[0], 1]),
      forget: target(rows("forget", 10, 1)),
      retain: target(rows("retain", 30, 2)),
    });
    const gold = model.init(random.key(5));
    const scores = await evaluateUnlearning(problem, problem.params, [gold], target(test));
    const predictions = await predictor(problem)(problem.params, test);
    const error = predictions.values.reduce((sum, value) => sum + Math.abs(value - 0.5) / 20, 0);
    expect(scores.TA).toBeCloseTo(100 * error, 4);
    expect(scores.W1).toBeGreaterThan(0);
    expect(scores.KLf).toBeUndefined();
  });
});

describe("what a scorecard refuses", () => {
  const golds = [model.init(random.key(1))];
  it.each([
    [{}, [], test, "there is no gold model to compare with (see goldModels)."],
    [{ retain: undefined }, golds, test, "the problem needs the rows to keep (retain), with labels."],
    [{ forget: { name: "forget", x: rows("forget", 3, 1).x } }, golds, test, "the forget set has no labels (y)."],
    [{}, golds, rows("forget", 10, 1), "10 of 10 forget rows are in the test set as well."],
    [
      {},
      golds,
      { ...rows("test", 2, 9), y: int32(0, 7) },
      "the test set has the label 7, but the model has classes 0 to 1.",
    ],
  ] as const)("case %#", async (changes, given, rowsToTest, message) => {
    await expect(scorecard(toyProblem(changes), { golds: given, test: rowsToTest })).rejects.toThrow(
      `scorecard: ${message}`,
    );
  });
});

it("a scorecard does not score outputs that are no numbers", async () => {
  const card = await scorecard(toyProblem(), { golds: [model.init(random.key(1))], test });
  const wreck = treeMap((p: Tensor) => p.mul(1e30), model.init(random.key(1))) as MlpParams;
  await expect(card.score(wreck)).rejects.toThrow("scorecard: the model gives outputs that are not finite.");
});

describe("gold models", () => {
  it("are trained on the retain set, the first from the original's seed", async () => {
    const asked: [string, number][] = [];
    const trainFromScratch = async ({ name }: { name: string }, seed: number) => {
      asked.push([name, seed]);
      return model.init(random.key(seed));
    };
    await goldModels(toyProblem({ trainFromScratch, seed: 4 }));
    expect(asked).toEqual([
      ["retain", 4],
      ["retain", 1_000_004],
      ["retain", 2_000_004],
    ]);
    expect(goldSeed(4, 0)).toBe(4);
  });

  it("need the means", async () => {
    await expect(goldModels(toyProblem())).rejects.toThrow("lacks a way to train again (trainFromScratch)");
    await expect(goldModels(toyProblem({ retain: undefined }))).rejects.toThrow("needs the rows to keep (retain)");
  });
});

onEachBackend("relearning", () => {
  it("takes no step where nothing was forgotten, and as many as it takes elsewhere", async () => {
    const problem = await trained({ seed: 3 });
    const all = { ...problem, params: await problem.trainFromScratch(problem.retain, 3) };
    expect(await relearnSteps(all, all.params)).toEqual({ steps: 0, capped: false });
    const fresh = model.init(random.key(9));
    const options = { learningRate: 0.02, batchSize: 20, epochs: 20 };
    const relearned = await relearnSteps(all, fresh, options);
    expect(relearned.steps).toBeGreaterThan(1);
    expect(relearned.capped).toBe(false);
    expect(await relearnSteps(all, fresh, { ...options, epochs: 1, learningRate: 1e-6 })).toEqual({
      steps: 2,
      capped: true,
    });
    expect((await anamnesisIndex(all, fresh, fresh, options)).index).toBe(1);
    expect((await anamnesisIndex(all, fresh, all.params, options)).index).toBeNaN();
  });
});

describe("the anamnesis index of two counts", () => {
  const [slow, quick] = [
    { steps: 40, capped: true },
    { steps: 8, capped: false },
  ];

  it("is a bound where one model gave up, and nothing where both did", () => {
    expect(anamnesisRatio(slow, quick)).toBe(5);
    expect(anamnesisRatio(quick, slow)).toBe(0.2);
    expect(anamnesisRatio(slow, slow)).toBeNaN();
    expect(anamnesisRatio(quick, quick)).toBe(1);
    expect(anamnesisRatio(slow, { steps: 1, capped: false })).toBeNaN();
  });
});

it("measures parameters by their distance", async () => {
  const tree = model.init(random.key(1));
  expect(
    await parameterDistance(
      treeMap((p: Tensor) => p.mul(1.5), tree),
      tree,
    ),
  ).toBeCloseTo(0.5, 6);
});
