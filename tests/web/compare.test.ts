import { describe, expect, it } from "vitest";
import { compareRuns } from "../../src/lab/compare.js";
import { renderSvg } from "../../src/lab/figures/svg.js";
import { summarise } from "../../src/lab/table.js";
import { costLines } from "../../web/src/compare/cost.js";
import {
  familyFigure,
  familyLines,
  familyMeasures,
  familyRecords,
  familySources,
  familyStudies,
} from "../../web/src/compare/family.js";
import { comparisonFigure } from "../../web/src/compare/figure.js";
import { curveSetting, groups, linesOf, measuresOf, valuesOf } from "../../web/src/compare/lines.js";
import { loadCompared } from "../../web/src/compare/load.js";
import { readCompare, writeCompare } from "../../web/src/compare/query.js";
import { comparisonReport } from "../../web/src/compare/report.js";
import { armSubjects, type ComparedRun, letterOf, sourceSubjects, unlike } from "../../web/src/compare/subjects.js";
import { comparisonRecords, comparisonTable } from "../../web/src/compare/table.js";
import { comparisonView } from "../../web/src/compare/view.js";
import type { PaperContent, PaperLine } from "../../web/src/contract.js";
import { item, place, record, records, rows } from "./compared.js";

const compared = (all = records()): ComparedRun[] =>
  all.map((one, i) => ({ letter: letterOf(i), place: "tab", record: one, rows: one.rows }));

describe("the address of a comparison", () => {
  it("holds all that the page shows", () => {
    const text =
      "run=tab%3Aa&run=server%3Ab&by=arms&base=new%40A&measure=accuracy&arm=new&arm=old&show=difference&x=round";
    expect(writeCompare(readCompare(new URLSearchParams(text))).toString()).toBe(text);
    expect(readCompare(new URLSearchParams(text))).toMatchObject({
      runs: [
        { place: "tab", id: "a" },
        { place: "server", id: "b" },
      ],
      difference: true,
    });
  });

  it("leaves out what is no run, and runs named twice", () => {
    const query = readCompare(new URLSearchParams("run=tab:a&run=moon:b&run=tab:&run=tab:a&by=magic"));
    expect(writeCompare(query).toString()).toBe("run=tab%3Aa");
  });
});

describe("loadCompared", () => {
  it("says in a sentence which runs are not here, and keeps the letters of the others", async () => {
    const tab = place("tab", {
      runs: async () => [item({ id: "torn" })],
      record: async (id) => {
        if (id === "torn") throw new Error("Its record is damaged");
        if (id === "gone") throw new Error('There is no run "gone"');
        return record({ id });
      },
    });
    const refs = [
      { place: "tab", id: "gone" },
      { place: "server", id: "far" },
      { place: "tab", id: "torn" },
      { place: "tab", id: "here" },
    ] as const;
    const { runs, missing } = await loadCompared(refs, [tab]);
    expect(runs.map(({ letter, record: { id } }) => [letter, id])).toEqual([["D", "here"]]);
    expect(missing).toEqual([
      expect.stringMatching(/^Run A, gone, is not in this browser: it was deleted, or made in another browser/),
      expect.stringMatching(/^Run B, far, is not here: it was deleted, or belongs to the server of another lab/),
      "Run C, torn, cannot be read: Its record is damaged.",
    ]);
  });
});

describe("what makes runs unlike", () => {
  it("is nothing where they differ in their results alone", () => {
    expect(unlike(compared([record(), record({ id: "b", rows: rows([1, 2], 1) })]))).toEqual([]);
  });

  it("is told plainly: scale, seeds, options, ends, versions and machines", () => {
    const other = record({
      scale: "standard",
      seeds: [3],
      options: { rounds: 4, pause: 0, extra: [1, 2] },
      status: "stopped",
      environment: { ...record().environment, hebb: "0.2.0", processor: "another" },
    });
    expect(unlike(compared([record(), other]))).toEqual([
      "The scales differ (A: smoke; B: standard): the numbers are not of the same experiment.",
      "The seeds differ (A: 1, 2; B: 3): none is in all of them, so that nothing can be paired.",
      "The option “rounds” differs (A: 2; B: 4).",
      "The option “extra” differs (A: not set; B: [1,2]).",
      "Run B was stopped: its results are only a part.",
      "The versions of Hebb differ (A: 0.1.0; B: 0.2.0).",
      "The machines differ (A: cpu, a processor; B: cpu, another): times cannot be compared.",
    ]);
  });
});

describe("lines of a comparison", () => {
  it("agree with those of the command line, for runs", () => {
    const all = records();
    const lines = linesOf(sourceSubjects(compared(all)), { base: 0, measure: "accuracy" });
    const expected = compareRuns(all).filter(({ measure }) => measure === "accuracy");
    expect(lines.map(({ differences }) => differences.slice(1))).toEqual(
      expected.map(({ differences }) => differences),
    );
    expect(lines[0].differences).toEqual([
      null,
      { mean: expect.closeTo(0.5), low: expect.closeTo(0.5), high: expect.closeTo(0.5), n: 2 },
    ]);
  });

  it("turn with the baseline", () => {
    const subjects = sourceSubjects(compared());
    const [line] = linesOf(subjects, { base: 1, measure: "accuracy" });
    expect(line.differences[0]).toMatchObject({ mean: expect.closeTo(-0.5), n: 2 });
    expect(line.differences[1]).toBeNull();
  });

  it("pair arms of a run by seed, and arms of several runs", () => {
    const [run] = compared();
    const arms = armSubjects([run]);
    expect(arms.map(({ key }) => key)).toEqual(["new", "old"]);
    const lines = linesOf(arms, { base: 1, measure: "accuracy" });
    expect(lines.map(({ arm, setting }) => [arm, setting])).toEqual([
      ["", { round: 0 }],
      ["", { round: 1 }],
    ]);
    expect(lines[0].differences[0]).toMatchObject({ mean: expect.closeTo(2), n: 2 });
    expect(armSubjects(compared()).map(({ key }) => key)).toEqual(["new@A", "old@A", "new@B", "old@B"]);
  });

  it("leave out other measures and other arms", () => {
    const subjects = sourceSubjects(compared());
    expect(measuresOf(subjects)).toEqual(["accuracy", "steps"]);
    const lines = linesOf(subjects, { base: 0, measure: "steps", arms: ["old"] });
    expect(lines.map(({ arm, measure }) => [arm, measure])).toEqual([
      ["old", "steps"],
      ["old", "steps"],
    ]);
  });

  it("give differences per seed that both have", () => {
    const [line] = linesOf(sourceSubjects(compared()), { base: 0, measure: "accuracy" });
    expect(valuesOf(line, 1, 0, true)).toEqual([expect.closeTo(0.5), expect.closeTo(0.5)]);
    expect(valuesOf(line, 1, 0, false)).toHaveLength(3);
    expect(valuesOf(line, 0, 0, true)).toEqual([]);
  });
});

describe("curves", () => {
  const line = (arm: string, setting: Record<string, number | string>) => ({
    ...{ arm, setting, measure: "m", cells: [], differences: [] },
  });

  it("run along the numeric setting with the most values, and settings that follow from it split nothing", () => {
    const lines = ["a", "b"].flatMap((arm) =>
      [0, 1, 2].map((round) => line(arm, { round, density: 0.8 ** round, data: "digits" })),
    );
    expect(curveSetting(lines)).toBe("round");
    expect(groups(lines, "round").map(({ label, lines }) => [label, lines.length])).toEqual([
      ["a", 3],
      ["b", 3],
    ]);
  });

  it("are split by settings that do not follow", () => {
    const lines = ["x", "y"].flatMap((data) => [0, 1, 2].map((round) => line("a", { data, round })));
    expect(groups(lines, "round").map(({ label }) => label)).toEqual(["a, data x", "a, data y"]);
  });

  it("do not run along what most lines do not have", () => {
    const some = [0, 1, 2].map((offset) => line("a", { keep: 1, offset }));
    const others = ["b", "c", "d", "e"].map((arm) => line(arm, { keep: 1 }));
    expect(curveSetting(some)).toBe("offset");
    expect(curveSetting([...some, ...others])).toBeUndefined();
  });

  it("need three values at least", () => {
    expect(curveSetting([line("a", { round: 0 }), line("a", { round: 1 })])).toBeUndefined();
    expect(curveSetting([line("a", { s: "x" }), line("a", { s: "y" }), line("a", { s: "z" })])).toBeUndefined();
  });
});

describe("the view", () => {
  const query = { arms: [], difference: false };
  const input = { measures: record().measures, what: "run", title: "A Tiny Claim" };
  const of = (changes: object, sources = compared()) =>
    comparisonView({ ...input, sources, query: { ...query, ...changes } })!;

  it("sets runs side by side, and the arms of a run alone", () => {
    expect(of({})).toMatchObject({ by: "runs", what: "run", base: 0, measure: "accuracy" });
    expect(of({}, compared().slice(0, 1))).toMatchObject({ by: "arms", what: "arm" });
    expect(of({ by: "runs" }, compared().slice(0, 1)).by).toBe("arms");
    expect(of({ by: "arms" }).subjects).toHaveLength(4);
  });

  it("takes the baseline that the most can be compared with, unless it is told one", () => {
    const part = record({ id: "part", rows: rows([1], 0, 1), status: "stopped" });
    const all = compared([part, record(), record({ id: "c" })]);
    expect(of({}, all).base).toBe(1);
    expect(of({ base: "A" }, all).base).toBe(0);
    expect(of({ base: "Z" }, all).base).toBe(1);
    // Nothing shares the many settings of this arm.
    const alone = Array.from({ length: 9 }, (_, i) => ({ ...rows([1])[0], arm: "alone", setting: { task: i } }));
    const arms = of({}, compared([record({ rows: [...alone, ...rows([1])] })]));
    expect(arms.subjects[arms.base].key).toBe("new");
  });

  it("begins with the measure that the most subjects have", () => {
    const tuned = [{ ...rows([1])[0], measures: { tuning: 1 } }, ...rows([1, 2])];
    expect(of({ by: "arms" }, compared([record({ rows: tuned })])).measure).toBe("accuracy");
    expect(of({ measure: "tuning" }, compared([record({ rows: tuned })])).measure).toBe("tuning");
    expect(of({ measure: "unheard-of" }).measure).toBe("accuracy");
  });

  it("shows the arms that are chosen, and the baseline with them", () => {
    expect(of({ arms: ["old"] }).lines.map(({ arm }) => arm)).toEqual(["old", "old"]);
    const arms = of({ by: "arms", base: "new@A", arms: ["old"] });
    expect(arms.subjects.map(({ key }) => key)).toEqual(["new@A", "old@A", "old@B"]);
    expect(arms.arms).toEqual([
      { name: "new", shown: false },
      { name: "old", shown: true },
    ]);
    expect(of({ arms: ["unheard-of"] }).lines).toHaveLength(4);
  });

  it("is nothing where nothing was measured", () => {
    expect(comparisonView({ ...input, sources: compared([record({ rows: [] })]), query })).toBeUndefined();
  });
});

describe("a family", () => {
  const ledger = (date: string, changes: object = {}) => ({
    ...record({ scale: "standard" }),
    ...{ run: "r", date, notes: [], table: summarise(record().rows) },
    judgement: {
      verdict: "partly" as const,
      reason: "Because.",
      conditions: [
        { name: "control", holds: true, detail: "", estimate: 89 },
        { name: "finding", holds: false, detail: "=1", estimate: 1.5, interval: [-0.5, 3.5] as const },
      ],
    },
    ...changes,
  });
  const content = (slug: string, date: string) =>
    ({
      slug,
      ledger: ledger(date),
      study: { measures: record().measures },
      metrics: [],
      code: [],
    }) as unknown as PaperContent;
  const lines = [{ slug: "a", title: "Paper A" }] as PaperLine[];
  const studies = familyStudies(lines, [
    content("a", "2026-01-01"),
    content("b", "2026-02-01"),
    { slug: "c" } as PaperContent,
  ]);

  it("is its studies with a verdict, newest first, with the finding that has an interval", () => {
    expect(familyLines(studies).map(({ slug, title }) => [slug, title])).toEqual([
      ["b", "b"],
      ["a", "Paper A"],
    ]);
    expect(familyLines(studies)[0]).toMatchObject({
      verdict: "partly",
      finding: { name: "finding", text: "1.5", interval: "[−0.5, 3.5]" },
      cost: ["10 s", "1,000", "500", "not counted"],
    });
  });

  it("is exported with every condition", () => {
    const records = familyRecords(studies);
    expect(records).toHaveLength(4);
    expect(records[1]).toMatchObject({ study: "b", condition: "finding", holds: false, low: -0.5, high: 3.5 });
  });

  it("is drawn, and its results compared as those of runs are", async () => {
    const svg = await renderSvg(familyFigure("compress", studies));
    expect(svg).toContain("partly");
    expect(svg).not.toMatch(/NaN|Infinity/);
    const view = comparisonView({
      ...{ sources: familySources(studies), measures: familyMeasures(studies), what: "study", title: "t" },
      query: { arms: [], difference: true },
    })!;
    expect(view.table.columns).toEqual(["b", "a", "a − b"]);
    expect(view.lines[0].differences[1]?.mean).toBe(0);
  });
});

describe("the figure", () => {
  const subjects = sourceSubjects(
    compared([record({ rows: rows([1, 2], 0, 4) }), record({ rows: rows([1, 2], 1, 4) })]),
  );
  const options = { title: "Accuracy", base: 0, measure: "accuracy", info: { label: "accuracy", unit: "%" } };
  const lines = linesOf(subjects, { base: 0, measure: "accuracy" });

  it.each([
    { difference: false, x: "round" },
    { difference: true, x: "round" },
    { difference: false, x: undefined },
    { difference: true, x: undefined },
  ])("draws differences $difference along $x", async (how) => {
    const figure = comparisonFigure(subjects, lines, { ...options, ...how })!;
    const svg = await renderSvg(figure);
    expect(svg).toContain(how.difference ? "accuracy (%), minus A" : "accuracy (%)");
    expect(svg.match(/NaN|undefined|Infinity/)).toBeNull();
    expect(figure.caption).toContain("95 % intervals");
  });

  it("draws runs that are the same", async () => {
    const twins = sourceSubjects(
      compared([record({ rows: rows([1, 2], 0, 4) }), record({ rows: rows([1, 2], 0, 4) })]),
    );
    for (const x of ["round", undefined]) {
      const figure = comparisonFigure(twins, linesOf(twins, { base: 0, measure: "accuracy" }), {
        ...{ ...options, difference: true, x },
      })!;
      expect(await renderSvg(figure)).not.toMatch(/NaN|undefined|Infinity/);
    }
  });

  it("is none where nothing is in common", () => {
    const apart = sourceSubjects(compared([record(), record({ seeds: [8], rows: rows([8]) })]));
    const some = linesOf(apart, { base: 0, measure: "accuracy" });
    expect(comparisonFigure(apart, some, { ...options, difference: true })).toBeUndefined();
    expect(comparisonFigure(apart, some, { ...options, difference: false })).toBeDefined();
  });

  it("draws all curves over the same stretch, and leaves out what has one place only", async () => {
    const all = [...rows([1, 2], 0, 4), ...rows([1, 2]).map((row) => ({ ...row, arm: "once", setting: { round: 9 } }))];
    const some = all.filter(({ arm, setting }) => arm !== "old" || setting?.round !== 0);
    const own = sourceSubjects(compared([record({ rows: some }), record({ rows: some })]));
    const figure = comparisonFigure(own, linesOf(own, { base: 0, measure: "accuracy" }), {
      ...{ ...options, difference: false, x: "round" },
    })!;
    const drawn = figure.plot(await import("@observablehq/plot")) as { x: { domain: number[] } }[];
    expect(drawn).toHaveLength(2);
    expect(drawn[0].x.domain).toEqual(drawn[1].x.domain);
    expect(figure.caption).toContain("What was measured at one round only stands in the table.");
  });

  it("draws as many groups as can be looked at, and says so", () => {
    const many = Array.from({ length: 100 }, (_, i) => ({ ...rows([1])[0], setting: { task: `t${i}` } }));
    const wide = sourceSubjects(compared([record({ rows: many }), record({ rows: many })]));
    const figure = comparisonFigure(wide, linesOf(wide, { base: 0, measure: "accuracy" }), {
      ...options,
      difference: false,
    })!;
    expect(figure.caption).toContain("The first 30 of 100 groups are drawn.");
  });
});

describe("the table", () => {
  it("sets few subjects side by side, with differences to the baseline", () => {
    const subjects = sourceSubjects(compared());
    const table = comparisonTable(subjects, linesOf(subjects, { base: 1, measure: "accuracy" }), 1, "run");
    expect(table.keys).toEqual(["arm", "round"]);
    expect(table.columns).toEqual(["A", "B", "A − B"]);
    expect(table.lines[0].names).toEqual(["new", "0"]);
    expect(table.lines[0].entries.map((entry) => entry?.seeds)).toEqual([2, 3, 2]);
  });

  it("sets many below one another", () => {
    const subjects = armSubjects(compared([...records(), record({ id: "c" })]));
    const lines = linesOf(subjects, { base: 0, measure: "accuracy" });
    const table = comparisonTable(subjects, lines, 0, "arm");
    expect(table.keys).toEqual(["round", "arm"]);
    expect(table.columns).toEqual(["value", "minus new, A"]);
    expect(table.lines).toHaveLength(12);
    expect(table.lines[0].entries[1]).toBeNull();
  });

  it("is exported with all digits, a record for each line and subject", () => {
    const subjects = sourceSubjects(compared());
    const lines = linesOf(subjects, { base: 0, measure: "accuracy" });
    const all = comparisonRecords(subjects, lines, 0, "run");
    expect(all).toHaveLength(8);
    expect(all[1]).toMatchObject({ run: "B", arm: "new", "setting round": 0, seeds: 3, "seeds in common": 2 });
    expect(all[1].difference).toBeCloseTo(0.5, 12);
  });
});

describe("cost", () => {
  it("stands beside that of the baseline", () => {
    const sources = records().map((one, i) => ({ ...one, label: letterOf(i) }));
    const [a, b] = costLines(sources, 0);
    expect(a.entries[0]).toEqual({ text: "10 s" });
    expect(b.entries).toEqual([
      { text: "25 s", ratio: "× 2.5" },
      { text: "2,000", ratio: "× 2" },
      { text: "500", ratio: "× 1" },
      { text: "not counted" },
    ]);
    expect(costLines(sources)[1].entries[0]).toEqual({ text: "25 s" });
  });
});

describe("the report of a comparison", () => {
  it("is one file that escapes what it is given and loads nothing", () => {
    const subjects = sourceSubjects(compared());
    const lines = linesOf(subjects, { base: 0, measure: "accuracy" });
    const table = comparisonTable(subjects, lines, 0, "run");
    const html = comparisonReport({
      title: "A <tiny> claim",
      subjects: ["A: <b>run</b>"],
      warnings: ["The seeds differ."],
      figures: [{ name: "f", title: "F & G", caption: "c", svg: "<svg></svg>" }],
      tables: [{ heading: "accuracy", table }],
      cost: costLines(records().map((one, i) => ({ ...one, label: letterOf(i) }))),
      made: "2026-01-03T10:00:00.000Z",
    });
    expect(html).toContain("<h1>A &lt;tiny&gt; claim</h1>");
    expect(html).toContain("A: &lt;b&gt;run&lt;/b&gt;");
    expect(html).toContain("The seeds differ.");
    expect(html).toContain("B − A");
    expect(html).not.toMatch(/<script|<link|src="http|undefined|NaN/);
  });
});
