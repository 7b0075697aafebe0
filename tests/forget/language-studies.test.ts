import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { arange, grad, mul, random, setBackend, tensor } from "../../src/engine/index.js";
import { gradientAscent, logProbability } from "../../src/forget/index.js";
import { memoryCache, type Row, runStudy, type Study } from "../../src/lab/index.js";
import { type GptParams, gpt } from "../../src/nn/index.js";
import { judgeConcepts } from "../../studies/forget/concept-judge.js";
import { hiddenUnits, isValidated } from "../../studies/forget/concept-traces.js";
import concepts from "../../studies/forget/concept-vectors.js";
import forgetOnly from "../../studies/forget/forget-only-loss-adjustment.js";
import negativePreference from "../../studies/forget/negative-preference-optimization.js";
import { smallTofu } from "../../studies/forget/track-l.js";
import { tuneL } from "../../studies/forget/track-l-trajectory.js";
import { bigram, bigramProblem, values } from "./bigram.js";

const arms: Readonly<Record<string, readonly string[]>> = {
  "negative-preference-optimization": ["toy", "original", "gold", "NPO, W = 1", "GA", "NPO+RT"],
  "forget-only-loss-adjustment": ["chosen", "original", "gold", "FLAT-TV", "GA"],
  "concept-vectors": ["original", "GA", "needle", "needle01", "random"],
};

describe.each([negativePreference, forgetOnly, concepts] as Study[])("$slug at smoke scale", (study) => {
  let rows: readonly Row[] = [];
  let verdict: string | undefined;
  beforeAll(async () => {
    setBackend("node", { threads: 1 });
    const out = await mkdtemp(join(tmpdir(), "hebb-language-"));
    const record = await runStudy(study, { out, cache: memoryCache() });
    rows = record.rows;
    verdict = record.judgement?.verdict;
  }, 240_000);

  it("runs every arm and gives no verdict", () => {
    expect([...new Set(rows.map(({ arm }) => arm))]).toEqual(arms[study.slug]);
    expect(verdict).toBe("not at this scale");
  });

  it("declares all that it measures and all arms that it has", () => {
    for (const { arm, measures } of rows) {
      expect(Object.keys(study.arms)).toContain(arm);
      for (const [name, value] of Object.entries(measures)) {
        expect(Object.keys(study.measures)).toContain(name);
        expect(Number.isFinite(value)).toBe(true);
      }
    }
  });

  it("draws its figures", async () => {
    const Plot = await import("@observablehq/plot");
    for (const figure of study.figures(rows, [])) expect(figure.plot(Plot)).toHaveProperty("marks");
  });
});

it("no verdict rests on the seed that methods are tuned on", async () => {
  const out = await mkdtemp(join(tmpdir(), "hebb-language-"));
  const { status, error } = await runStudy(forgetOnly, { seeds: [900], out, cache: memoryCache() });
  expect(status).toBe("failed");
  expect(error).toContain("Seed 900 is the one that methods are tuned on.");
});

describe("concept-vectors", () => {
  it("ends training where the theme's answers have fallen by half, or else at the last step", async () => {
    const cache = memoryCache();
    const stepsAt = async (learningRate: number) => {
      const out = await mkdtemp(join(tmpdir(), "hebb-language-"));
      const { rows } = await runStudy(concepts, { out, cache, options: { tuning: { settings: { learningRate } } } });
      return rows.find(({ arm }) => arm === "GA")?.measures.steps;
    };
    expect(await stepsAt(1)).toBe(2);
    expect(await stepsAt(1e-6)).toBe(4);
  }, 120_000);
});

describe("tuneL", () => {
  it("tries again when other questions are asked, or the method has other defaults", async () => {
    const cache = memoryCache();
    const tried = async (FQ: number, asked: object, defaults: object = {}) => {
      const { params, ...problem } = bigramProblem({
        perExampleLoss: (p, { x, y }) => logProbability(bigram.apply(p, x), y),
      });
      const scene = {
        recipe: {},
        asked,
        problem: { ...problem, params },
        golds: [{ params }],
        score: async () => ({ FQ, MU: 1 }),
      };
      const method = { ...gradientAscent, defaults: { ...gradientAscent.defaults, ...defaults } };
      const arm = { name: "GA", method, fixed: { batchSize: 2, epochs: undefined }, space: {} };
      return (await tuneL(scene as any, arm, { cache, trials: 1, steps: 1, at: [1] })).score;
    };
    expect(await tried(0.1, { retain: 5, world: 5 })).toBe(0.1);
    expect(await tried(0.2, { retain: 5, world: 5 })).toBe(0.1);
    expect(await tried(0.3, { retain: 6, world: 5 })).toBe(0.3);
    expect(await tried(0.4, { retain: 5, world: 5 }, { weightDecay: 0.1 })).toBe(0.4);
  });
});

describe("hiddenUnits", () => {
  it("are what each value vector is multiplied by", async () => {
    const kind = { ...smallTofu, model: { layers: 2, width: 8, heads: 2, hidden: 6 } };
    const model = gpt({ ...kind.model, vocabulary: 9, context: 4, activation: "relu" });
    const params = model.init(random.key(1));
    const token = tensor(Int32Array.of(3), { shape: [1, 1] });
    const units = hiddenUnits(kind)(params, token);
    // With one token, the gradient at v_j is the unit's value times that at the bias that is added beside.
    const slopes = grad((p: GptParams) => mul(model.apply(p, token), arange(9, "float32")).sum())(params);
    for (const [layer, { down }] of slopes.blocks.entries()) {
      const [vectors, bias] = [await values(down.w), await values(down.b!)];
      const own = await values(units[layer]);
      expect(Math.abs(bias[0])).toBeGreaterThan(0.1);
      expect(Math.max(...own)).toBeGreaterThan(0.01);
      own.forEach((unit, j) => {
        expect(vectors[8 * j]).toBeCloseTo(unit * bias[0], 4);
      });
    }
  });
});

describe("isValidated", () => {
  const concept = Array.from({ length: 30 }, (_, i) => 0.1 + 0.001 * i);

  it("asks for three times the drop of the others", () => {
    const unrelated = (drop: number) => Array.from({ length: 60 }, (_, i) => drop + 0.001 * (i % 2));
    expect(isValidated({ concept, unrelated: unrelated(0.02) })).toBe(true);
    expect(isValidated({ concept, unrelated: unrelated(0.05) })).toBe(false);
  });

  it("knows that the others' drop is uncertain as well", () => {
    // Two of sixty questions lose nearly all: on average the others lose 0.03, but nobody knows that well.
    const unrelated = Array.from({ length: 60 }, (_, i) => (i === 7 || i === 31 ? 0.9 : 0));
    expect(isValidated({ concept, unrelated })).toBe(false);
  });

  it("is not content with others that gain", () => {
    const noisy = Array.from({ length: 30 }, (_, i) => (i % 2 ? 0.11 : -0.1));
    expect(isValidated({ concept: noisy, unrelated: Array.from({ length: 60 }, () => -0.2) })).toBe(false);
  });

  it("takes fewer other questions than the concept has", () => {
    expect(isValidated({ concept, unrelated: [0.02, 0.021, 0.019] })).toBe(true);
  });
});

describe("judgeConcepts", () => {
  const cells = [0, 1, 2].flatMap((seed) => [0, 1, 2, 3, 4].map((theme) => ({ seed, setting: { theme } })));
  const rowsOf = (arm: string, measures: Record<string, number>): Row[] =>
    cells.map((cell) => ({ arm, ...cell, measures: { ...measures } }));
  const original = (validated: (seed: number, theme: number) => boolean): Row[] =>
    cells.map(({ seed, setting }) => ({
      arm: "original",
      seed,
      setting,
      measures: {
        validated: Number(validated(seed, setting.theme)),
        ROUGE: 1,
        Prob: 0.9,
        conceptDrop: 0.018,
        controlDrop: 0.009,
        halved: 16,
      },
    }));
  const enough = original((_seed, theme) => theme < 3);
  const losses = (cosine: number, ROUGE: number, relearn20: number) =>
    ["GA", "NPO+RT", "FLAT-TV", "GradDiff", "values"].flatMap((arm) => rowsOf(arm, { cosine, ROUGE, relearn20 }));
  const needle = (relearn20: number) => rowsOf("needle", { cosine: 0.2, ROUGE: 0.8, relearn20 });
  const judge = (...rows: Row[][]) => judgeConcepts(rows.flat(), "standard");

  it("says replicated when behaviour goes, vectors stay, and the needle is harder to undo", () => {
    expect(judge(enough, losses(0.99, 0.3, 0.9), needle(0.6)).verdict).toBe("replicated");
  });

  it("says partly when the needle is undone as easily", () => {
    const judged = judge(enough, losses(0.99, 0.3, 0.9), needle(0.95));
    expect(judged.verdict).toBe("partly");
    expect(judged.reason).toContain("Noise on them takes 2.0 % of the theme's probability");
  });

  it("compares the needle with the best of all arms that train", () => {
    const rows = [enough, losses(0.99, 0.3, 0.9), needle(0.6)].flat();
    const better = rows.map((row) =>
      row.arm === "GradDiff" ? { ...row, measures: { ...row.measures, relearn20: 0.55 } } : row,
    );
    expect(judge(better).verdict).toBe("partly");
    expect(judge(better).reason).toContain("GradDiff minus needle");
  });

  it("counts seeds, not themes: one seed on which the needle is undone as easily is enough to doubt", () => {
    const rows = [enough, losses(0.99, 0.3, 0.9), needle(0.6)].flat();
    const doubtful = rows.map((row) =>
      row.arm === "needle" && row.seed === 2 ? { ...row, measures: { ...row.measures, relearn20: 0.91 } } : row,
    );
    expect(judge(doubtful).verdict).toBe("partly");
    expect(judge(rows).reason).toContain("over 3 seeds");
  });

  it("says beside how much validated vectors hold", () => {
    const { side } = judge(enough, losses(0.99, 0.3, 0.9), needle(0.6));
    expect(side?.[1].detail).toBe(
      "Noise on them takes 2.0 % of the theme's probability, on a vector of like use 1.0 %.",
    );
  });

  it("says contradicted when unlearning moves the vectors", () => {
    expect(judge(enough, losses(0.5, 0.3, 0.9), needle(0.6)).verdict).toBe("contradicted");
  });

  it("is not at this scale when behaviour does not change, or between the two limits", () => {
    expect(judge(enough, losses(0.99, 0.7, 0.9), needle(0.6)).verdict).toBe("not at this scale");
    expect(judge(enough, losses(0.9, 0.3, 0.9), needle(0.6)).verdict).toBe("not at this scale");
  });

  it("is not at this scale without validated vectors, and says how many units it takes", () => {
    const few = original((seed, theme) => seed === 0 || theme < 2);
    const judged = judge(few, losses(0.99, 0.3, 0.9), needle(0.6));
    expect(judged.verdict).toBe("not at this scale");
    expect(judged.reason).toContain("5 themes of seed 0, 2 themes of seed 1, 2 themes of seed 2");
    expect(judged.reason).toContain("Median 16 over the 15 of 15 cells");
  });
});
