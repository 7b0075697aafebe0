import { describe, expect, it } from "vitest";
import type { Row } from "../../src/lab/index.js";
import { judgeForgetOnly } from "../../studies/forget/forget-only-judge.js";
import { judgeNegativePreference } from "../../studies/forget/negative-preference-judge.js";
import { utilityAt } from "../../studies/forget/track-l-judge.js";
import { tuningScore } from "../../studies/forget/track-l-trajectory.js";

const seeds = [0, 1, 2];
/** A little apart on each seed, so that intervals have a width. */
const jitter = (seed: number) => 0.001 * seed;

const references = (scenario: string): Row[] =>
  seeds.flatMap((seed): Row[] => [
    {
      arm: "original",
      seed,
      setting: { scenario },
      measures: { MU: 0.8, FQ: 1e-9, Prob: 0.9, ROUGE: 0.99, accuracy: 99.5 },
    },
    {
      arm: "gold",
      seed,
      setting: { scenario, gold: 0 },
      measures: { MU: 0.8, FQ: 1, Prob: 0.3, ROUGE: 0.7, accuracy: 99.2 },
    },
  ]);

type Stop = readonly [step: number, measures: Record<string, number>];
const path = (arm: string, scenario: string, ...stops: Stop[]): Row[] =>
  seeds.flatMap((seed) =>
    stops.map(([step, measures]) => ({
      arm,
      seed,
      setting: { scenario, step },
      measures: { ...measures, MU: measures.MU + jitter(seed) },
    })),
  );

describe("judgeNegativePreference", () => {
  const toy = (more: Record<string, number> = {}): Row[] =>
    seeds.map((seed) => ({ arm: "toy", seed, measures: { linearFit: 0.999, logFit: 0.98, ratio: 0.05, ...more } }));
  const control = (apart = 0): Row => ({
    arm: "NPO, W = 1",
    seed: 0,
    setting: { scenario: "forget10" },
    measures: { apart },
  });
  const collapse = (scenario: string) =>
    ["GA", "GradDiff"].flatMap((arm) =>
      path(arm, scenario, [10, { Prob: 0.6, MU: 0.75, FQ: 1e-6 }], [25, { Prob: 0.1, MU: 0.2, FQ: 1e-4 }]),
    );
  const gentle = (scenario: string, FQ = 0.2, MU = 0.7) => [
    ...path("NPO", scenario, [10, { Prob: 0.5, MU: 0.75, FQ: 1e-6 }], [50, { Prob: 0.25, MU, FQ: 1e-3 }]),
    ...path("NPO+RT", scenario, [10, { Prob: 0.5, MU: 0.78, FQ: 1e-6 }], [50, { Prob: 0.2, MU: 0.74, FQ }]),
  ];
  const both = (make: (scenario: string) => Row[]) => ["forget10", "forget50"].flatMap((scenario) => make(scenario));
  const all = (...parts: Row[][]) => [...both(references), ...parts.flat()];

  it("says replicated when theory, frontier and matched utility all hold", () => {
    const judged = judgeNegativePreference(all(toy(), [control()], both(collapse), both(gentle)), "standard");
    expect(judged.verdict).toBe("replicated");
    expect(judged.conditions.every(({ holds }) => holds)).toBe(true);
  });

  it("says partly when NPO+RT does not get to the frontier", () => {
    const rows = all(
      toy(),
      [control()],
      both(collapse),
      both((scenario) => gentle(scenario, 0.04)),
    );
    expect(judgeNegativePreference(rows, "standard").verdict).toBe("partly");
  });

  it("says partly when gradient ascent gets there on two seeds as well", () => {
    const easy = path("GA", "forget50", [5, { Prob: 0.6, MU: 0.75, FQ: 0.5 }]).slice(0, 2);
    const rows = all(toy(), [control()], both(collapse), both(gentle), easy);
    expect(judgeNegativePreference(rows, "standard").verdict).toBe("partly");
    expect(judgeNegativePreference([...rows.slice(0, -1)], "standard").verdict).toBe("replicated");
  });

  it("needs the theory, and an arm that gets to gold's probability on every seed", () => {
    const rest = [[control()], both(collapse), both(gentle)];
    expect(judgeNegativePreference(all(toy({ ratio: 0.2 }), ...rest), "standard").verdict).toBe("not at this scale");
    const slow = both((scenario) => path("GA", scenario, [150, { Prob: 0.31, MU: 0.7, FQ: 0 }]));
    const judged = judgeNegativePreference(all(toy(), [control()], slow, both(gentle)), "standard");
    expect(judged.verdict).toBe("not at this scale");
    expect(judged.reason).toContain("GA on 0: nothing to compare");
  });

  it("says contradicted when ascent keeps more utility where the answers are as unlikely", () => {
    const rows = all(
      toy(),
      [control()],
      both(collapse),
      both((scenario) => gentle(scenario, 0.2, 0.1)),
    );
    expect(judgeNegativePreference(rows, "standard").verdict).toBe("contradicted");
  });

  it("says invalid when weights of one are not gradient ascent, and stops at an original that knows too little", () => {
    const rest = [both(collapse), both(gentle)];
    expect(judgeNegativePreference(all(toy(), [control(1e-3)], ...rest), "standard").verdict).toBe("invalid");
    const weak = all(toy(), [control()], ...rest).map((row) =>
      row.arm === "original" ? { ...row, measures: { ...row.measures, accuracy: 97 } } : row,
    );
    const judged = judgeNegativePreference(weak, "standard");
    expect(judged.verdict).toBe("not at this scale");
    expect(judged.reason).toContain("there is something to forget");
  });
});

describe("judgeForgetOnly", () => {
  const scenario = "forget10";
  const chosen: Row = { arm: "chosen", seed: 0, setting: { divergence: "FLAT-KL" }, measures: { tuningScore: 0.1 } };
  const arm = (name: string, MU: number, ROUGE = 0.6) =>
    path(name, scenario, [10, { ROUGE: 0.9, MU: 0.79 }], [50, { ROUGE, MU }]);
  const judge = (...rows: Row[][]) => judgeForgetOnly([...references(scenario), chosen, ...rows.flat()], "standard");

  it("says replicated when FLAT keeps more than every other forget-only arm, and nearly all", () => {
    const judged = judge(
      arm("FLAT-KL", 0.78),
      arm("FLAT-TV", 0.1),
      arm("GA", 0.3),
      arm("IDK", 0.6),
      arm("P-only", 0.5),
      arm("NPO", 0.7),
    );
    expect(judged.verdict).toBe("replicated");
    expect(judged.reason).toContain("utility of FLAT-KL minus that of IDK");
    expect(judged.side?.[0].estimate).toBeCloseTo(0.08, 6);
  });

  it("says partly when it loses more than a twentieth of the utility", () => {
    expect(judge(arm("FLAT-KL", 0.7), arm("GA", 0.3), arm("IDK", 0.6), arm("P-only", 0.5)).verdict).toBe("partly");
  });

  it("says contradicted when refusals alone do as well", () => {
    expect(judge(arm("FLAT-KL", 0.78), arm("GA", 0.3), arm("IDK", 0.775), arm("P-only", 0.5)).verdict).toBe(
      "contradicted",
    );
  });

  it("leaves out an arm that does not get to gold's ROUGE", () => {
    const judged = judge(arm("FLAT-KL", 0.78), arm("GA", 0.3), arm("IDK", 0.795, 0.76), arm("P-only", 0.5));
    expect(judged.verdict).toBe("replicated");
    expect(judged.reason).toContain("minus that of P-only");
  });

  it("has nothing to compare when FLAT does not get there, or nobody else", () => {
    const slow = judge(arm("FLAT-KL", 0.78, 0.9), arm("GA", 0.3));
    expect(slow.verdict).toBe("not at this scale");
    expect(slow.reason).toContain("FLAT-KL does not get to gold's forget ROUGE");
    expect(judge(arm("FLAT-KL", 0.78), arm("GA", 0.3, 0.9)).reason).toContain("no other forget-only arm");
  });

  it("says contradicted when another arm keeps clearly more, and no verdict when none does", () => {
    expect(judge(arm("FLAT-KL", 0.6), arm("GA", 0.7), arm("IDK", 0.5)).verdict).toBe("contradicted");
    const level = [...arm("GA", 0.6)].map((row) => ({
      ...row,
      measures: { ...row.measures, MU: row.measures.MU + (row.seed === 1 ? 0.05 : -0.05) },
    }));
    expect(judge(arm("FLAT-KL", 0.6), level, arm("IDK", 0.5)).verdict).toBe("not at this scale");
  });

  it("gives the core beside with the paper's divergence alone, and without overshooting", () => {
    const overshot = path("GA", scenario, [10, { ROUGE: 0.9, MU: 0.79 }], [50, { ROUGE: 0.1, MU: 0.3 }]);
    const { side } = judge(arm("FLAT-KL", 0.78, 0.7), arm("FLAT-TV", 0.5, 0.7), overshot);
    expect(side?.map(({ name }) => name)).toEqual([
      "the core with FLAT-TV: utility of FLAT-TV minus that of GA",
      "the core, interpolated between scored steps: utility of FLAT-KL minus that of GA",
    ]);
    expect(side?.[0].estimate).toBeCloseTo(0.2, 10);
    // Gold's ROUGE and the slack make 0.75: three quarters of FLAT's way, three sixteenths of GA's.
    expect(side?.[1].estimate).toBeCloseTo(0.79 - 0.75 * 0.01 - (0.79 - (0.15 / 0.8) * 0.49), 10);
  });
});

describe("utilityAt", () => {
  const rows = [
    ...references("forget10"),
    ...path("GA", "forget10", [50, { Prob: 0.1, MU: 0.2 }], [10, { Prob: 0.7, MU: 0.6 }]),
  ];
  const at = (limit: number) => utilityAt(rows, "GA", "forget10", 0, { measure: "Prob", limit });

  it("lies on a straight line between the stops, the original being the first", () => {
    expect(at(0.8)).toBeCloseTo(0.7, 12);
    expect(at(0.7)).toBeCloseTo(0.6, 12);
    expect(at(0.25)).toBeCloseTo(0.3, 12);
  });

  it("is nothing for an arm that does not get there", () => {
    expect(at(0.05)).toBeUndefined();
    expect(utilityAt(rows, "NPO", "forget10", 0, { measure: "Prob", limit: 0.3 })).toBeUndefined();
  });
});

describe("tuningScore", () => {
  const stop = (FQ: number, MU: number) => ({ row: { FQ, MU } as any });

  it("is the best forget quality among stops with enough utility", () => {
    expect(tuningScore([stop(0.01, 0.75), stop(0.3, 0.73), stop(0.9, 0.5)], 0.8)).toBe(0.3);
  });

  it("is below 0 where no stop has, and the higher the less harm was done", () => {
    expect(tuningScore([stop(0.9, 0.5)], 0.8)).toBeCloseTo(-0.375, 12);
    expect(tuningScore([stop(0.9, 0.5), stop(0.1, 0.6)], 0.8)).toBeCloseTo(-0.25, 12);
    expect(tuningScore([], 0.8)).toBe(-1);
  });
});
