import { describe, expect, it } from "vitest";
import { paper } from "../../src/lab/figures/palette.js";
import { renderSvg } from "../../src/lab/figures/svg.js";
import { csvText, metricRecords, rowRecords } from "../../web/src/export/csv.js";
import { onLightPage } from "../../web/src/export/png.js";
import { runReport } from "../../web/src/export/report.js";
import { fileName } from "../../web/src/export/save.js";
import { tinyPapers, tinyStudy } from "../tiny.js";
import { records } from "./compared.js";

describe("csvText", () => {
  it("quotes commas, quotes, line breaks and outer spaces, and ends lines with CR LF", () => {
    expect(csvText([{ name: 'say "a,b"', note: "two\nlines", pad: " x", plain: "x y" }])).toBe(
      'name,note,pad,plain\r\n"say ""a,b""","two\nlines"," x",x y\r\n',
    );
  });

  it("keeps all digits of numbers, and leaves empty what is missing", () => {
    expect(csvText([{ a: 0.1 + 0.2, b: -5 }, { b: 1e-21, c: true }, { a: null }])).toBe(
      "a,b,c\r\n0.30000000000000004,-5,\r\n,1e-21,true\r\n,,\r\n",
    );
  });

  it.each(["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1"])(
    "disarms %j, which a spreadsheet would take for a formula, in cells and in headings",
    (formula) => {
      const [heading, line] = splitLines(csvText([{ [formula]: formula }]));
      expect(heading).toMatch(/^"?'/);
      expect(line).toMatch(/^"?'/);
      expect(line.replaceAll(/^"|"$/g, "").slice(1)).toBe(formula);
    },
  );

  it("leaves texts that are numbers as they are", () => {
    expect(csvText([{ a: "-0.5", b: "+1e3", c: "-1-1" }])).toBe("a,b,c\r\n-0.5,+1e3,'-1-1\r\n");
  });
});

/** Lines end with CR LF; a lone CR is in a cell. */
const splitLines = (text: string): string[] => text.split("\r\n");

describe("records of results and curves", () => {
  it("has columns for arm, seed, settings and measures", () => {
    expect(rowRecords([{ arm: "new", seed: 1, setting: { round: 2 }, measures: { accuracy: 90 } }])).toEqual([
      { arm: "new", seed: 1, round: 2, accuracy: 90 },
    ]);
  });

  it("tells a setting from a measure, or a column, of the same name", () => {
    expect(rowRecords([{ arm: "new", seed: 1, setting: { cost: 2, seed: 3 }, measures: { cost: 90 } }])).toEqual([
      { arm: "new", seed: 1, "setting cost": 2, "setting seed": 3, cost: 90 },
    ]);
    expect(metricRecords([{ arm: "new", seed: 1, step: 5, setting: { step: 2 }, values: { loss: 0.5 } }])).toEqual([
      { arm: "new", seed: 1, "setting step": 2, step: 5, loss: 0.5 },
    ]);
  });
});

describe("fileName", () => {
  it("holds nothing that a file system may refuse", () => {
    expect(fileName("../a b:c/d?", "svg")).toBe("a-b-c-d.svg");
    expect(fileName("…", "csv")).toBe("hebb.csv");
    expect(fileName("x".repeat(500), "png").length).toBeLessThan(130);
    expect(fileName("Größe β", "png")).toBe("Größe-β.png");
  });
});

describe("onLightPage", () => {
  it("takes from a figure what follows the reader's dark screen", async () => {
    const [figure] = tinyStudy.figures([{ arm: "new", seed: 1, setting: { round: 0 }, measures: { accuracy: 9 } }], []);
    const svg = await renderSvg(figure);
    expect(svg).toContain(paper.dark);
    const light = onLightPage(svg);
    expect(light).not.toContain(paper.dark);
    expect(light).not.toContain("@media");
    expect(light).toContain(`--plot-background:${paper.light}`);
  });
});

describe("runReport", () => {
  const [record] = records();
  const paperOf = tinyPapers.find(({ slug }) => slug === record.slug);

  it("holds the paper, the results and the figures, and loads nothing", async () => {
    const html = await runReport({ record, metrics: [], paper: paperOf, study: tinyStudy });
    expect(html).toContain("<h1>A Tiny Claim</h1>");
    expect(html).toContain("Accuracy &lt;by&gt; round");
    expect(html).toContain("<svg");
    expect(html).not.toMatch(/<script|<link|src="http|@import/);
    expect(html).not.toMatch(/<g[^>]*aria-label/);
  });

  it("draws no figures of a run that did not end", async () => {
    const html = await runReport({ record: { ...record, status: "stopped" }, metrics: [], study: tinyStudy });
    expect(html).not.toContain("<svg");
  });

  it("makes do without a study that this page does not know", async () => {
    const html = await runReport({ record: { ...record, slug: "unheard-of" }, metrics: [], study: undefined });
    expect(html).toContain("unheard-of");
    expect(html).toContain("Results");
  });
});
