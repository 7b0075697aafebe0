import { describe, expect, it } from "vitest";
import { fullMask, magnitudeMask, maskDensity } from "../../src/compress/index.js";
import { grad, jit, mean, sum, type Tensor, tensor, treeLeaves, treeMap } from "../../src/engine/index.js";
import {
  finetune,
  gradientAscent,
  influenceUnlearn,
  l1Norm,
  l1Sparse,
  l1Weight,
  maskedProblem,
  prune,
  pruneThenUnlearn,
  type Unlearner,
  type UnlearnState,
  unlearn,
  unrollingErrorBound,
} from "../../src/forget/index.js";
import { applyMask, type MlpParams, withMask } from "../../src/nn/index.js";
import { adam, applyUpdates, sgd } from "../../src/optim/index.js";
import { assertClose, onEachBackend, values } from "../engine/helpers.js";
import { toyProblem } from "./toy.js";

const problem = toyProblem();
const { params, perExampleLoss, forget, retain } = problem;
const flat = async (tree: unknown) => (await values(tree)).flat();

/** The dead weights of a tree under a mask. */
async function dead(tree: MlpParams, mask: MlpParams): Promise<number[]> {
  const [weights, masks] = [await values(tree), await values(mask)];
  return weights.flatMap((leaf, i) => leaf.filter((_, k) => masks[i].length > 1 && masks[i][k] === 0));
}

describe("the weight of the l1 norm", () => {
  const of = (schedule: "decreasing" | "constant" | "increasing") =>
    Array.from({ length: 5 }, (_, epoch) => l1Weight({ gamma: 3, epochs: 5, noL1Epochs: 2, schedule }, epoch));

  it("falls to 0 before the last epochs, stays, or rises", () => {
    expect(of("decreasing")).toEqual([3, 2, 1, 0, 0]);
    expect(of("constant")).toEqual([3, 3, 3, 0, 0]);
    expect(of("increasing")).toEqual([1, 2, 3, 0, 0]);
  });

  it("acts on all parameters, and not on those that are 0", async () => {
    const tree = { a: tensor([1, -2, 0]), b: [tensor([[0, 5]])] };
    expect(await l1Norm(tree).item()).toBe(8);
    expect(await values(grad(l1Norm)(tree))).toEqual([[1, -1, 0], [[0, 1]].flat()]);
  });
});

onEachBackend("l1-sparse unlearning", () => {
  const options = { learningRate: 0.05, epochs: 4, noL1Epochs: 1, batchSize: 10 };

  it("is fine-tuning where gamma is 0", async () => {
    const plain = await unlearn(finetune, problem, options).run();
    const l1 = await unlearn(l1Sparse, problem, { ...options, gamma: 0 }).run();
    assertClose(await flat(l1.params), await flat(plain.params), 1e-5, "l1 with gamma 0");
    expect(l1.cost.passes).toBe(plain.cost.passes);
  });

  it("adds the norm to the mean loss, one step of it learningRate · gamma · sign", async () => {
    const once = { learningRate: 0.1, epochs: 1, noL1Epochs: 0, batchSize: 100 };
    const plain = await flat((await unlearn(finetune, problem, once).run()).params);
    const l1 = await flat((await unlearn(l1Sparse, problem, { ...once, gamma: 0.5 }).run()).params);
    const start = await flat(params);
    assertClose(
      l1,
      plain.map((w, i) => w - 0.1 * 0.5 * Math.sign(start[i])),
      1e-6,
      "l1 step",
    );
  });
});

onEachBackend("a masked problem", () => {
  it("keeps dead weights at 0 and living biases free, whatever runs", async () => {
    const mask = await magnitudeMask(params, 0.25, "global");
    expect((await maskDensity(mask)).density).toBe(0.25);
    const sparse = await maskedProblem(problem, mask);
    const options = { learningRate: 0.1, epochs: 3, batchSize: 7 };
    for (const method of [finetune, gradientAscent, l1Sparse, influenceUnlearn] as Unlearner[]) {
      for (const optimizer of ["sgd", "adam"]) {
        const after = (await unlearn(method, sparse, { ...options, optimizer }).run()).params as MlpParams;
        for (const weight of await dead(after, mask)) expect(Math.abs(weight)).toBe(0);
        expect(await flat(after)).not.toEqual(await flat(sparse.params));
      }
    }
    // The original problem is as it was.
    expect((await dead(params, mask)).some((weight) => weight !== 0)).toBe(true);
  });

  it("under a full mask is the problem itself", async () => {
    const same = await maskedProblem(problem, fullMask(params));
    const [a, b] = [await unlearn(finetune, same).run(), await unlearn(finetune, problem).run()];
    expect(await flat(a.params)).toEqual(await flat(b.params));
  });
});

onEachBackend("pruning", () => {
  it("trains on all of the data under the mask, then unlearns under it, and resumes", async () => {
    const mask = await magnitudeMask(params, 0.25, "global");
    const options = { learningRate: 0.1, epochs: 2, batchSize: 8 };
    const pruning = { ...options, mask };
    const sparse = await unlearn(prune, problem, pruning).run();
    expect(sparse.cost.passes).toBe(2 * 40);
    const apart = await unlearn(
      finetune,
      await maskedProblem({ ...problem, params: sparse.params }, mask),
      options,
    ).run();
    const method = pruneThenUnlearn(finetune, pruning);
    const both = await unlearn(method, problem, options).run();
    expect(await flat(both.params)).toEqual(await flat(apart.params));
    expect(both.cost.passes).toBe(2 * 40 + 2 * 30);

    let state: UnlearnState | undefined;
    for await (const step of unlearn(method, problem, options)) {
      state = step.state;
      if (step.phase === "unlearn" && step.step === 2) break;
    }
    const resumed = await unlearn(method, problem, { ...options, from: state }).run();
    expect(await flat(resumed.params)).toEqual(await flat(both.params));
  });

  it("hands the second method no more than it asked for", async () => {
    const nosy: Unlearner<object> = {
      name: "nosy",
      defaults: {},
      needs: () => [],
      // biome-ignore lint/correctness/useYield: it takes no step.
      async *run(view) {
        view.retain;
        return view.params;
      },
    };
    const method = pruneThenUnlearn(nosy, { mask: fullMask(params), epochs: 1 });
    await expect(unlearn(method, problem).run()).rejects.toThrow("nosy read retain, which it did not ask for");
  });
});

onEachBackend("an optimiser with a mask", () => {
  it("leaves dead weights and their moments alone", async () => {
    const start = { w: tensor([1, 2, 3, 4]) };
    const mask = { w: tensor([1, 0, 1, 0]) };
    for (const optimizer of [
      withMask(adam({ learningRate: 0.1 }), mask),
      withMask(sgd({ learningRate: 0.1, momentum: 0.9, weightDecay: 0.1 }), mask),
    ]) {
      const step = jit((p: typeof start, s: unknown) => {
        const [updates, next] = optimizer.update(grad((q: typeof start) => sum(q.w.mul(q.w)))(p), s as any, p);
        return { p: applyUpdates(p, updates), s: next };
      });
      let now = { p: applyMask(start, mask), s: optimizer.init(start) };
      for (let i = 0; i < 3; i++) now = (await step(now.p as any, now.s as any)) as typeof now;
      const [weights] = await values(now.p);
      expect([weights[1], weights[3]]).toEqual([0, 0]);
      for (const leaf of treeLeaves(now.s).filter((t) => t.size === 4)) {
        const moments = Array.from(await leaf.data(), Number);
        expect([moments[1], moments[3]]).toEqual([0, 0]);
      }
    }
  });
});

onEachBackend("influence unlearning", () => {
  it("is the damped diagonal Newton step", async () => {
    const options = { scale: 2, damping: 0.5, samples: 30, batchSize: 10 };
    const { params: after, cost } = await unlearn(influenceUnlearn, problem, options).run();
    expect(cost.passes).toBe(10 + 30 + 30);
    const gradientOf = (set: typeof forget, row?: number) => {
      const [x, y] = [tensor(set.x), tensor(set.y!)];
      const rows = row === undefined ? { x, y } : { x: x.slice([row, 0], [row + 1, 4]), y: y.slice([row], [row + 1]) };
      return flat(grad((p: MlpParams) => mean(perExampleLoss!(p, rows)))(params));
    };
    const [onForget, onRetain] = [await gradientOf(forget), await gradientOf(retain!)];
    const single = await Promise.all(Array.from({ length: 30 }, (_, row) => gradientOf(retain!, row)));
    const start = await flat(params);
    const expected = start.map((w, i) => {
      const fisher = single.reduce((total, g) => total + g[i] ** 2, 0) / 30;
      return w + (2 * (10 / 40) * (onForget[i] - onRetain[i])) / (fisher + 0.5);
    });
    assertClose(await flat(after), expected, 1e-5, "step");
  });
});

onEachBackend("the bound on unrolling", () => {
  it("is the product of its parts, and falls as weights die", async () => {
    const initial = treeMap((t: Tensor) => t.mul(0), params) as MlpParams;
    const bound = async (keep: number) => {
      const mask = await magnitudeMask(params, keep, "global");
      return unrollingErrorBound(problem as any, { mask, initial, learningRate: 0.1, steps: 20, rows: forget as any });
    };
    const [dense, sparse] = [await bound(1), await bound(0.25)];
    expect(dense.bound).toBeCloseTo(0.01 * 20 * dense.sharpness * dense.distance, 9);
    const norm = Math.hypot(...(await flat(params)));
    expect(dense.distance).toBeCloseTo(norm, 5);
    expect(sparse.distance).toBeLessThan(dense.distance);
    expect(sparse.sharpness).toBeLessThanOrEqual(dense.sharpness * (1 + 1e-3));
  });
});
