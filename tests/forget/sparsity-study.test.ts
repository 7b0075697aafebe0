import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { setBackend } from "../../src/engine/index.js";
import { memoryCache, type Row, runStudy } from "../../src/lab/index.js";
import { judgeSparsity } from "../../studies/forget/sparsity-judge.js";
import study from "../../studies/forget/sparsity-simplifies-unlearning.js";

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

  it("compares with the fine-tuning that was best on the tuning seed", () => {
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
    for (const { arm } of whole.rows) expect(study.arms).toHaveProperty(arm);

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
