import {
  above,
  allOf,
  atLeast,
  atMost,
  type Condition,
  decide,
  type Judgement,
  mean,
  pairedBootstrap,
  type Row,
  type Scale,
  signCount,
} from "../../src/lab/index.js";
import { erasedLimit } from "./surgical-measures.js";

/** The criterion's numbers. */
const judgeLimit = 97;
const esd = ["esd1", "esd2"] as const;

/** A cell: one digit erased from one seed's model. */
interface Cell {
  readonly seed: number;
  readonly erase: number;
  readonly value: number;
}

/**
 * The verdict on rows of the study: a pure function. ESD that does not erase in some cell cannot be compared at equal
 * erasure; one of the two must.
 */
export function judgeSurgical(rows: readonly Row[], scale: Scale): Judgement {
  const cells = (arm: string, measure: string): Cell[] =>
    rows
      .filter((row) => row.arm === arm && measure in row.measures)
      .map(({ seed, setting, measures }) => ({ seed, erase: Number(setting?.erase), value: measures[measure] }));

  const accuracy = Math.min(...cells("original", "judgeAccuracy").map(({ value }) => value));
  /** What is left of the digit in the cell of an arm with most of it. */
  const left = (arm: string) => Math.max(...cells(arm, "checkedRate").map(({ value }) => value));
  const has = (arm: string) => rows.some((row) => row.arm === arm);
  const erases = (arm: string) => left(arm) <= erasedLimit;
  const etas = esd.filter(has);
  const erasing = etas.filter(erases);
  const rivals = erasing.length > 0 ? erasing : etas;
  const gate = allOf("the comparison can be made", [
    atLeast("the judge's test accuracy", accuracy, judgeLimit, "%"),
    atMost(
      "samples that still show the digit, in the worst cell of surgical and of weight 0",
      Math.max(left("surgical"), left("unpreserved")),
      erasedLimit,
      "%",
    ),
    atMost("the same of the ESD that erases more", Math.min(...etas.map(left)), erasedLimit, "%"),
  ]);
  const more = (name: string, a: string, b: string, measure: string) =>
    positive(name, differences(cells(a, measure), cells(b, measure)));
  const againstEsd = rivals.map((arm) =>
    more(`drift of others: ${names[arm]} minus surgical`, arm, "surgical", "drift"),
  );
  const primary = allOf("surgical moves the other digits less than ESD", againstEsd);
  const preserving = more("drift of others: weight 0 minus surgical", "unpreserved", "surgical", "drift");
  const layout = allOf(
    "surgical keeps the layout better than ESD",
    rivals.map((arm) => more(`layout correlation: surgical minus ${names[arm]}`, "surgical", arm, "layout")),
  );
  const worse = rivals.map((arm) => more(`drift of others: surgical minus ${names[arm]}`, "surgical", arm, "drift"));
  /** How far an arm beside the criterion erases, and what it compares to where that is far enough. */
  const beside = (arm: string, name: string, compared: () => readonly Condition[]) =>
    has(arm)
      ? [
          atMost(`samples that still show the digit, in the worst cell of ${name}`, left(arm), erasedLimit, "%"),
          ...(erases(arm) ? compared() : []),
        ]
      : [];
  const side = [
    ...beside("surgicalFree", "surgical without an alternative", () =>
      rivals.map((arm) =>
        more(`without an alternative, drift: ${names[arm]} minus surgical`, arm, "surgicalFree", "drift"),
      ),
    ),
    more("drift of samples without a label: weight 0 minus surgical", "unpreserved", "surgical", "nullDrift"),
    ...beside("anchor", "the anchor", () => [
      more("drift of others: anchor minus surgical", "anchor", "surgical", "drift"),
    ]),
  ];
  const judgement = decide({
    gate,
    primary,
    rest: [preserving, layout],
    contradicted: worse.find(({ holds }) => holds),
    side,
  });
  return scale === "smoke"
    ? { ...judgement, verdict: "not at this scale", reason: "A smoke run gives no verdict." }
    : judgement;
}

const names = { esd1: "ESD, eta 1", esd2: "ESD, eta 2" } as const;

/** Paired by seed and digit. */
function differences(a: readonly Cell[], b: readonly Cell[]): Cell[] {
  return a.map((cell) => {
    const other = b.find(({ seed, erase }) => seed === cell.seed && erase === cell.erase)!;
    return { ...cell, value: cell.value - other.value };
  });
}

/** Clear of 0 over the cells, and positive in the mean of every seed. */
function positive(name: string, cells: readonly Cell[]): Condition {
  const condition = above(name, pairedBootstrap(cells.map(({ value }) => value)), { limit: 0 });
  const seeds = [...new Set(cells.map(({ seed }) => seed))];
  const means = seeds.map((seed) => mean(cells.filter((cell) => cell.seed === seed).map(({ value }) => value)));
  const agreeing = signCount(means, 1);
  return {
    ...condition,
    holds: condition.holds && agreeing === seeds.length,
    detail: `${condition.detail.replace(/over \d+ seeds?/, `over ${cells.length} cells`)} Above 0 in ${agreeing} of ${seeds.length} seeds (asked: all).`,
  };
}
