import { describe, expect, it } from "vitest";
import type { Row } from "../../src/lab/study.js";
import { judgeLazy } from "../../studies/phenomena/lazy-judge.js";

/** Results of one run; changes of them make the cases below. */
interface Case {
  readonly arm: "network" | "linearised";
  readonly eps: number;
  readonly alpha: number;
  readonly P: number;
  readonly seed: number;
}
type Measures = Record<string, number | undefined>;

const alphas = [0.1, 0.3, 1, 3, 10, 100];
const jitter = (seed: number) => 1 + 0.02 * seed;

/** Rows in which all four conditions hold, unless `change` says otherwise. */
function rows(change: (run: Case) => Measures = () => ({}), seeds = [0, 1, 2, 3, 4]): Row[] {
  const runs: Case[] = seeds.flatMap((seed) =>
    [0.25, 0.1].flatMap((eps) => [
      ...alphas.flatMap((alpha) =>
        (["network", "linearised"] as const).map((arm) => ({ arm, eps, alpha, P: 250, seed })),
      ),
      ...[80, 2000].map((P) => ({ arm: "network" as const, eps, alpha: 10, P, seed })),
    ]),
  );
  return runs.map((run) => {
    const { arm, eps, alpha, P, seed } = run;
    const measures: Measures = {
      lag: (P === 2000 ? 1.1 : 2 + alpha) * jitter(seed),
      lagIsBound: 0,
      fitStep: 100,
      testAtFit: 20 * jitter(seed),
      testEnd: (P === 80 ? 70 : arm === "network" ? 5 : 18) * jitter(seed),
      trainEnd: 0.01,
      alignmentAtFit: 0.7,
      alignmentEnd: 0.8 + 0.01 * seed,
      ntkAlignmentAtFit: 0.1,
      ntkAlignmentEnd: 0.11,
      ntkCentredAtFit: 0.05,
      ntkCentredEnd: 0.06,
      ...change(run),
    };
    const kept = Object.entries(measures).filter((entry): entry is [string, number] => entry[1] !== undefined);
    return { arm, seed, setting: { eps, alpha, P, eta: 10 }, measures: Object.fromEntries(kept) };
  });
}

const holding = (list: readonly Row[]) => judgeLazy(list).conditions.map(({ holds }) => holds);
const late = ({ alpha, P }: Case) => P === 250 && (alpha === 3 || alpha === 10);

describe("the verdict of lazy-to-rich", () => {
  it("is replicated when all four conditions hold", () => {
    const { verdict, conditions } = judgeLazy(rows());
    expect(verdict).toBe("replicated");
    expect(conditions.map(({ holds }) => holds)).toEqual([true, true, true, true, true]);
  });

  it.each<[string, number, (run: Case) => Measures]>([
    // The first two of six trade places with the last two: Spearman 0.6 at one eps.
    [
      "the lag does not grow with alpha at one eps",
      1,
      ({ eps, alpha, P }) => (eps === 0.1 && P === 250 ? { lag: [5, 6, 3, 4, 7, 8][alphas.indexOf(alpha)] } : {}),
    ],
    [
      "the test loss falls too little after the fit",
      2,
      (run) => (run.arm === "network" && late(run) && run.eps === 0.1 ? { testEnd: 11 } : {}),
    ],
    [
      "the linearised network falls as well",
      2,
      (run) => (run.arm === "linearised" && late(run) ? { testAtFit: 30 } : {}),
    ],
    [
      "the linearised network ends less than twice as high",
      2,
      (run) => (run.arm === "network" && late(run) ? { testEnd: 9.5, testAtFit: 40 } : {}),
    ],
    ["features do not align at one alpha", 3, (run) => (late(run) && run.alpha === 3 ? { alignmentEnd: 0.74 } : {})],
    ["there is a lag with enough data", 4, ({ P }) => (P === 2000 ? { lag: 1.6 } : {})],
    ["too little data is enough", 4, ({ P }) => (P === 80 ? { testEnd: 49 } : {})],
  ])("is partly when %s", (_, condition, change) => {
    const { verdict, conditions } = judgeLazy(rows(change));
    expect(conditions.map(({ holds }) => holds)).toEqual([0, 1, 2, 3, 4].map((i) => i !== condition));
    expect(verdict).toBe("partly");
  });

  it("reports the correlation of the eps where it is weaker", () => {
    for (const weak of [0.1, 0.25]) {
      const traded = [2, 3, 4, 5, 7, 6];
      const change = ({ eps, alpha, P }: Case): Measures =>
        eps === weak && P === 250 ? { lag: traded[alphas.indexOf(alpha)] } : {};
      const [, lag] = judgeLazy(rows(change)).conditions;
      expect(lag.holds).toBe(true);
      expect(lag.estimate).toBeCloseTo(1 - 12 / (6 * 35), 12);
    }
  });

  it("is not at this scale when two conditions fail", () => {
    const change = (run: Case): Measures => ({
      ...(run.P === 2000 ? { lag: 1.6 } : {}),
      ...(late(run) ? { alignmentEnd: 0.72 } : {}),
    });
    expect(judgeLazy(rows(change)).verdict).toBe("not at this scale");
    expect(judgeLazy(rows(change)).reason).toMatch(/2 of four conditions fail/);
  });

  it.each<[string, (run: Case) => Measures]>([
    [
      "a network never fits",
      (run) =>
        run.arm === "network" && run.alpha === 10 && run.P === 250 && run.seed === 2 ? { testAtFit: undefined } : {},
    ],
    [
      "a linearised network never fits",
      (run) => (run.arm === "linearised" && run.alpha === 3 && run.eps === 0.1 ? { testAtFit: undefined } : {}),
    ],
    [
      "a train loss never gets to 10 %",
      (run) => (run.arm === "network" && run.alpha === 100 ? { lag: undefined } : {}),
    ],
  ])("is not at this scale when %s", (_, change) => {
    const { verdict, reason, conditions } = judgeLazy(rows(change));
    expect(verdict).toBe("not at this scale");
    expect(reason).toMatch(/did not occur/);
    expect(conditions).toHaveLength(1);
  });

  it("does not ask the linearised networks of other alphas to fit", () => {
    expect(
      judgeLazy(rows((run) => (run.arm === "linearised" && !late(run) ? { testAtFit: undefined } : {}))).verdict,
    ).toBe("replicated");
  });

  it("is contradicted when the networks fit and end above their linearisation, in every cell", () => {
    const above = (run: Case): Measures => (run.arm === "network" && late(run) ? { testEnd: 30 } : {});
    expect(judgeLazy(rows(above)).verdict).toBe("contradicted");
    // At one eps only, it is a failed condition.
    expect(judgeLazy(rows((run) => (run.eps === 0.1 ? above(run) : {}))).verdict).toBe("partly");
  });

  it("is contradicted when the lag falls with alpha at both eps", () => {
    const falling = (run: Case): Measures => (run.P === 250 ? { lag: 2 + 1 / run.alpha } : {});
    expect(judgeLazy(rows(falling)).verdict).toBe("contradicted");
  });

  it("needs the interval of the ratio above 1, not its mean alone", () => {
    // One seed in five is far the other way.
    const change = (run: Case): Measures =>
      run.arm === "network" && late(run) ? { testEnd: run.seed === 0 ? 300 : 1, testAtFit: 3000 } : {};
    expect(holding(rows(change))).toEqual([true, true, false, true, true].map((ok, i) => (i === 2 ? false : ok)));
  });

  it("has no interval with one seed and then claims no replication", () => {
    expect(judgeLazy(rows(undefined, [0])).verdict).toBe("partly");
  });

  it("says when the largest alpha has not trained long enough", () => {
    const detail = (list: readonly Row[]) => judgeLazy(list).conditions[1].detail;
    const stuck = (run: Case): Measures =>
      run.arm === "network" && run.alpha === 100 ? { testEnd: 80, lagIsBound: 1, lag: 200 } : {};
    expect(detail(rows(stuck))).toMatch(/Alpha 100 has not trained long enough/);
    expect(detail(rows(stuck))).toMatch(/100: 200 \(a lower bound in 5\)/);
    expect(detail(rows())).toMatch(/Alpha 100 ends at a test loss of/);
  });

  it("reports part B beside the verdict, whatever comes of it", () => {
    const images = (lag: (alpha: number) => number, end: number): Row[] =>
      [0, 1, 2].flatMap((seed) =>
        [0.5, 5, 50].map((alpha) => ({
          arm: "mlp",
          seed,
          setting: { alpha, eta: 0.002 },
          measures: { lag: lag(alpha), lagIsBound: 0, testAtFit: 20, testEnd: end, kernelMove: 1 / alpha },
        })),
      );
    const good = judgeLazy([...rows(), ...images((alpha) => 1 + alpha, 5)]);
    expect(good.side?.map(({ holds }) => holds)).toEqual([true, true]);
    const bad = judgeLazy([...rows(), ...images(() => 1, 19)]);
    expect(bad.side?.map(({ holds }) => holds)).toEqual([false, false]);
    expect(bad.verdict).toBe("replicated");
    // Nor does it rescue part A.
    const failing = rows(({ P }) => (P === 2000 ? { lag: 1.6 } : {}));
    expect(judgeLazy([...failing, ...images((alpha) => 1 + alpha, 5)]).verdict).toBe("partly");
  });

  it("does not fail on rows of which there are none", () => {
    expect(judgeLazy([]).verdict).toBe("not at this scale");
  });
});
