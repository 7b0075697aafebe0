import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as Plot from "@observablehq/plot";
import { afterAll, describe, expect, it } from "vitest";
import { memoryCache } from "../../src/lab/cache.js";
import { type RunOptions, runStudy } from "../../src/lab/runner.js";
import type { Row, Scale } from "../../src/lab/study.js";
import study from "../../studies/compress/lottery-ticket.js";

/** Rows of a run in which each difference is what `effects` says, up to a little noise between seeds. */
interface Effects {
  readonly denseTrain?: number;
  readonly overReinit?: number;
  readonly overDense?: number;
  readonly steps?: number;
  readonly converged?: number;
  readonly noise?: number;
  readonly seeds?: number;
}

function rows(effects: Effects = {}, scale: Scale = "standard"): Row[] {
  const { denseTrain = 95, overReinit = 1, overDense = 0.3, steps = -400, converged = 1 } = effects;
  const { noise = 0.05, seeds = 5 } = effects;
  const rounds = scale === "smoke" ? [1, 2, 3, 4] : Array.from({ length: 12 }, (_, i) => i + 1);
  return Array.from({ length: seeds }, (_, seed) => {
    const base = 88 + seed;
    const jitter = noise * (seed - (seeds - 1) / 2);
    const row = (arm: string, round: number, testAtStop: number, earlyStopStep: number, trainFinal = 96): Row => ({
      arm,
      seed,
      setting: { round, density: 0.8 ** round },
      measures: { testAtStop, testFinal: testAtStop, earlyStopStep, trainFinal, converged },
    });
    return [
      row("dense", 0, base, 1800, denseTrain),
      ...rounds.flatMap((round) => [
        row("ticket", round, base + overDense + jitter, 1800 + steps + 2000 * jitter),
        row("reinit", round, base + overDense - overReinit, 2300),
        row("randomMask", round, base - 1, 2300),
        row("oneShot", round, base, 2000),
      ]),
    ];
  }).flat();
}

const verdict = (effects: Effects, scale: Scale = "standard") => study.judge(rows(effects, scale), scale);

describe("the verdict", () => {
  it("is replicated when all three conditions hold", () => {
    const { verdict: word, conditions, side } = verdict({});
    expect(word).toBe("replicated");
    expect(conditions.map(({ holds }) => holds)).toEqual([true, true, true, true]);
    expect(side?.length).toBe(4);
  });

  it("is partly when the primary condition holds alone", () => {
    expect(verdict({ overDense: -0.5, steps: 100 }).verdict).toBe("partly");
    expect(verdict({ steps: 0 }).verdict).toBe("partly");
    expect(verdict({ overDense: -0.3 }).verdict).toBe("partly");
  });

  it("is not at this scale when the dense network does not fit, whatever the rest says", () => {
    const { verdict: word, reason } = verdict({ denseTrain: 92.9 });
    expect(word).toBe("not at this scale");
    expect(reason).toMatch(/gate failed.*92\.9 % \(asked: at least 93\)/);
    expect(verdict({ denseTrain: 90, overReinit: -1 }).verdict).toBe("not at this scale");
  });

  it("asks 0.4 pp over reinit, with the interval above 0, at both rounds", () => {
    expect(verdict({ overReinit: 0.39, noise: 0.01 }).verdict).toBe("not at this scale");
    expect(verdict({ overReinit: 0.41, noise: 0.01 }).verdict).toBe("replicated");
    // Mean 0.5, but seeds that differ by 1 pp: the interval holds 0.
    expect(verdict({ overReinit: 0.5, noise: 1 }).verdict).toBe("not at this scale");
    const onlyNine = rows().map((row) =>
      row.arm === "reinit" && row.setting?.round === 12
        ? { ...row, measures: { ...row.measures, testAtStop: row.measures.testAtStop + 1 } }
        : row,
    );
    expect(study.judge(onlyNine, "standard").verdict).toBe("not at this scale");
  });

  it("is contradicted when reinit wins clearly and both had converged, else not at this scale", () => {
    expect(verdict({ overReinit: -0.5 }).verdict).toBe("contradicted");
    expect(verdict({ overReinit: -0.5, converged: 0 }).verdict).toBe("not at this scale");
    expect(verdict({ overReinit: -0.1, noise: 1 }).verdict).toBe("not at this scale");
  });

  it("stands on other rounds at smoke scale, and on one seed says nothing", () => {
    expect(verdict({}, "smoke").conditions[3].name).toMatch(/round 2/);
    expect(verdict({ seeds: 1 }, "smoke").verdict).toBe("not at this scale");
  });

  it("does not depend on the order of rows, and refuses rows without an arm", () => {
    expect(study.judge(rows().reverse(), "standard")).toEqual(study.judge(rows(), "standard"));
    expect(() =>
      study.judge(
        rows().filter(({ arm }) => arm !== "reinit"),
        "standard",
      ),
    ).toThrow(/arm "reinit"/);
  });
});

describe("the study", () => {
  const folder = mkdtemp(join(tmpdir(), "lottery-"));
  afterAll(async () => rm(await folder, { recursive: true }));
  /** Smoke scale made smaller still. */
  const small = { sizes: [64, 20, 12, 10], steps: 40, evaluateEvery: 20, stepsPerCall: 20 };
  const run = async (options: RunOptions<any>) =>
    runStudy(study, { out: await folder, cache: memoryCache(), ...options });

  it("runs at smoke scale", async () => {
    const record = await run({ scale: "smoke" });
    expect(record.error).toBeUndefined();
    expect(record.judgement?.conditions[0]).toMatchObject({ holds: true });
    const of = (arm: string) => record.rows.filter((row) => row.arm === arm).map((row) => row.setting?.round);
    expect(of("dense")).toEqual([0, 0]);
    expect(of("ticket")).toEqual([1, 1, 2, 2, 3, 3, 4, 4]);
    expect([of("reinit"), of("randomMask"), of("oneShot")]).toEqual([
      [3, 3, 4, 4],
      [2, 2, 4, 4],
      [2, 2, 4, 4],
    ]);
    const density = (arm: string) =>
      record.rows.find((row) => row.arm === arm && row.setting?.round === 4)?.setting?.density;
    // 64-100-50-10 after four rounds, the output layer at half the rate.
    expect(density("ticket")).toBe(0.4201);
    expect([density("reinit"), density("randomMask"), density("oneShot")]).toEqual([0.4201, 0.4201, 0.4201]);
    for (const figure of study.figures(record.rows, [])) {
      const [plot] = [figure.plot(Plot)].flat() as Plot.PlotOptions[];
      expect(plot.marks?.length).toBeGreaterThan(2);
    }
  });

  it("continues after a stop with the same rows and curves as a run that was never stopped", async () => {
    const whole = await run({ options: small });
    const controller = new AbortController();
    const stopped = await run({
      options: small,
      signal: controller.signal,
      onEvent: (event) => {
        if (event.type === "progress" && event.label?.startsWith("ticket, round 2")) controller.abort();
      },
    });
    expect(stopped.status).toBe("stopped");
    expect(stopped.rows.length).toBeLessThan(whole.rows.length);
    const resumed = await run({ resume: stopped.id });
    expect(resumed.status).toBe("done");
    expect(resumed.rows).toEqual(whole.rows);
    const metrics = async (id: string) => readFile(join(await folder, id, "metrics.jsonl"), "utf8");
    expect(await metrics(resumed.id)).toBe(await metrics(whole.id));
  });

  it("stops with step, arm and seed when the loss is no number, and keeps what came before", async () => {
    const record = await run({ options: { ...small, learningRate: 1e30 } });
    expect(record.status).toBe("failed");
    expect(record.error).toMatch(/Loss became (NaN|Infinity) at step 20 of arm "dense", seed 0/);
  });

  it("refuses steps that do not fit together", async () => {
    const record = await run({ options: { ...small, evaluateEvery: 30 } });
    expect(record.error).toMatch(/40 steps, an evaluation every 30 and 20 a call do not fit/);
  });
});
