import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { count, duration, withInterval } from "../../src/lab/numbers.js";
import type { RunRecord } from "../../src/lab/record.js";
import { renderReport, smokeNotice } from "../../src/lab/report.js";
import type { Row } from "../../src/lab/study.js";
import { tinyPapers, tinyStudy } from "../tiny.js";

const rows: Row[] = ["new", "old"].flatMap((arm) =>
  [1, 2, 3].map((seed) => ({
    arm,
    seed,
    setting: { round: 3 },
    measures: { accuracy: (arm === "new" ? 95 : 93) + 0.1 * seed * (arm === "new" ? 1 : 2) },
  })),
);
const record: RunRecord = {
  version: 1,
  id: "tiny-claim-standard-1",
  slug: "tiny-claim",
  scale: "standard",
  seeds: [1, 2, 3],
  options: { rounds: 4, note: "</pre><script>alert(1)</script>" },
  device: "cpu",
  status: "done",
  started: "2025-01-01T00:00:00.000Z",
  seconds: 12.3,
  environment: { hebb: "0.1.0", runtime: "node 20", processor: "A <fast> one", threads: 2, platform: "linux x64" },
  arms: tinyStudy.arms,
  measures: tinyStudy.measures,
  rows,
  cost: { forwardExamples: 1234, backwardExamples: 567, macs: 8.9e12, seconds: 12 },
  judgement: tinyStudy.judge(rows, "standard"),
};
const figures = [{ name: "a", title: "Fig <1>", caption: "Cap & tion", svg: "<svg role='img'></svg>" }];
const render = (change: Partial<RunRecord> = {}) =>
  renderReport({ record: { ...record, ...change }, study: tinyStudy, paper: tinyPapers[0], figures });
const parse = (html: string) => parseHTML(html).document;

describe("renderReport", () => {
  it("is one file that asks nothing of a network and runs nothing", () => {
    const html = render();
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).not.toMatch(/<script|<link|@import|src=|href=|url\(/);
    expect(html).toContain("&lt;/pre&gt;&lt;script&gt;");
    expect(html).toContain("prefers-color-scheme:dark");
  });

  it("holds title, claim, criterion, verdict with reason, conditions, results, figures, cost and options", () => {
    const page = parse(render());
    const text = page.body.textContent!;
    expect(page.querySelector("h1")!.textContent).toBe("A Tiny Claim");
    expect(page.querySelector(".verdict h2")!.textContent).toBe("Replicated");
    expect(text).toContain(tinyStudy.claim);
    expect(text).toContain(tinyStudy.criterion);
    expect(text).toContain(record.judgement!.reason);
    expect(text).toContain("✓ yes");
    expect(page.querySelector("figcaption")!.textContent).toBe("Cap & tion");
    expect(page.querySelector("figure h3")!.textContent).toBe("Fig <1>");
    expect(text).toContain("1,234 examples forward, 567 backward, 8.9 × 10¹² multiply–accumulates");
    for (const part of ["A <fast> one", "1, 2, 3", "Nothing is trained.", "four rounds, no training", "accuracy (%)"]) {
      expect(text).toContain(part);
    }
  });

  it("gives each table a caption and its headings a scope", () => {
    for (const table of parse(render()).querySelectorAll("table")) {
      expect(table.querySelector("caption")).toBeTruthy();
      for (const heading of table.querySelectorAll("th")) expect(heading.getAttribute("scope")).toMatch(/^(col|row)$/);
    }
  });

  it("says at smoke scale that no verdict counts", () => {
    const page = parse(render({ scale: "smoke" }));
    expect(page.querySelector(".verdict h2")!.textContent).toBe("Smoke run: no verdict");
    expect(page.querySelector(".verdict")!.textContent).toContain(smokeNotice);
  });

  it("says why a run without a verdict has none", () => {
    const page = parse(render({ status: "failed", judgement: undefined, error: "loss became NaN", rows: [] }));
    expect(page.querySelector(".verdict")!.textContent).toBe("No verdict: the run failedloss became NaN");
    expect(page.body.textContent).toContain("Nothing was measured.");
  });
});

describe("withInterval", () => {
  it.each([
    [0.97312, 0.96912, 0.97712, "0.9731 [0.9691, 0.9771]"],
    [97.312, 96.9, 97.7, "97.31 [96.90, 97.70]"],
    [-0.00001, -0.1, 0.1, "0.00 [−0.10, 0.10]"],
    [5, 5, 5, "5 [5, 5]"],
    [1234567, 1200000, 1270000, "1.23e6 [1.20e6, 1.27e6]"],
    [-1.5e-9, -1.9e-9, -1.1e-9, "−1.50e−9 [−1.90e−9, −1.10e−9]"],
  ])("shows %d in [%d, %d] as %s", (mean, low, high, text) => {
    const shown = withInterval(mean, low, high);
    expect(`${shown.mean} ${shown.interval}`).toBe(text);
  });

  it("shows a single value without an interval", () => {
    expect(withInterval(0.123456)).toEqual({ mean: "0.1235" });
    expect(withInterval(3.3)).toEqual({ mean: "3.3" });
    expect(withInterval(0)).toEqual({ mean: "0" });
  });
});

describe("duration and count", () => {
  it("read as a person would say them", () => {
    expect([0.84, 45.4, 200, 3900].map(duration)).toEqual(["0.8 s", "45 s", "3 min 20 s", "1 h 05 min"]);
    expect([12, 1234, 5_600_000, 7.8e12].map(count)).toEqual(["12", "1,234", "5.6 million", "7.8 × 10¹²"]);
  });
});
