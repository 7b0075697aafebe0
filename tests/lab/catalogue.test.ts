import { describe, expect, it } from "vitest";
import { catalogue, families, findPaper } from "../../src/lab/catalogue/index.js";
import type { Family } from "../../src/lab/catalogue/paper.js";

const counts: Record<Family, number> = {
  optimize: 17,
  kernels: 14,
  phenomena: 13,
  local: 10,
  structure: 8,
  forget: 9,
  continual: 11,
  compress: 16,
  select: 11,
  represent: 12,
  incontext: 14,
  align: 7,
  decide: 6,
  science: 6,
};

describe("catalogue", () => {
  it("holds 154 papers with unique slugs and titles", () => {
    expect(catalogue).toHaveLength(154);
    expect(new Set(catalogue.map((paper) => paper.slug)).size).toBe(154);
    expect(new Set(catalogue.map((paper) => paper.title)).size).toBe(154);
  });

  it("names slugs in kebab case and trims titles", () => {
    for (const paper of catalogue) {
      expect(paper.slug).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      expect(paper.title, paper.slug).toBe(paper.title.trim());
      expect(paper.title, paper.slug).not.toBe("");
    }
  });

  it("lists every family once, in order, with its number of papers", () => {
    expect(families).toEqual(Object.keys(counts));
    for (const family of families) {
      expect(catalogue.filter((paper) => paper.family === family).length, family).toBe(counts[family]);
    }
    expect([...new Set(catalogue.map((paper) => paper.family))]).toEqual(families);
    const order = catalogue.map((paper) => families.indexOf(paper.family));
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it("states each claim in one sentence of 8 to 40 words", () => {
    for (const { slug, claim } of catalogue) {
      expect(claim, slug).toMatch(/^[A-Z].*[^.]\.$/);
      expect(claim, slug).not.toMatch(/[.!?]\s/);
      const words = claim.split(/\s+/).length;
      expect(words, slug).toBeGreaterThanOrEqual(8);
      expect(words, slug).toBeLessThanOrEqual(40);
    }
    expect(new Set(catalogue.map((paper) => paper.claim)).size).toBe(154);
  });

  it("dates papers between 1995 and 2026", () => {
    for (const { slug, year } of catalogue) {
      if (year === undefined) continue;
      expect(Number.isInteger(year), slug).toBe(true);
      expect(year, slug).toBeGreaterThanOrEqual(1995);
      expect(year, slug).toBeLessThanOrEqual(2026);
    }
  });

  it("finds a paper by its slug", () => {
    expect(findPaper("lottery-ticket")).toMatchObject({ family: "compress", year: 2019 });
    for (const paper of catalogue) expect(findPaper(paper.slug)).toBe(paper);
    expect(findPaper("no-such-paper")).toBeUndefined();
    expect(findPaper("constructor")).toBeUndefined();
  });
});
