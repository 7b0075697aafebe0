import { describe, expect, it } from "vitest";
import {
  collectRounds,
  type IterativePruneOptions,
  iterativeMagnitudePrune,
  maskDensity,
  stackTrees,
  survivors,
  type TrainJob,
  unstackTree,
} from "../../src/compress/index.js";
import { hostRandom, random, type Tensor, tensor, treeMap } from "../../src/engine/index.js";
import { cnn, type MlpParams, mlp } from "../../src/nn/index.js";
import { values } from "./values.js";

const model = mlp({ sizes: [10, 8, 6, 4], init: "glorotNormal" });
const init = (seed: number): MlpParams => model.init(random.key(seed));

/** Stands in for training: the weights move by noise of the round, and dead ones stay 0. */
const drift = async <P>({ params, mask, round }: Pick<TrainJob<P>, "params" | "mask" | "round">) => {
  const source = hostRandom(100 + round);
  const moved = treeMap(
    (w: Tensor, m: Tensor) =>
      w
        .add(
          tensor(
            Float32Array.from({ length: w.size }, () => source.normal()),
            { shape: w.shape },
          ),
        )
        .mul(m),
    params,
    mask,
  ) as P;
  return { params: moved, log: round };
};

const prune = (options: Partial<IterativePruneOptions<MlpParams, number>> = {}) =>
  collectRounds(iterativeMagnitudePrune<MlpParams, number>({ init, train: drift, rounds: 3, ...options }));

describe("densities of Lenet-300-100", () => {
  // Frankle and Carbin (2019), in per cent of the weights: 20 % a round, the output layer at half the rate.
  const published: Record<number, string> = { 0: "100.0", 3: "51.3", 7: "21.1", 12: "7.0", 15: "3.6", 18: "1.9" };
  const layers = [784 * 300, 300 * 100, 100 * 10];

  it("agree with the paper by the rule of counts", () => {
    for (const [round, percent] of Object.entries(published)) {
      const left = layers.reduce((n, size, i) => n + survivors(size, i === 2 ? 0.9 : 0.8, Number(round)), 0);
      expect(((100 * left) / 266_200).toFixed(1), `round ${round}`).toBe(percent);
    }
  });

  it("come out of the procedure itself, layer by layer", async () => {
    const lenet = mlp({ sizes: [784, 300, 100, 10], init: "glorotNormal" });
    const rounds = iterativeMagnitudePrune({
      init: (seed) => lenet.init(random.key(seed)),
      train: async ({ params }) => ({ params, log: undefined }),
      rounds: 15,
    });
    for await (const { round, density, mask } of rounds) {
      if (published[round]) expect((100 * density).toFixed(1), `round ${round}`).toBe(published[round]);
      if (round % 5 !== 0) continue;
      const { tensors } = await maskDensity(mask);
      layers.forEach((size, i) => {
        expect(tensors[`layers[${i}].w`].alive).toBe(survivors(size, i === 2 ? 0.9 : 0.8, round));
      });
      expect(Object.keys(tensors)).toEqual(["layers[0].w", "layers[1].w", "layers[2].w"]);
    }
  });
});

describe("iterativeMagnitudePrune", () => {
  it("rewinds survivors to theta0 bit for bit, and hands that to the trainer", async () => {
    const seen: MlpParams[] = [];
    const { rounds } = await prune({
      seed: 5,
      train: async (job) => {
        seen.push(job.params);
        return drift(job);
      },
    });
    expect(rounds.map(({ round, log }) => [round, log])).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    const theta0 = init(5);
    for (const { round, mask, ticketInit } of rounds) {
      for (const l of [0, 1, 2]) {
        const [w0, alive, w] = await Promise.all(
          [theta0, mask, ticketInit].map(async (tree) => values(tree.layers[l].w)),
        );
        expect(w.every((value, i) => Object.is(value, alive[i] ? w0[i] : 0))).toBe(true);
        expect(await values(seen[round].layers[l].w)).toEqual(w);
        expect(await values(ticketInit.layers[l].b)).toEqual(await values(theta0.layers[l].b));
      }
    }
  });

  it("only ever removes weights, the smallest of the round's training", async () => {
    const { rounds } = await prune();
    for (const [i, { mask, next, trained }] of rounds.entries()) {
      const [m, n, w] = await Promise.all([mask, next, trained].map(async (tree) => values(tree.layers[0].w)));
      expect(n.every((alive, k) => alive <= m[k])).toBe(true);
      const sizes = (wanted: number) => w.filter((_, k) => m[k] === 1 && n[k] === wanted).map(Math.abs);
      expect(Math.max(...sizes(0))).toBeLessThanOrEqual(Math.min(...sizes(1)));
      if (i + 1 < rounds.length) expect(await values(rounds[i + 1].mask.layers[0].w)).toEqual(n);
    }
  });

  it("continues from a round and its mask with the same results", async () => {
    const { rounds } = await prune();
    const { rounds: rest } = await prune({ from: { round: 2, mask: rounds[1].next } });
    expect(rest.map(({ round }) => round)).toEqual([2, 3]);
    expect(await values(rest[1].next.layers[0].w)).toEqual(await values(rounds[3].next.layers[0].w));
  });

  it("prunes stacked models each on its own, as if alone", async () => {
    const seeds = [3, 4];
    const drifting = (round: number, params: MlpParams, mask: MlpParams) => drift({ round, params, mask });
    const alone = await Promise.all(seeds.map((seed) => prune({ seed })));
    const { rounds } = await prune({
      init: () => stackTrees(seeds.map(init)),
      stacked: true,
      train: async ({ round, params, mask }) => {
        const [ps, ms] = [await unstackTree(params), await unstackTree(mask)];
        const trained = await Promise.all(ps.map((p, i) => drifting(round, p, ms[i])));
        return { params: await stackTrees(trained.map((t) => t.params)), log: round };
      },
    });
    for (const [i, { next, density }] of rounds.entries()) {
      const each = await unstackTree(next);
      for (const n of [0, 1]) {
        expect(density).toBeCloseTo(alone[n].rounds[i].density, 12);
        expect(await values(each[n].layers[1].w)).toEqual(await values(alone[n].rounds[i].next.layers[1].w));
      }
    }
  });

  it("rewinds to step k when asked", async () => {
    const jobs: [number, number, number | undefined][] = [];
    const early = treeMap((w: Tensor) => w.mul(0).add(0.25), init(0)) as MlpParams;
    const { rounds } = await prune({
      rewindTo: 40,
      rounds: 1,
      train: async (job) => {
        jobs.push([job.round, job.startStep, job.keepStep]);
        return { ...(await drift(job)), rewind: job.keepStep ? early : undefined };
      },
    });
    expect(jobs).toEqual([
      [0, 0, 40],
      [1, 40, undefined],
    ]);
    expect(new Set(await values(rounds[1].ticketInit.layers[0].w))).toEqual(new Set([0, 0.25]));
    await expect(prune({ rewindTo: 40 })).rejects.toThrow(/step 40 as rewind/);
  });

  it("prunes a convolutional network under global scope", async () => {
    const net = cnn({ inputShape: [1, 8, 8], channels: [4, 8], classes: 3 });
    const start = net.init(random.key(0));
    const { rounds } = await collectRounds(
      iterativeMagnitudePrune({
        init: () => start,
        train: async ({ params }) => ({ params, log: 0 }),
        rounds: 2,
        rate: 0.5,
        outputRate: 0.5,
        scope: "global",
      }),
    );
    const { total, alive, tensors } = await maskDensity(rounds[2].mask);
    expect(alive).toBe(survivors(total, 0.5, 2));
    expect(new Set(Object.values(tensors).map(({ density }) => density)).size).toBeGreaterThan(1);
  });

  it("refuses options that make no sense, and trainers that change the tree", async () => {
    for (const rate of [0, 1, -0.2, Number.NaN])
      await expect(prune({ rate })).rejects.toThrow(/rate must lie in \(0, 1\)/);
    await expect(prune({ outputRate: 1 })).rejects.toThrow(/outputRate must lie in \[0, 1\)/);
    await expect(prune({ rounds: 1.5 })).rejects.toThrow(/rounds must be a whole number/);
    await expect(prune({ rewindTo: -1 })).rejects.toThrow(/rewindTo must be a whole number/);
    await expect(prune({ output: "layers[2].v" })).rejects.toThrow(/did you mean "layers\[2\]\.w"/);
    const wrong = mlp({ sizes: [10, 8, 5, 4] }).init(random.key(0));
    await expect(prune({ train: async () => ({ params: wrong, log: 0 }) })).rejects.toThrow(/at "layers\[1\]\.b"/);
    await expect(prune({ from: { round: 1, mask: wrong } })).rejects.toThrow(/mask: the shapes/);
  });

  it("stops between rounds on abort", async () => {
    const controller = new AbortController();
    const train = async (job: TrainJob<MlpParams>) => {
      controller.abort(new Error("enough"));
      return drift(job);
    };
    await expect(prune({ train, signal: controller.signal })).rejects.toThrow("enough");
  });
});
