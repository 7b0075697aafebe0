import { beforeAll, describe, expect, it } from "vitest";
import { hostRandom, mean, random, setBackend, type Tensor, tensor, treeMap } from "../../src/engine/index.js";
import { finetune, gradientAscent, type Labelled, type Unlearner } from "../../src/forget/index.js";
import { memoryCache, type Row, type RunContext } from "../../src/lab/index.js";
import type { MlpParams } from "../../src/nn/index.js";
import { unlearnUnit } from "../../studies/forget/arm-unit.js";
import { baselines } from "../../studies/forget/bench.js";
import { clearlyAbove, clearlyBelow, floorInterval } from "../../studies/forget/conventions.js";
import { cachedTraining, type Recipe, rowsHash } from "../../studies/forget/recipe.js";
import { commonTable, tableText } from "../../studies/forget/table.js";
import { sceneKey, sceneOf, type Track } from "../../studies/forget/track.js";
import { trackC } from "../../studies/forget/track-c.js";
import { type Arm, budget, type Drawn, drawConfigurations, tuneArm } from "../../studies/forget/tuning.js";
import { values } from "../engine/helpers.js";
import { model, rows, toyProblem } from "./toy.js";

beforeAll(() => setBackend("node", { threads: 1 }));

const trained: [string, number][] = [];
const recipe: Recipe<MlpParams> = {
  key: "toy",
  passes: (count) => 10 * count,
  train: async (data: Labelled, seed: number) => {
    trained.push([data.name, seed]);
    return model.init(random.key(seed % 1000));
  },
};

const { apply, perExampleLoss } = toyProblem();
const track: Track<MlpParams> = {
  name: "toy",
  scenarios: ["some"],
  recipe,
  init: (seed) => model.init(random.key(seed)),
  apply,
  perExampleLoss: perExampleLoss!,
  draw: (_scenario, seed) => ({
    train: rows("train", 40, 1),
    forget: hostRandom(seed).permutation(40).slice(0, 10),
    test: rows("test", 20, 2),
  }),
};

describe("training by a recipe", () => {
  it("is done once for each set of rows and seed", async () => {
    const cache = memoryCache();
    const train = cachedTraining(recipe, cache);
    trained.length = 0;
    const [a, again] = [await train(rows("a", 5, 1), 0), await train(rows("other name", 5, 1), 0)];
    expect(await values(a)).toEqual(await values(again));
    await train(rows("a", 5, 2), 0);
    await train(rows("a", 5, 1), 1);
    await cachedTraining({ ...recipe, key: "another" }, cache)(rows("a", 5, 1), 0);
    expect(trained).toHaveLength(4);
    // Labels count as well.
    const flipped = rows("a", 5, 1);
    (flipped.y.data as Int32Array)[0] ^= 1;
    expect(await rowsHash(flipped)).not.toBe(await rowsHash(rows("a", 5, 1)));
  });

  it("opens a scene: the original on all rows, gold models on those that are kept", async () => {
    trained.length = 0;
    const scene = await sceneOf(
      track,
      { ...track.draw("some", 3), scenario: "some", seed: 3 },
      { cache: memoryCache(), golds: 2 },
    );
    expect(trained).toEqual([
      ["train", 3],
      ["retain", 3],
      ["retain", 1_000_003],
    ]);
    expect(scene.problem.forget.x.shape).toEqual([10, 4]);
    expect(scene.problem.retain.x.shape).toEqual([30, 4]);
    expect(scene.retraining).toBe(300);
    // The first gold model starts as the original does; here nothing is trained, so they are one.
    expect(await scene.card.score(scene.problem.params)).toMatchObject({ Par: 0 });
  });
});

describe("tuning", () => {
  const arm: Arm = {
    name: "FT",
    method: finetune,
    space: { learningRate: { log: [1e-3, 1] }, epochs: { integer: [1, 4] }, optimizer: { choice: ["sgd", "adam"] } },
  };
  const scene = () =>
    sceneOf(track, { ...track.draw("some", 900), scenario: "some", seed: 900 }, { cache: memoryCache(), golds: 1 });

  it("draws the same configurations for an arm wherever it is tuned", () => {
    const drawn = drawConfigurations(arm, 200);
    expect(drawConfigurations(arm, 8)).toEqual(drawn.slice(0, 8));
    expect(drawConfigurations({ ...arm, name: "GA" }, 8)).not.toEqual(drawn.slice(0, 8));
    const rates = drawn.map(({ learningRate }) => Number(learningRate));
    expect(Math.min(...rates)).toBeGreaterThanOrEqual(1e-3);
    expect(Math.max(...rates)).toBeLessThanOrEqual(1);
    // Evenly on the log scale: a third of the draws in each decade.
    expect(Math.abs(rates.filter((rate) => rate < 1e-2).length - 67)).toBeLessThan(25);
    expect(new Set(drawn.map(({ epochs }) => epochs))).toEqual(new Set([1, 2, 3, 4]));
    expect(new Set(drawn.map(({ optimizer }) => optimizer))).toEqual(new Set(["sgd", "adam"]));
  });

  it("gives all baselines that keep the retain set most of the budget on 6,000 rows, and no more", () => {
    const longest = ({ space }: Arm) => {
      const { epochs } = space as Record<string, any>;
      return Math.max(...(epochs.choice ?? epochs.integer));
    };
    // Of 40 epochs of 5,400 rows; GradDiff takes 5 batches of each set for 600 rows to forget.
    const cost = {
      FT: longest(baselines.FT) * 5400,
      RL: longest(baselines.RL) * 6000,
      GradDiff: longest(baselines.GradDiff) * (600 + 5 * 128),
    };
    for (const passes of Object.values(cost)) {
      expect(passes / (40 * 5400)).toBeGreaterThan(0.2);
      expect(passes / (40 * 5400)).toBeLessThanOrEqual(budget);
    }
  });

  it("keeps the configuration with the least AvgGap within the budget, and every trial", async () => {
    const cache = memoryCache();
    const place = await scene();
    const { options, trials } = await tuneArm(arm, place, { cache, trials: 6 });
    // An epoch is a tenth of a retraining here: three are over the budget.
    for (const { options: tried, score } of trials) expect(score !== undefined).toBe(Number(tried.epochs) <= 2);
    const best = Math.min(...trials.flatMap(({ score }) => score ?? []));
    expect(
      trials.find((trial) => trial.options === options || JSON.stringify(trial.options) === JSON.stringify(options))
        ?.score,
    ).toBe(best);
    let asked = 0;
    const counting: Unlearner = {
      ...finetune,
      run(...args) {
        asked++;
        return finetune.run(...args);
      },
    };
    expect(await tuneArm({ ...arm, method: counting }, place, { cache, trials: 6 })).toEqual({ options, trials });
    expect(asked).toBe(0);
    // What an arm leaves to the method counts as well.
    const defaults = { ...counting.defaults, batchSize: 7 };
    await tuneArm({ ...arm, method: { ...counting, defaults } }, place, { cache, trials: 6 });
    expect(asked).toBe(6);
  });

  it("tells scenes apart that differ in their original alone", async () => {
    const place = await scene();
    const other = { ...place, problem: { ...place.problem, params: model.init(random.key(77)) } };
    expect(await sceneKey(other)).not.toEqual(await sceneKey(place));
    expect(await sceneKey(place)).toEqual(await sceneKey(await scene()));
    expect(await sceneKey({ ...place, golds: [] })).not.toEqual(await sceneKey(place));
  });

  it("passes over what diverged, and says so when all did", async () => {
    const wild: Arm = {
      name: "GA",
      method: gradientAscent,
      space: { learningRate: { log: [1e30, 1e35] }, epochs: { integer: [9, 9] } },
    };
    await expect(tuneArm(wild, await scene(), { cache: memoryCache(), trials: 2 })).rejects.toThrow(
      "GA: all 2 configurations diverged or went over the budget.",
    );
  });

  it("passes over models that answer with no numbers", async () => {
    const wreck: Unlearner = {
      ...finetune,
      async *run(view) {
        return treeMap((leaf: Tensor) => leaf.mul(1e30), view.params) as typeof view.params;
      },
    };
    const arm: Arm = { name: "wreck", method: wreck, space: { learningRate: { log: [1e-3, 1] } } };
    await expect(tuneArm(arm, await scene(), { cache: memoryCache(), trials: 2 })).rejects.toThrow(
      "wreck: all 2 configurations diverged or went over the budget.",
    );
  });

  it("has nothing to do for an arm without a space", async () => {
    expect(await tuneArm({ name: "FT", method: finetune }, await scene(), { cache: memoryCache() })).toEqual({
      options: {},
      trials: [],
    });
  });
});

describe("an arm in one place", () => {
  const place = {
    scenario: "some",
    seed: 3,
    scene: () =>
      sceneOf(track, { ...track.draw("some", 3), scenario: "some", seed: 3 }, { cache: memoryCache(), golds: 1 }),
  };
  const run = async (options: Drawn) => {
    const [rows, said]: [Row[], string[]] = [[], []];
    const context = {
      unit: (_name: string, work: () => Promise<unknown>) => work(),
      checkpoint: { restore: () => undefined, save: async () => {} },
      meter: { step: () => {} },
      signal: new AbortController().signal,
      record: (row: Row) => rows.push(row),
      log: (message: string) => said.push(message),
    };
    await unlearnUnit(context as unknown as RunContext<unknown>, place, { name: "FT", method: finetune }, options);
    return { rows, said };
  };

  it("has a row with its scores and its cost", async () => {
    const { rows } = await run({ learningRate: 1e-3, epochs: 2 });
    expect(rows).toHaveLength(1);
    // Two epochs, where a retraining has ten.
    expect(rows[0]).toMatchObject({ arm: "FT", seed: 3, setting: { scenario: "some" }, measures: { cost: 20 } });
  });

  it("has none where it diverges, and the rest goes on", async () => {
    const { rows, said } = await run({ learningRate: 1e39, epochs: 2 });
    expect(rows).toEqual([]);
    expect(said[0]).toMatch(/^FT, some, seed 3 has no row\. FT: the loss became/);
  });
});

describe("the family's conventions", () => {
  it("ask for an interval clear of 0 and the sign of four seeds in five", () => {
    expect(clearlyAbove([1, 2, 1, 3, 2])).toBe(true);
    expect(clearlyAbove([10, 10, 10, -1, -1])).toBe(false);
    expect(clearlyAbove([1, 1, 1, 1, -0.1])).toBe(true);
    expect(clearlyAbove([1, 1, -0.1])).toBe(false);
    expect(clearlyAbove([1])).toBe(false);
    expect(clearlyBelow([-1, -2, -1, -3, -2])).toBe(true);
  });

  const row = (arm: string, seed: number, AvgGap: number): Row => ({ arm, seed, measures: { UA: 10, AvgGap } });
  const table = [
    row("original", 0, 9),
    row("gold", 0, 0),
    row("floor", 0, 0.4),
    row("floor", 1, 0.6),
    row("FT", 0, 0.5),
    row("FT", 1, 0.4),
    row("GA", 0, 7),
  ];

  it("call a method equal to retraining within the noise floor only", () => {
    expect(floorInterval(table)![0]).toBeCloseTo(0.405, 6);
    expect(floorInterval(table.slice(0, 2))).toBeUndefined();
    const lines = commonTable(table);
    expect(lines.map(({ arm, equal }) => [arm, equal])).toEqual([
      ["original", undefined],
      ["gold", undefined],
      ["floor", undefined],
      ["FT", true],
      ["GA", false],
    ]);
    expect(tableText(lines).split("\n")).toEqual([
      "            UA  AvgGap  as gold",
      "original  10.0    9.00",
      "gold      10.0    0.00",
      "floor     10.0    0.50",
      "FT        10.0    0.45      yes",
      "GA        10.0    7.00       no",
    ]);
  });
});

describe("the anamnesis index in the common table", () => {
  const row = (arm: string, seed: number, AIN: number | undefined, capped: number): Row => ({
    arm,
    seed,
    measures: { UA: 10, capped, ...(AIN === undefined ? {} : { AIN }) },
  });
  const cellsOf = (rows: readonly Row[]) =>
    tableText(commonTable(rows))
      .split("\n")
      .slice(1)
      .map((line) => line.split(/ +/)[2] ?? "");

  it("is marked as a bound where relearning was given up", () => {
    expect(cellsOf([row("gold", 0, 1, 0), row("FT", 0, 0.2, 0), row("RL", 0, 5, 1)])).toEqual([
      "1.00",
      "0.20",
      ">=5.00",
    ]);
    expect(cellsOf([row("gold", 0, undefined, 1), row("FT", 0, 0.2, 0), row("RL", 0, undefined, 1)])).toEqual([
      "",
      "<=0.20",
      "",
    ]);
    // From below on one seed and from above on another: no bound at all.
    const both = [row("gold", 0, 1, 0), row("gold", 1, undefined, 1), row("RL", 0, 5, 1), row("RL", 1, 0.5, 0)];
    expect(cellsOf(both)[1]).toBe("?2.75");
  });
});

describe("track C", () => {
  it("draws the same forget sets again, disjoint from what is kept and tested", async () => {
    const digits = await trackC("digits");
    const labelsOf = (set: Labelled) => Array.from(set.y.data, Number);
    for (const scenario of digits.scenarios) {
      const [a, b, other] = [digits.draw(scenario, 3), digits.draw(scenario, 3), digits.draw(scenario, 4)];
      expect(a.forget).toEqual(b.forget);
      expect(other.forget).not.toEqual(a.forget);
      expect(new Set(a.forget).size).toBe(a.forget.length);
    }
    expect(digits.draw("random10", 0).forget).toHaveLength(120);
    const { train, forget, test } = digits.draw("class", 13);
    expect(new Set(Array.from(forget, (at) => labelsOf(train)[at]))).toEqual(new Set([3]));
    expect(labelsOf(train).filter((label) => label === 3)).toHaveLength(forget.length);
    expect(labelsOf(test)).not.toContain(3);
    const wrong = digits.draw("mislabel", 0);
    const right = labelsOf(digits.draw("random10", 0).train);
    labelsOf(wrong.train).forEach((label, at) => {
      expect(label !== right[at]).toBe(wrong.forget.includes(at));
    });
  });

  it("shows the hidden units that its logits are made of", async () => {
    const digits = await trackC("digits");
    const params = digits.init(1);
    const x = tensor(digits.draw("class", 0).test.x).slice([0, 0], [3, 64]);
    const { out, feat } = digits.apply(params, x) as any;
    expect(feat.shape).toEqual([3, 32]);
    const { w, b } = params.layers[2];
    expect(await values(out)).toEqual(await values(feat.matmul(w).add(b)));
    expect(
      await mean(digits.perExampleLoss(params, { x, y: tensor([0, 1, 2], { dtype: "int32" }) })).item(),
    ).toBeGreaterThan(0);
  });
});
