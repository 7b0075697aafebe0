import { describe, expect, it } from "vitest";
import { regressionMia } from "../../src/forget/regression-mia.js";

describe("regressionMia", () => {
  const retain = [0.1, 0.2, 0.3];
  const test = [0.5, 0.6, 0.7];

  it("calls rows with errors like those of the retain set members", () => {
    expect(regressionMia({ retain, test, forget: [0.1, 0.25, 0.6, 9] })).toEqual({
      efficacy: 50,
      auc: 7.5 / 12,
      threshold: 0.3,
    });
    expect(regressionMia({ retain, test, forget: [0.15, 0.2] })).toMatchObject({ efficacy: 0, auc: 1 });
    expect(regressionMia({ retain, test, forget: test })).toMatchObject({ efficacy: 100, auc: 0.5 });
  });

  it("is chance where members cannot be told from others", () => {
    const same = [0.3, 0.3, 0.3];
    // Everyone is called a member: no threshold does better than chance.
    expect(regressionMia({ retain: same, test: same, forget: same })).toMatchObject({ efficacy: 0, auc: 0.5 });
  });

  it("fits on equally many rows of both sides, drawn by the seed", () => {
    const many = Array.from({ length: 50 }, (_, i) => i / 100);
    const attack = (seed: number) => regressionMia({ retain: many, test: [0.25, 1], forget: [0.3] }, { seed });
    expect(attack(1)).toEqual(attack(1));
    expect(new Set(Array.from({ length: 20 }, (_, seed) => attack(seed).threshold)).size).toBeGreaterThan(1);
  });

  it("says what is missing", () => {
    expect(() => regressionMia({ retain, test, forget: [] })).toThrow("miaEfficacy: there are no rows.");
    expect(() => regressionMia({ retain, test: [], forget: retain })).toThrow("membership attack: there are no");
    expect(() => regressionMia({ retain, test: [0.1, 0.2, Number.NaN], forget: retain })).toThrow("is not a number");
  });
});
