import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as Plot from "@observablehq/plot";
import { afterAll, describe, expect, it } from "vitest";
import { memoryCache } from "../../src/lab/cache.js";
import { type RunOptions, runStudy } from "../../src/lab/runner.js";
import type { MetricPoint, Row } from "../../src/lab/study.js";
import { lossHistogram } from "../../studies/forget/worst-case-figures.js";
import study, { bestSearch } from "../../studies/forget/worst-case-forget-sets.js";
import { lowest, sets } from "../../studies/forget/worst-case-sets.js";

/** Error on the forget set by set, the same for all methods up to noise between seeds. */
interface Effects {
  readonly random?: number;
  readonly worst?: number;
  readonly lowLoss?: number;
  readonly retrainedWorst?: number;
  readonly testChange?: number;
  readonly mia?: number;
  readonly trainAccuracy?: number;
  readonly noise?: number;
}

function rows(effects: Effects = {}): Row[] {
  const { random = 14, worst = 3, lowLoss = 6, testChange = 0.5, mia = 10, trainAccuracy = 100, noise = 0.5 } = effects;
  const error: Record<string, number> = {
    random,
    worst,
    "worst-GA": 4,
    easiest: 40,
    "low-loss": lowLoss,
    "low-gradient": 5,
  };
  return [0, 1, 2].flatMap((seed) =>
    Object.keys(sets).flatMap((scenario) =>
      (scenario === "random" ? [0, 1] : [0]).flatMap((draw) => {
        const setting: Row["setting"] = scenario === "random" ? { scenario, draw } : { scenario };
        const jitter = scenario === "worst" ? noise * (seed - 1) : draw - 0.5 * Number(scenario === "random");
        const row = (arm: string, UA: number): Row => ({
          arm,
          seed,
          setting,
          measures: {
            UA: UA + jitter,
            TA: 85 + (scenario === "worst" ? testChange : 0),
            MIA: scenario === "worst" ? mia : 20,
            AvgGap: 3,
            ...(arm === "original" ? { trainAccuracy, gap: 12 } : {}),
          },
        });
        const retrained = scenario === "worst" ? (effects.retrainedWorst ?? worst) : error[scenario];
        return [
          row("original", 0),
          row("gold", retrained),
          ...["FT", "GA", "RL", "l1-sparse"].map((arm) => row(arm, error[scenario])),
        ];
      }),
    ),
  );
}

const verdict = (effects: Effects) => study.judge(rows(effects), "standard");

describe("the verdict", () => {
  it("is replicated when all three parts hold", () => {
    const { verdict: word, conditions, side } = verdict({});
    expect(word).toBe("replicated");
    expect(conditions.map(({ holds }) => holds)).toEqual([true, true, true, true, true, true]);
    expect(side?.length).toBe(4);
  });

  it("is partly when a sort by loss does as well", () => {
    const { verdict: word, reason } = verdict({ lowLoss: 3 });
    expect(word).toBe("partly");
    expect(reason).toMatch(/buys nothing here/);
  });

  it("is contradicted when retraining errs no less on the worst set", () => {
    expect(verdict({ retrainedWorst: 14 }).verdict).toBe("contradicted");
    expect(verdict({ retrainedWorst: 9.5 }).verdict).toBe("not at this scale");
    expect(verdict({ retrainedWorst: 9, lowLoss: 8 }).verdict).toBe("replicated");
  });

  it("asks for MIA and test accuracy, too", () => {
    expect(verdict({ mia: 20 }).verdict).toBe("not at this scale");
    expect(verdict({ testChange: -2.1 }).verdict).toBe("not at this scale");
    expect(verdict({ testChange: -1.9 }).verdict).toBe("replicated");
  });

  it("asks every seed to agree", () => {
    expect(verdict({ lowLoss: 3.4, noise: 0.5 }).verdict).toBe("partly");
    // Retraining errs 5.5 points less in the mean, and more in one seed.
    const { verdict: word, conditions } = verdict({ retrainedWorst: 8.5, noise: 6 });
    expect(conditions[3].estimate).toBeCloseTo(5.5, 6);
    expect(conditions[3].holds).toBe(false);
    expect(word).toBe("not at this scale");
  });

  it("is not at this scale when nothing was memorised, or random sets are no task", () => {
    expect(verdict({ trainAccuracy: 98.9 }).reason).toMatch(/Nothing memorised/);
    expect(verdict({ random: 4.9, worst: 0 }).reason).toMatch(/fit random sets already/);
  });

  it("does not average over fewer methods where one diverged", () => {
    const without = (arm: string, scenario: string) =>
      study.judge(
        rows().filter((row) => row.arm !== arm || row.setting?.scenario !== scenario || row.seed !== 1),
        "standard",
      );
    for (const arm of ["FT", "GA", "RL"]) {
      for (const scenario of ["random", "worst"]) {
        const { verdict: word, reason, side } = without(arm, scenario);
        expect(word).toBe("not at this scale");
        expect(reason).toMatch(/different methods on different sets/);
        expect(side?.length).toBe(arm === "RL" ? 3 : 4);
      }
    }
    expect(without("FT", "low-loss").verdict).toBe("not at this scale");
    expect(without("RL", "low-loss").verdict).toBe("replicated");
    // Comparisons beside the criterion are left out.
    expect(without("RL", "worst-GA").side?.length).toBe(3);
  });

  it("does not depend on the order of rows", () => {
    expect(study.judge(rows().reverse(), "standard").verdict).toBe("replicated");
  });
});

describe("bestSearch", () => {
  it("takes the least error, and the least loss where errors are alike", () => {
    const trial = (rate: number, error: number, loss: number) => ({
      drawn: { weightLearningRate: rate },
      error,
      loss,
    });
    expect(bestSearch([trial(1, 2, 0.01), trial(2, 0, 0.3), trial(3, 0, 0.1)])).toEqual({ weightLearningRate: 3 });
  });
});

describe("lowest and lossHistogram", () => {
  it("take the least values, and count losses by powers of ten", () => {
    expect([...lowest([3, 1, 2, 1, 0], 3)]).toEqual([1, 3, 4]);
    const shares = lossHistogram([0, 1e-9, 0.2, 0.5, 1e9]);
    expect(shares.reduce((a, b) => a + b)).toBeCloseTo(1, 10);
    expect(shares[0]).toBeCloseTo(0.4, 10);
    expect(shares[14]).toBeCloseTo(0.2, 10);
    expect(shares[15]).toBeCloseTo(0.2, 10);
    expect(shares[17]).toBeCloseTo(0.2, 10);
  });
});

describe("the study", () => {
  const folder = mkdtemp(join(tmpdir(), "worst-case-"));
  afterAll(async () => rm(await folder, { recursive: true }));
  const cache = memoryCache();
  const run = async (options: RunOptions<any>) =>
    runStudy(study, { out: await folder, cache, scale: "smoke", ...options });

  it("runs at smoke scale", async () => {
    const metrics: MetricPoint[] = [];
    const record = await run({ onEvent: (event) => void (event.type === "metric" && metrics.push(event.point)) });
    expect(record.error).toBeUndefined();
    const error = (arm: string, scenario: string) =>
      record.rows.find((row) => row.arm === arm && row.setting?.scenario === scenario)!.measures.UA;
    for (const set of ["random", "worst", "low-loss"]) {
      for (const arm of ["original", "gold", "FT", "GA", "RL"]) expect(error(arm, set)).toBeGreaterThanOrEqual(0);
    }
    expect(error("gold", "low-loss")).toBeLessThanOrEqual(error("gold", "random"));
    for (const figure of study.figures(record.rows, metrics)) {
      const [plot] = [figure.plot(Plot)].flat() as Plot.PlotOptions[];
      expect(plot.marks?.length).toBeGreaterThan(1);
    }
  });

  it("tunes methods and search apart from the verdict, and refuses to mix them", async () => {
    const options = { trials: 3, search: { outer: 2, inner: 1 } };
    const record = await run({ options });
    expect(record.error).toBeUndefined();
    expect(record.rows.length).toBe(3 * 5);
    const mixed = await run({ options, seeds: [900] });
    expect(mixed.error).toMatch(/seed 900 is the tuning seed/);
  });
});
