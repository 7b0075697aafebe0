import { describe, expect, it } from "vitest";
import { catalogue } from "../../src/lab/catalogue/index.js";
import { byFamily, newest, noFilters, passes, readFilters, toQuery } from "../../web/src/catalogue/filters.js";
import { PaperSearch } from "../../web/src/catalogue/search.js";
import type { PaperLine } from "../../web/src/contract.js";
import { findRoute, href, matchPath, parseHash } from "../../web/src/router.js";
import { routes } from "../../web/src/routes.js";

const papers: PaperLine[] = catalogue.map((paper) => ({
  ...paper,
  offers: paper.slug === "lottery-ticket" ? ["iterativeMagnitudePrune"] : [],
  status: paper.slug === "lottery-ticket" ? "study" : "planned",
}));
const search = new PaperSearch(papers);
const find = (text: string) => search.find(text).map(({ slug }) => slug);

describe("the search", () => {
  it("puts papers first whose title says what is asked, also with typing errors", () => {
    for (const text of ["grokking", "groking", "grok"]) {
      expect(
        find(text)
          .slice(0, 3)
          .every((slug) => /grok|lazy-to-rich/.test(slug)),
        text,
      ).toBe(true);
    }
    expect(find("lotery tiket")[0]).toBe("lottery-ticket");
  });

  it("finds methods by the words of their names, and what is called otherwise", () => {
    expect(find("iterativeMagnitudePrune")[0]).toBe("lottery-ticket");
    expect(find("magnitude prune")).toContain("lottery-ticket");
    const families = search.find("delete a customer").map(({ family }) => family);
    expect(families).toContain("forget");
  });

  it("gives all for nothing, and nothing for nonsense", () => {
    expect(find("  ")).toHaveLength(154);
    expect(find("qqqqqzzzzz")).toEqual([]);
  });
});

describe("filters", () => {
  it("survive the address", () => {
    const filters = { ...noFilters, q: "a b&c", family: "forget", year: "2024" };
    const { query } = parseHash(href("/", toQuery(filters)));
    expect(readFilters(query)).toEqual(filters);
  });

  it("narrow the list, and families keep their order", () => {
    const theory = papers.filter((paper) => passes(paper, { ...noFilters, kind: "theory", year: "2024" }));
    expect(theory.length).toBeGreaterThan(3);
    expect(theory.every(({ kinds, year }) => kinds.includes("theory") && year === 2024)).toBe(true);
    expect(byFamily(papers)).toHaveLength(14);
    expect(papers.filter((paper) => passes(paper, { ...noFilters, verdict: "none" }))).toHaveLength(1);
    const dated = [papers[0], papers[1], papers[2]].map((paper, i) => ({
      ...paper,
      ...(i < 2 ? { verdict: "partly" as const, date: `2026-01-0${i + 1}` } : {}),
    }));
    expect(newest(dated).map(({ date }) => date)).toEqual(["2026-01-02", "2026-01-01"]);
  });
});

describe("addresses", () => {
  it("name a page and its parts", () => {
    expect(matchPath("/run/:place/:id", "/run/tab/a%20b")).toEqual({ place: "tab", id: "a b" });
    expect(matchPath("/runs", "/runs/")).toEqual({});
    expect(matchPath("/paper/:slug", "/paper/")).toBeUndefined();
    expect(matchPath("/paper/:slug", "/paper/%zz")).toBeUndefined();
    expect(findRoute(routes, "/paper/lottery-ticket")?.params).toEqual({ slug: "lottery-ticket" });
    expect(findRoute(routes, "/nowhere")).toBeUndefined();
    expect(parseHash("").path).toBe("/");
    expect(href("/x", { a: "", b: "1" })).toBe("#/x?b=1");
  });
});
