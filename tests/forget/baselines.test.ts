import { describe, expect, it } from "vitest";
import { grad, hostRandom, mean, type Tensor, tensor, treeMap } from "../../src/engine/index.js";
import {
  finetune,
  gradDiff,
  gradientAscent,
  joinRows,
  optimizerOf,
  randomLabelling,
  randomLabels,
  unlearn,
} from "../../src/forget/index.js";
import type { MlpParams } from "../../src/nn/index.js";
import { assertClose, onEachBackend, values } from "../engine/helpers.js";
import { int32, rows, toyProblem } from "./toy.js";

const problem = toyProblem();
const { params, perExampleLoss, forget, retain } = problem;
/** All rows in one batch, one step. */
const once = { batchSize: 100, epochs: 1, learningRate: 0.1, optimizer: "sgd" } as const;

const flat = async (tree: unknown) => (await values(tree)).flat();
/** params + rate · gradient. */
const moved = (by: MlpParams, rate: number) => flat(treeMap((p: Tensor, g: Tensor) => p.add(g.mul(rate)), params, by));

onEachBackend("baselines, on one batch", () => {
  const gradient = (set: typeof forget) => {
    const [x, y] = [tensor(set.x), tensor(set.y!)];
    return grad((p: MlpParams) => mean(perExampleLoss!(p, { x, y })))(params) as MlpParams;
  };

  it("FT descends the retain loss, GA ascends the forget loss", async () => {
    const ft = await unlearn(finetune, problem, once).run();
    assertClose(await flat(ft.params), await moved(gradient(retain!), -0.1), 1e-6, "FT");
    const ga = await unlearn(gradientAscent, problem, once).run();
    assertClose(await flat(ga.params), await moved(gradient(forget), 0.1), 1e-6, "GA");
    expect([ft.cost.passes, ga.cost.passes]).toEqual([30, 10]);
  });

  it("GradDiff does both, by weight", async () => {
    const { params: after, cost } = await unlearn(gradDiff, problem, { ...once, forgetWeight: 0.5 }).run();
    const both = treeMap((r: Tensor, f: Tensor) => r.sub(f.mul(0.5)), gradient(retain!), gradient(forget)) as MlpParams;
    assertClose(await flat(after), await moved(both, -0.1), 1e-6, "GradDiff");
    expect(cost.passes).toBe(40);
  });

  it("RL descends the loss of both sets, the forget set under random labels", async () => {
    const { params: after, cost } = await unlearn(randomLabelling, problem, once).run();
    const relabelled = randomLabels(forget as any, 2, hostRandom(0).fork("random labels"));
    const all = joinRows("all", retain as any, relabelled);
    assertClose(await flat(after), await moved(gradient(all), -0.1), 1e-6, "RL");
    expect(cost.passes).toBe(40);
  });
});

describe("random labels", () => {
  it("are uniform over all classes, the same for one seed, and leave what does not count", () => {
    const labels = randomLabels({ ...rows("many", 3000, 1), y: int32(...Array(3000).fill(2)) }, 3, hostRandom(1));
    const counts = [0, 1, 2].map((c) => Array.from(labels.y.data, Number).filter((label) => label === c).length);
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(100);
    const some = { ...rows("some", 3, 1), y: int32(-1, 0, -1) };
    expect(Array.from(randomLabels(some, 5, hostRandom(3)).y.data, Number)).toEqual([-1, expect.any(Number), -1]);
    expect(randomLabels(some, 5, hostRandom(3))).toEqual(randomLabels(some, 5, hostRandom(3)));
  });

  it("are none for targets", () => {
    const y = { data: Float32Array.of(0.5), shape: [1], dtype: "float32" } as const;
    expect(() => randomLabels({ ...rows("targets", 1, 1), y }, 2, hostRandom(0))).toThrow(
      "randomLabels: the targets set has float32 targets, not int32 labels.",
    );
  });
});

describe("joined rows", () => {
  it("stand one set after the other, and must be of one kind", () => {
    const [a, b] = [rows("a", 2, 1), rows("b", 3, 2)];
    const both = joinRows("both", a, b);
    expect(both.x.shape).toEqual([5, 4]);
    expect(Array.from(both.x.data, Number)).toEqual([...a.x.data, ...b.x.data].map(Number));
    expect(() => joinRows("both", a, rows("wide", 2, 1, 5))).toThrow(
      "joinRows: rows of float32[4] and of float32[5] do not make one set (both).",
    );
  });
});

it("names optimisers", async () => {
  const adam = await unlearn(finetune, problem, { ...once, optimizer: "adam" }).run();
  const sgd = await unlearn(finetune, problem, once).run();
  expect(await values(adam.params)).not.toEqual(await values(sgd.params));
  expect(optimizerOf(once)).toHaveProperty("update");
});
