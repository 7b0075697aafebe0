import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crossEntropy, hostRandom, random, square, sub, sum, type Tensor, tensor } from "../../src/engine/index.js";
import {
  type ForgetSetProblem,
  type Labelled,
  projectCappedSimplex,
  type WorstCaseOptions,
  type WorstCaseState,
  worstCaseForgetSet,
} from "../../src/forget/index.js";
import { mlp } from "../../src/nn/index.js";
import { onEachBackend } from "../engine/helpers.js";
import { rows } from "./toy.js";

const total = (x: Float64Array) => x.reduce((a, b) => a + b, 0);

describe("projectCappedSimplex", () => {
  it("leaves what is inside, and shifts and clips what is not", () => {
    expect([...projectCappedSimplex([0.25, 0.5, 0.25], 1)].map((x) => Number(x.toFixed(6)))).toEqual([0.25, 0.5, 0.25]);
    expect([...projectCappedSimplex([1, 2, 3], 1)].map((x) => Number(x.toFixed(6)))).toEqual([0, 0, 1]);
    expect([...projectCappedSimplex([0, 0.2, 5], 2)].map((x) => Number(x.toFixed(6)))).toEqual([0.4, 0.6, 1]);
    expect([...projectCappedSimplex([7, 7], 2)].map((x) => Number(x.toFixed(6)))).toEqual([1, 1]);
    expect([...projectCappedSimplex([7, -7], 0)].map((x) => Number(x.toFixed(6)))).toEqual([0, 0]);
    expect([...projectCappedSimplex([0, 4], 4, 3)].map((x) => Number(x.toFixed(6)))).toEqual([1, 3]);
  });

  it("gives the nearest of all points that it may give", () => {
    const coordinate = fc.double({ min: -3, max: 3, noNaN: true });
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    const case_ = fc.array(fc.tuple(coordinate, unit), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(case_, (pairs) => {
        const v = pairs.map(([x]) => x);
        // Another feasible point, whose sum is asked for.
        const other = pairs.map(([, u]) => u);
        const sum = other.reduce((a, b) => a + b, 0);
        const w = projectCappedSimplex(v, sum);
        expect(total(w)).toBeCloseTo(sum, 6);
        for (const x of w) expect(x >= 0 && x <= 1).toBe(true);
        // The angle between v - w and any feasible direction is not acute.
        const inner = v.reduce((acc, x, i) => acc + (x - w[i]) * (other[i] - w[i]), 0);
        expect(inner).toBeLessThan(1e-6);
      }),
      { numRuns: 200 },
    );
  });

  it("says when there is no such point", () => {
    expect(() => projectCappedSimplex([1, 2], 3)).toThrow("2 coordinates of at most 1 cannot sum to 3");
    expect(() => projectCappedSimplex([1, 2], -1)).toThrow("it must be from 0 to 2");
    expect(() => projectCappedSimplex([1, Number.NaN], 1)).toThrow("coordinate 1 is NaN");
  });
});

/** Rows that are numbers; each row's loss is what it says, whatever the parameters: (theta - theta) + x. */
const fixed = (losses: readonly number[], classes?: readonly number[]): ForgetSetProblem<Tensor> => ({
  params: tensor([0]),
  perExampleLoss: (theta, { x }) => sum(sub(x, sub(theta, theta)), 1),
  train: {
    name: "train",
    x: { data: Float32Array.from(losses), shape: [losses.length, 1], dtype: "float32" },
    y: { data: Int32Array.from(classes ?? losses.map(() => 0)), shape: [losses.length], dtype: "int32" },
  },
  seed: 0,
});
const found = (problem: ForgetSetProblem<any>, options: WorstCaseOptions) => worstCaseForgetSet(problem, options).run();

describe("worstCaseForgetSet", () => {
  const losses = [5, 1, 4, 0, 3, 2];
  const options = { size: 2, outer: 20, inner: 1, weightLearningRate: 0.1 };

  it("chooses the rows of least loss after unlearning, or the greatest for the easiest", async () => {
    const worst = await found(fixed(losses), options);
    expect([...worst.indices]).toEqual([1, 3]);
    expect(total(worst.w)).toBeCloseTo(2, 6);
    const easiest = await found(fixed(losses), { ...options, easiest: true });
    expect([...easiest.indices]).toEqual([0, 2]);
    // The objective falls, and w comes to rest.
    const { history } = worst;
    expect(history.length).toBe(20);
    expect(history[19].objective).toBeLessThan(history[0].objective);
    expect(history[19].moved).toBeLessThan(1e-6);
  });

  it("starts at random rows and follows the projected gradient exactly", async () => {
    let start: Float64Array | undefined;
    for (let seed = 0; seed < 3; seed++) {
      const problem = { ...fixed(losses), seed };
      const first = await found(problem, { ...options, outer: 1, weightLearningRate: 0 });
      expect([...first.w].sort()).toEqual([0, 0, 0, 0, 1, 1]);
      start = first.w;
      const { w, history } = await found(problem, { ...options, outer: 1, gamma: 0.5 });
      const wanted = projectCappedSimplex(
        start.map((own, i) => own - 0.1 * (losses[i] + own)),
        2,
      );
      expect([...w]).toEqual([...wanted]);
      expect(history[0].objective).toBeCloseTo(start.reduce((acc, own, i) => acc + own * losses[i], 0) + 1, 6);
    }
  });

  it("spreads w as gamma asks, and makes it whole again on demand", async () => {
    const spread = await found(fixed(losses), { ...options, gamma: 100, weightLearningRate: 1e-3 });
    for (const own of spread.w) expect(own).toBeCloseTo(1 / 3, 1);
    const whole = await found(fixed(losses), { ...options, outer: 3, binariseEvery: 3 });
    expect([...whole.w].sort()).toEqual([0, 0, 0, 0, 1, 1]);
  });

  it("chooses classes by the sum of their rows' losses", async () => {
    // Class 0 has the least loss of a row, class 1 the least sum.
    const problem = fixed([0, 5, 1, 2, 4, 4], [0, 0, 1, 1, 2, 2]);
    const { indices, w } = await found(problem, { ...options, size: 1, unit: "class" });
    expect([...indices]).toEqual([2, 3]);
    expect(w.length).toBe(3);
  });

  it("unlearns from the original parameters in every round", async () => {
    // Every row pulls theta to its own number; at rate 0.25 and 3 steps a round, theta gets no further than 0.75.
    const numbers = [1, 1, 1, 9, 9, 9];
    const pulled: ForgetSetProblem<Tensor> = {
      ...fixed(numbers),
      perExampleLoss: (theta, { x }) => sum(square(sub(x, theta)), 1),
    };
    const seen: number[] = [];
    const one = { size: 1, outer: 3, inner: 3, innerLearningRate: 0.25, weightLearningRate: 0, batchSize: 6 };
    for await (const { objective } of worstCaseForgetSet(pulled, one)) seen.push(objective);
    const theta = 0.75;
    for (const objective of seen) expect([(1 - theta) ** 2, (9 - theta) ** 2]).toContain(objective);
    expect(new Set(seen).size).toBe(1);
  });

  it("moves away from the chosen rows in its other forms", async () => {
    // One row at -1 and one at 1: theta follows the row that is kept, and flees the other one under GA.
    const two: ForgetSetProblem<Tensor> = {
      ...fixed([-1, 1]),
      perExampleLoss: (theta, { x }) => sum(square(sub(x, theta)), 1),
    };
    const lossOfChosen = async (lower: "FT" | "GA") => {
      const { history } = await found(two, {
        size: 1,
        outer: 1,
        inner: 1,
        innerLearningRate: 0.5,
        lower,
        batchSize: 1,
      });
      return history[0].objective;
    };
    // One step towards the kept row; under GA, a second one in the same direction.
    expect(await lossOfChosen("FT")).toBeCloseTo(1.5 ** 2, 6);
    expect(await lossOfChosen("GA")).toBeCloseTo(2 ** 2, 6);
  });

  it("goes on bit for bit from a round that was kept", async () => {
    const model = mlp({ sizes: [4, 8, 2] });
    const train: Labelled = rows("train", 24, 1);
    const problem: ForgetSetProblem<any> = {
      params: model.init(random.key(0)),
      perExampleLoss: (params, { x, y }) => crossEntropy(model.apply(params, x), y),
      train,
      seed: 3,
    };
    const few = { size: 5, outer: 4, inner: 1, batchSize: 10, weightLearningRate: 0.3, lower: "RL" } as const;
    const whole = await found(problem, few);
    let kept: WorstCaseState | undefined;
    for await (const { round, state } of worstCaseForgetSet(problem, few)) {
      if (round < 2) continue;
      kept = state;
      break;
    }
    const resumed = await found(problem, { ...few, from: kept });
    expect([...resumed.w]).toEqual([...whole.w]);
    expect(resumed.history).toEqual(whole.history);
    expect(resumed.cost.passes).toBeCloseTo(4 * 24 * (1 + 1 / 3), 6);
    expect(resumed.cost.steps).toBe(12);
  });

  it("stops when it is told to", async () => {
    const controller = new AbortController();
    controller.abort(new Error("enough"));
    await expect(found(fixed(losses), { ...options, signal: controller.signal })).rejects.toThrow("enough");
  });

  it("says what is wrong with its options", () => {
    const start = (more: Partial<WorstCaseOptions>, problem = fixed(losses)) =>
      worstCaseForgetSet(problem, { ...options, ...more });
    expect(() => start({ size: 6 })).toThrow("size must be a whole number from 1 to 5, so that something is left of 6");
    expect(() => start({ size: 0 })).toThrow("got 0");
    expect(() => start({ inner: 0 })).toThrow("worstCaseForgetSet: inner must be a whole number of at least 1, got 0");
    const y = { data: new Float32Array(6), shape: [6], dtype: "float32" as const };
    const targets = { ...fixed(losses), train: { ...fixed(losses).train, y } };
    expect(() => start({ unit: "class", size: 1 }, targets)).toThrow(
      "classes need an int32 label for each row, but the train set has float32[6]",
    );
    expect(() => start({ lower: "RL" }, targets)).toThrow("random labels need int32 labels");
    // A class that no row has would have the least loss of all.
    expect(() => start({ unit: "class", size: 1 }, fixed(losses, [0, 0, 2, 2, 3, 3]))).toThrow(
      "numbered from 0 without gaps, but no row of the train set is of class 1",
    );
  });
});

onEachBackend("worstCaseForgetSet", () => {
  it("finds rows that stay fitted: those in the middle of their class", async () => {
    const draw = hostRandom(5);
    const labels = Int32Array.from({ length: 40 }, (_, i) => i % 2);
    // The first half of the rows stand for themselves, the others are one prototype each with a little noise.
    const data = Float32Array.from({ length: 40 * 8 }, (_, k) => {
      const row = Math.floor(k / 8);
      return row < 20 ? draw.normal() : (labels[row] ? 1 : -1) * 1.5 + 0.1 * draw.normal();
    });
    const model = mlp({ sizes: [8, 16, 2] });
    const problem: ForgetSetProblem<any> = {
      params: model.init(random.key(0)),
      perExampleLoss: (params, { x, y }) => crossEntropy(model.apply(params, x), y),
      train: {
        name: "train",
        x: { data, shape: [40, 8], dtype: "float32" },
        y: { data: labels, shape: [40], dtype: "int32" },
      },
      seed: 0,
    };
    const { indices } = await found(problem, {
      size: 8,
      outer: 8,
      inner: 6,
      innerLearningRate: 0.01,
      weightLearningRate: 1,
      batchSize: 20,
    });
    expect(indices.length).toBe(8);
    for (const row of indices) expect(row).toBeGreaterThanOrEqual(20);
  });
});
