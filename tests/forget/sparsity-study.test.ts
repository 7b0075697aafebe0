import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { setBackend } from "../../src/engine/index.js";
import { memoryCache, type Row, runStudy } from "../../src/lab/index.js";
import { type Recovery, sparseScene } from "../../studies/forget/sparse-scene.js";
import { sparseArms } from "../../studies/forget/sparsity-arms.js";
import { judgeSparsity } from "../../studies/forget/sparsity-judge.js";
import study from "../../studies/forget/sparsity-simplifies-unlearning.js";
import { openScene } from "../../studies/forget/track.js";
import { trackC } from "../../studies/forget/track-c.js";
import { values } from "../engine/helpers.js";

/** Rows of five seeds as they would come out, with what is changed. */
function rowsWith(
  change: {
    l1?: number;
    l1Gap?: number;
    l1RA?: number;
    train?: number;
    sparse?: Record<string, number>;
    high?: number;
  } = {},
): Row[] {
  const { l1 = 20, l1Gap = -5, l1RA = 99, train = 100, sparse = {}, high = 9 } = change;
  const rows: Row[] = [
    { arm: "FT", seed: 900, setting: { scenario: "class", sparsity: 0.95 }, measures: { tuningGap: 1 } },
    { arm: "FT", seed: 900, setting: { scenario: "class", sparsity: 0 }, measures: { tuningGap: 5 } },
    { arm: "FT-high-lr", seed: 900, setting: { scenario: "class", sparsity: 0 }, measures: { tuningGap: high } },
  ];
  for (const seed of [0, 1, 2, 3, 4]) {
    const noise = 0.1 * seed;
    for (const scenario of ["random10", "class"]) {
      const add = (arm: string, sparsity: number, measures: Record<string, number>) =>
        rows.push({ arm, seed, setting: { scenario, sparsity }, measures });
      add("original", 0, { UA: 0, RA: 100, AvgGap: 20, trainAccuracy: train, gap: 14 });
      for (const arm of ["FT", "GA", "IU"]) {
        add(arm, 0, { UA: 50 + noise, RA: 100, AvgGap: 10 + noise });
        add(arm, 0.95, { UA: 60, RA: 100, AvgGap: 10 + (sparse[arm] ?? -3) + 2 * noise });
      }
      add("FT-high-lr", 0, { UA: 90, RA: 99, AvgGap: 2 });
      add("l1-sparse", 0, { UA: 50 + l1 + noise, RA: l1RA, AvgGap: 10 + l1Gap + noise });
    }
  }
  return rows;
}

describe("the verdict", () => {
  const verdict = (change?: Parameters<typeof rowsWith>[0]) => judgeSparsity(rowsWith(change), "standard").verdict;

  it("follows the criterion", () => {
    expect(verdict()).toBe("replicated");
    expect(verdict({ l1: -1 })).toBe("partly");
    expect(verdict({ l1Gap: 1 })).toBe("partly");
    expect(verdict({ l1RA: 96 })).toBe("partly");
    expect(verdict({ sparse: { FT: 3, GA: -2, IU: -1.2 } })).toBe("partly");
    expect(verdict({ l1: -1, sparse: { FT: 2.9, GA: -3, IU: -0.3 } })).toBe("not at this scale");
    expect(verdict({ sparse: { FT: 3, GA: 3, IU: -9 } })).toBe("contradicted");
    expect(verdict({ train: 98 })).toBe("not at this scale");
  });

  it("compares with the fine-tuning of dense originals that was best on the tuning seed", () => {
    const judged = judgeSparsity(rowsWith({ high: 3 }), "standard");
    expect(judged.conditions[1].detail).toContain("UA of l1-sparse minus UA of FT-high-lr: -19.80");
    expect(judged.verdict).toBe("partly");
  });

  it("says that nothing was memorised", () => {
    expect(judgeSparsity(rowsWith({ train: 98 }), "standard").reason).toMatch(
      /^Nothing memorised, nothing to forget\./,
    );
  });
});

describe("the scene of a sparse original", () => {
  it("depends on nothing that was kept before, though scenarios share its dense original", async () => {
    await setBackend("node", { threads: 1 });
    const track = await trackC("digits");
    const [cache, golds] = [memoryCache(), 1];
    const open = async (scenario: string, options: { cache: ReturnType<typeof memoryCache>; golds: number }) => {
      const recovery: Recovery = { learningRate: 0.05, optimizer: "sgd", batchSize: 128, epochs: 1 };
      const dense = await openScene(track, scenario, 0, { cache, golds });
      const { problem, golds: own } = await sparseScene(track, dense, 0.9, recovery, options);
      return { weights: (await values(problem.params)).flat(), gold: (await values(own[0])).flat() };
    };
    const shared = { cache, golds };
    await open("random10", shared);
    const after = await open("class", shared);
    const alone = await open("class", { cache: memoryCache(), golds });
    expect(after).toEqual(alone);
    // Gold has the mask of the original: its weights are dead where that one's are.
    const dead = after.weights.flatMap((weight, i) => (weight === 0 ? [i] : []));
    expect(dead.length).toBeGreaterThanOrEqual(Math.round(0.9 * (64 * 64 + 64 * 32 + 32 * 10)));
    for (const i of dead) expect(Math.abs(after.gold[i])).toBe(0);
  });
});

describe("the study at smoke scale", () => {
  let out: string;
  beforeAll(async () => {
    await setBackend("node", { threads: 1 });
    out = await mkdtemp(path.join(tmpdir(), "hebb-sparsity-"));
  });
  afterAll(() => rm(out, { recursive: true }));

  it("runs, and comes out the same when it was stopped in between", async () => {
    const cache = memoryCache();
    const options = { seeds: [0], cache, out };
    const whole = await runStudy(study, options);
    expect(whole.status).toBe("done");
    const arms = new Set(whole.rows.map(({ arm }) => arm));
    for (const arm of ["original", "gold", "FT", "GA", "IU", "l1-sparse", "FT-same-time"]) expect(arms).toContain(arm);
    for (const { arm, measures, setting } of whole.rows) {
      expect(study.arms).toHaveProperty(arm);
      for (const measure of Object.keys(measures)) expect(study.measures).toHaveProperty(measure);
      // The dense gold stands beside what is compared with sparse gold.
      expect("denseGap" in measures).toBe(arm in sparseArms && setting?.sparsity === 0.9);
    }

    const stop = new AbortController();
    let units = 0;
    const stopped = await runStudy(study, {
      ...options,
      signal: stop.signal,
      onEvent: (event) => event.type === "progress" && ++units > 3 && stop.abort(),
    });
    expect(stopped.status).toBe("stopped");
    const resumed = await runStudy(study, { cache, out, resume: stopped.id });
    expect(resumed.rows).toEqual(whole.rows);
    expect(study.figures(whole.rows, [])).toHaveLength(2);
  });
});
