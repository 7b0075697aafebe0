import { describe, expect, it } from "vitest";
import { tensor } from "../../src/engine/index.js";
import { memoryCache, type Row, renderSvg, runStudy } from "../../src/lab/index.js";
import { labelAgnosticFigures, principalPlane } from "../../studies/forget/label-agnostic-figures.js";
import study from "../../studies/forget/label-agnostic-forgetting.js";
import { judgeLabelAgnostic } from "../../studies/forget/label-agnostic-judge.js";
import { scenariosC } from "../../studies/forget/track-c.js";
import { smokeRun } from "./smoke-run.js";

const spread = [-0.1, 0.1, 0, 0.05, -0.05];
/** AvgGap of each scenario, for one arm. */
type Gaps = readonly [random10: number, byClass: number, mislabel: number];
const arm = (name: string, gaps: Gaps, more: Record<string, number> = {}, wobble = spread): Row[] =>
  gaps.flatMap((gap, i) =>
    wobble.map((offset, seed) => ({
      arm: name,
      seed,
      setting: { scenario: scenariosC[i] },
      measures: { AvgGap: gap + offset, ...more },
    })),
  );

const learned = { trainAccuracy: 99.9, gap: 12 };
interface Numbers {
  LAF?: Gaps;
  repaired?: Gaps;
  original?: Gaps;
  FT?: Gaps;
  admission?: typeof learned;
}
/** No wobble in the original: a difference then wobbles as the arm does. */
const rows = (of: Numbers): Row[] => [
  ...arm("original", of.original ?? [10, 30, 10], of.admission ?? learned, [0, 0, 0, 0, 0]),
  ...arm("FT", of.FT ?? [4, 8, 4]),
  ...arm("GradDiff", [6, 9, 6]),
  ...arm("RL", [8, 12, 8]),
  ...arm("GA", [0, 0, 0]),
  // A row of the tuning seed, which the criterion must not look at.
  { arm: "FT", seed: 900, setting: { scenario: "class" }, measures: { tuningGap: 0 } },
  ...arm("LAF", of.LAF ?? [5, 9, 5]),
  ...arm("LAF+R", of.repaired ?? of.LAF ?? [5, 9, 5]),
  ...arm("no-alignment", [9, 9, 9]),
  ...arm("no-extraction", [5, 8.9, 5]),
];
const judged = (of: Numbers) => judgeLabelAgnostic(rows(of), "standard");

describe("the verdict of label-agnostic-forgetting", () => {
  it("is replicated when LAF is near the best supervised arm and better than the original everywhere", () => {
    expect(judged({}).verdict).toBe("replicated");
    // Averaged over scenarios: one may lie beyond the margin.
    expect(judged({ LAF: [4, 11, 4] }).verdict).toBe("replicated");
    expect(judged({ LAF: [1, 1, 1] }).verdict).toBe("replicated");
  });

  it("is partly when it holds in two scenarios, or for LAF with repair only", () => {
    expect(judged({ LAF: [5, 20, 5] }).verdict).toBe("partly");
    expect(judged({ LAF: [5, 31, 5] }).verdict).toBe("partly");
    expect(judged({ LAF: [9, 20, 5], repaired: [5, 9, 5] }).verdict).toBe("partly");
  });

  it("is contradicted when LAF is no nearer to gold than the original in two scenarios", () => {
    expect(judged({ LAF: [10.1, 31, 5] }).verdict).toBe("contradicted");
    expect(judged({ LAF: [10.1, 29, 5] }).verdict).toBe("not at this scale");
  });

  it("is not at this scale where an original has not learned by heart", () => {
    const { verdict, reason } = judged({ admission: { trainAccuracy: 98.9, gap: 12 } });
    expect(verdict).toBe("not at this scale");
    expect(reason).toContain("98.9 %");
    expect(judged({ admission: { trainAccuracy: 100, gap: 7.9 } }).verdict).toBe("not at this scale");
  });

  it("chooses the best of the supervised arms, which gradient ascent is not among", () => {
    expect(judged({ FT: [20, 20, 20] }).conditions[1].name).toBe("LAF minus GradDiff, over all scenarios");
    expect(judged({ FT: [20, 20, 20] }).verdict).toBe("replicated");
  });

  it("says which step is not needed", () => {
    const side = judged({}).side!;
    const of = (name: string) => side.find((condition) => condition.name.includes(name))!;
    expect(of("no-alignment").holds).toBe(true);
    expect(of("no-extraction").holds).toBe(false);
  });

  it("does not take an arm that diverged on a seed for the best", () => {
    const some = rows({ FT: [1, 1, 1] }).filter(({ arm, seed }) => !(arm === "FT" && seed === 3));
    const { conditions, verdict } = judgeLabelAgnostic(some, "standard");
    expect(conditions[1].name).toBe("LAF minus GradDiff, over all scenarios");
    expect(verdict).toBe("replicated");
  });

  it("needs every seed in every arm", () => {
    const some = rows({}).filter(({ arm, seed }) => !(arm === "LAF" && seed === 3));
    expect(() => judgeLabelAgnostic(some, "standard")).toThrow(/Seeds do not match/);
  });

  it("is none at smoke scale, which notices a model that was destroyed", () => {
    const row = (TA: number): Row => ({ arm: "LAF", seed: 0, setting: { scenario: "class" }, measures: { TA } });
    expect(judgeLabelAgnostic([row(90)], "smoke").verdict).toBe("not at this scale");
    expect(judgeLabelAgnostic([row(10)], "smoke").verdict).toBe("invalid");
    expect(judgeLabelAgnostic([], "smoke").verdict).toBe("invalid");
  });
});

describe("the plane of the principal components", () => {
  it("holds the directions of the largest spread, in order", async () => {
    const spread = [-3, -1, 1, 3].flatMap((a) => [-1, 1].map((b) => [5 + b, 0.01 * a * b, a, 7]));
    const plane = await principalPlane(tensor(spread));
    const moment = (of: (point: [number, number]) => number) => plane.reduce((sum, point) => sum + of(point), 0) / 8;
    expect(moment(([x]) => x)).toBeCloseTo(0, 5);
    expect(moment(([x]) => x * x)).toBeCloseTo(5, 4);
    expect(moment(([, y]) => y * y)).toBeCloseTo(1, 4);
    expect(moment(([x, y]) => x * y)).toBeCloseTo(0, 4);
  });
});

describe("label-agnostic-forgetting at smoke scale", () => {
  const smoke = smokeRun(study);

  it("ends with a judgement and a row for every arm", () => {
    expect(smoke.record.error).toBeUndefined();
    expect(smoke.record.judgement?.verdict).toBe("not at this scale");
    expect(smoke.record.rows.map(({ arm }) => arm)).toEqual(["original", "gold", "FT", "LAF", "LAF+R"]);
    const of = (arm: string, measure: string) => smoke.record.rows.find((row) => row.arm === arm)!.measures[measure];
    expect(of("gold", "UA")).toBe(100);
    expect(of("LAF+R", "cost")).toBeGreaterThan(of("LAF", "cost"));
  });

  it("draws its figures", async () => {
    const figures = labelAgnosticFigures(smoke.record.rows, smoke.metrics);
    expect(figures.map(({ name }) => name)).toEqual(["representation-class", "gaps"]);
    for (const figure of figures) expect(await renderSvg(figure)).toContain("<svg");
  });

  it("refuses the tuning seed for a verdict", async () => {
    const refused = await runStudy(study, { scale: "smoke", out: smoke.out, seeds: [900], cache: memoryCache() });
    expect(refused.status).toBe("failed");
    expect(refused.error).toMatch(/seed 900 is the tuning seed/);
  });
});
