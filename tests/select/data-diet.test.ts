import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { renderSvg } from "../../src/lab/figures/svg.js";
import { type MetricPoint, type Row, type RunRecord, RunStore, runStudy } from "../../src/lab/index.js";
import { pairedInterval } from "../../studies/select/conventions.js";
import study from "../../studies/select/data-diet.js";
import { openBench, recipe, trainTo } from "../../studies/select/data-diet-bench.js";
import { dataDietFigures } from "../../studies/select/data-diet-figures.js";
import { judgeDataDiet } from "../../studies/select/data-diet-judge.js";
import {
  cell,
  checkSeeds,
  learningRateOf,
  prunedArms,
  smoke,
  standard,
  totalSteps,
} from "../../studies/select/data-diet-options.js";

/** Accuracies over four seeds around a mean, with a spread that a paired difference keeps in part. */
const spread = [-0.1, 0.1, 0.05, -0.05];
const arm = (name: string, keep: number, accuracy: number, wobble = 0): Row[] =>
  spread.map((offset, seed) => ({
    arm: name,
    seed,
    setting: { keep },
    measures: { accuracy: accuracy + offset + wobble * (seed % 2 === 0 ? 1 : -1) },
  }));
const rows = ({ random = 86, el2n = 87, full = 87.2, wobble = 0 }): Row[] => [
  ...arm("full", 1, full),
  ...arm("random", 0.5, random),
  ...arm("el2n", 0.5, el2n, wobble),
  // What the criterion must not look at.
  ...arm("random", 0.3, 99),
  ...arm("el2n", 0.3, 1),
  ...arm("window", 0.5, 50),
];
const verdict = (of: Parameters<typeof rows>[0]) => judgeDataDiet(rows(of), "standard").verdict;

describe("the verdict of data-diet", () => {
  it("is replicated when EL2N beats random and half of the data can go", () => {
    const judgement = judgeDataDiet(rows({}), "standard");
    expect(judgement.verdict).toBe("replicated");
    expect(judgement.conditions.map(({ holds }) => holds)).toEqual([true, true]);
  });

  it("is partly with one of the two", () => {
    expect(verdict({ full: 88 })).toBe("partly");
    expect(verdict({ random: 87, wobble: 0.05 })).toBe("partly");
  });

  it("asks for the upper end of full minus EL2N, not its mean", () => {
    // The mean difference is 0.2, but over four seeds its interval reaches beyond 0.5.
    expect(verdict({ random: 80, wobble: 0.3 })).toBe("partly");
  });

  it("is not at this scale when the interval contains 0 and half of the data cannot go", () => {
    expect(verdict({ random: 86.9, full: 89, wobble: 0.2 })).toBe("not at this scale");
    expect(verdict({ random: 87.1, full: 89, wobble: 0.2 })).toBe("not at this scale");
  });

  it("is contradicted when EL2N is worse than random, interval below 0, whatever full training gives", () => {
    expect(verdict({ random: 88, full: 90 })).toBe("contradicted");
    expect(verdict({ random: 88, full: 87 })).toBe("contradicted");
  });

  it("needs every seed in every arm", () => {
    const some = rows({}).filter((row) => !(row.arm === "random" && row.seed === 3));
    expect(() => judgeDataDiet(some, "standard")).toThrow(/Seeds do not match/);
  });

  it("reports the side claims apart, and they change nothing", () => {
    const one = (name: string, measures: Record<string, number>): Row => ({ arm: name, seed: 10_001, measures });
    const side = (auroc: number, transfer: number, correlation: number, initial: number) => [
      ...rows({}),
      one("noisy-window", { auroc }),
      one("narrow", { rankCorrelation: transfer }),
      one("cnn", { rankCorrelation: transfer }),
      one("grand-init", { normCorrelation: correlation, rankCorrelation: 0.1 }),
      ...arm("grand-init", 0.5, initial),
    ];
    const judged = (...of: Parameters<typeof side>) => {
      const judgement = judgeDataDiet(side(...of), "standard");
      expect(judgement.verdict).toBe("replicated");
      return judgement.side?.map(({ holds }) => holds);
    };
    expect(judged(0.95, 0.8, 0.6, 86)).toEqual([true, true, true, true]);
    expect(judged(0.9, 0.7, 0.5, 86)).toEqual([false, false, false, false]);
    // Better than random: the erratum is not confirmed, whatever the correlation.
    expect(judged(0.95, 0.8, 0.6, 87)).toEqual([true, true, true, false]);
    expect(judgeDataDiet(rows({}), "standard").side).toEqual([]);
  });

  it("gives none at smoke scale, but notices an arm that does not learn", () => {
    const smokeRow = (name: string, startLoss: number, endLoss: number): Row => ({
      arm: name,
      seed: 0,
      setting: { keep: 0.5 },
      measures: { accuracy: 90, startLoss, endLoss },
    });
    const fine = judgeDataDiet([smokeRow("el2n", 2, 0.3), smokeRow("random", 2, 0.2)], "smoke");
    expect(fine.verdict).toBe("not at this scale");
    expect(fine.reason).toMatch(/no verdict/);
    expect(judgeDataDiet([smokeRow("el2n", 2, 2.1)], "smoke").verdict).toBe("invalid");
  });
});

describe("the family's interval", () => {
  it("is Student's t below ten units and a bootstrap from ten on", () => {
    expect(pairedInterval([1, 2, 3, 4]).method).toBe("t");
    const ten = Array.from({ length: 10 }, (_, i) => i);
    expect(pairedInterval(ten.slice(1)).method).toBe("t");
    expect(pairedInterval(ten).method).toBe("bootstrap");
  });
});

describe("the options of data-diet", () => {
  it("keep the seeds of score runs and final runs apart", () => {
    expect(() => checkSeeds(study.scales.standard!.seeds, standard)).not.toThrow();
    expect(() => checkSeeds([0, 10_002], standard)).toThrow(/10002/);
    expect(() => checkSeeds([0, 20_001], standard)).toThrow(/20001/);
  });

  it("are as specified", () => {
    expect(standard).toMatchObject({ trainRows: 12_000, hidden: 256, epochs: 20, batchSize: 128, scoreEpochs: 2 });
    expect(standard.scoreSeeds.length).toBe(8);
    expect(standard.keeps).toEqual([0.3, 0.5]);
    expect(totalSteps(standard)).toBe(20 * 93);
    expect(standard.noise).toMatchObject({ fraction: 0.1 });
    expect(standard.transfer).toMatchObject({ hidden: 64, channels: [16, 32], epochs: 1 });
    expect(standard.transfer?.seeds.length).toBe(4);
    expect(study.scales.standard?.seeds.length).toBe(4);
  });

  it("have a tuned learning rate for every cell", () => {
    for (const keep of standard.keeps) for (const name of prunedArms) learningRateOf(standard, name, keep);
    expect(() => learningRateOf(smoke, "grand", 0.5)).toThrow(/no learning rate for "grand@0.5"/);
    expect(cell("el2n", 0.5)).toBe("el2n@0.5");
  });
});

describe("data-diet at smoke scale", () => {
  let out: string;
  let record: RunRecord;
  let metrics: readonly MetricPoint[];
  const units: string[] = [];

  beforeAll(async () => {
    out = await mkdtemp(join(tmpdir(), "data-diet-"));
    record = await runStudy(study, {
      out,
      onEvent: (event) => {
        if (event.type === "unit" && event.state === "finished") units.push(event.name);
        if (event.type === "error") throw event.error;
      },
    });
    metrics = await (await new RunStore(out).open(record.id)).readMetrics();
  });
  afterAll(() => rm(out, { recursive: true, force: true }));

  it("runs to its end and learns, without a verdict", () => {
    expect(record.status).toBe("done");
    expect(record.judgement?.reason).toMatch(/every arm learns/);
    expect(units).toEqual(["scores", "full, keep 1", "random, keep 0.5", "el2n, keep 0.5"]);
    const arms = record.rows.filter((row) => "accuracy" in row.measures).map((row) => row.arm);
    expect(arms).toEqual(["full", "random", "el2n"]);
  });

  it("trains every arm for the same number of steps", () => {
    const last = (name: string) =>
      Math.max(...metrics.filter((m) => m.arm === name && "loss" in m.values).map((m) => m.step));
    for (const name of ["full", "random", "el2n"]) expect(last(name)).toBe(totalSteps(smoke));
  });

  it("keeps the twenty images that its figure shows", async () => {
    const shown = metrics.filter(({ setting }) => setting?.pixels !== undefined);
    expect(shown.length).toBe(20);
    expect(shown[0].values.score).toBeGreaterThan(shown[19].values.score);
    const figures = dataDietFigures(record.rows, metrics);
    expect(figures.map(({ name }) => name)).toEqual(["accuracy", "half", "examples"]);
    for (const figure of figures) expect(await renderSvg(figure)).toMatch(/^<svg/);
    expect((await renderSvg(figures[2])).match(/<image/g)?.length).toBe(20);
  });
});

describe("a run of data-diet that goes wrong", () => {
  it("stops at a loss that is not finite, naming step, arm and seed", async () => {
    const bench = await openBench(smoke);
    const trainer = recipe(bench.model, bench.train, smoke);
    const networks = [0.05, 1e30].map((learningRate, s) => ({ seed: 40 + s, learningRate }));
    await expect(trainTo(trainer, networks, { steps: 20, arm: "el2n" })).rejects.toThrow(
      /^loss became (NaN|Infinity) at step [23] of arm "el2n", seed 41/,
    );
  });
});

describe("the figures of data-diet", () => {
  it("draw the window curve where a run has one", async () => {
    const window = (name: string, base: number) =>
      [0, 0.2].flatMap((offset) =>
        arm(name, 0.5, base + offset).map((row) => ({ ...row, setting: { keep: 0.5, offset } })),
      );
    const all = [
      ...rows({}).filter((row) => row.arm !== "window"),
      ...window("window", 86),
      ...window("noisy-window", 80),
    ];
    const figures = dataDietFigures([...all, ...arm("noisy-random", 0.5, 79)], []);
    expect(figures.map(({ name }) => name)).toEqual(["accuracy", "half", "windows"]);
    const svg = await renderSvg(figures[2]);
    expect(svg).toContain("noisy labels");
    expect(svg).toContain("random rows, noisy labels");
  });
});
