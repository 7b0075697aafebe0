import { describe, expect, it } from "vitest";
import type { Job, RunItem } from "../../web/src/contract.js";
import { comparePath, removeRuns, restoreRuns, tagOf, tagRuns, whyNotComparable } from "../../web/src/runs/change.js";
import { choices, findRuns, isFiltered, readQuery, sortedBy, writeQuery } from "../../web/src/runs/filter.js";
import { loadRuns } from "../../web/src/runs/load.js";
import { item, place } from "./compared.js";

const titles = new Map([
  ["tiny-claim", "A Tiny Claim"],
  ["grokking", "Grokking: Généralisation beyond Overfitting"],
]);
const runs: RunItem[] = [
  item({ id: "a", started: "2026-01-01T00:00:00Z", bytes: 300, tags: ["keep"] }),
  item({ id: "b", started: "2026-01-03T00:00:00Z", bytes: 100, status: "interrupted", place: "server" }),
  item({
    id: "c",
    started: "2026-01-02T00:00:00Z",
    bytes: 200,
    slug: "grokking",
    verdict: "partly",
    scale: "standard",
  }),
];
const query = (text: string) => readQuery(new URLSearchParams(text));
const found = (text: string) => findRuns(runs, query(text), titles).map(({ id }) => id);

describe("the query of the list of runs", () => {
  it("survives the address", () => {
    for (const text of ["", "paper=grokking&text=a+b", "sort=bytes", "sort=paper&order=down", "tag=x%26y&order=up"]) {
      expect(writeQuery(query(text)).toString()).toBe(text);
    }
  });

  it("takes what it does not know for what is usual", () => {
    expect(query("sort=color&order=sideways")).toEqual({ sort: "started", ascending: false });
    expect(isFiltered(query("sort=bytes"))).toBe(false);
    expect(isFiltered(query("status=done"))).toBe(true);
  });

  it("turns the order of a column that is sorted by already", () => {
    const first = sortedBy(query(""), "paper");
    expect(first).toMatchObject({ sort: "paper", ascending: true });
    expect(sortedBy(first, "paper").ascending).toBe(false);
    expect(sortedBy(first, "bytes")).toMatchObject({ sort: "bytes", ascending: false });
  });
});

describe("findRuns", () => {
  it("lists the newest first", () => expect(found("")).toEqual(["b", "c", "a"]));

  it("filters by paper, status, verdict, place and tag", () => {
    expect(found("paper=grokking")).toEqual(["c"]);
    expect(found("status=interrupted")).toEqual(["b"]);
    expect(found("verdict=partly")).toEqual(["c"]);
    expect(found("verdict=none")).toEqual(["b", "a"]);
    expect(found("place=server")).toEqual(["b"]);
    expect(found("tag=keep")).toEqual(["a"]);
    expect(found("tag=keep&place=server")).toEqual([]);
  });

  it("finds every word of the text in titles, tags and the rest, without case and accents", () => {
    expect(found("text=generalisation STANDARD")).toEqual(["c"]);
    expect(found("text=tiny keep")).toEqual(["a"]);
    expect(found("text=tiny grokking")).toEqual([]);
  });

  it("sorts, newest first among equals", () => {
    expect(found("sort=bytes")).toEqual(["a", "c", "b"]);
    expect(found("sort=paper")).toEqual(["b", "a", "c"]);
    expect(found("sort=paper&order=down")).toEqual(["c", "b", "a"]);
  });

  it("takes 5,000 runs within a frame or few", () => {
    const many = Array.from({ length: 5000 }, (_, i) => item({ id: `run-${i}`, started: String(i), tags: [`t${i}`] }));
    const start = performance.now();
    expect(findRuns(many, query("text=t4999&sort=paper"), titles)).toHaveLength(1);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe("choices", () => {
  it("offers what occurs, with how often", () => {
    const offered = choices(runs, titles);
    expect(offered.paper).toEqual([
      { value: "tiny-claim", label: "A Tiny Claim", count: 2 },
      { value: "grokking", label: titles.get("grokking"), count: 1 },
    ]);
    expect(offered.verdict).toEqual([
      { value: "none", label: "no verdict", count: 2 },
      { value: "partly", label: "partly", count: 1 },
    ]);
    expect(offered.tag).toEqual([{ value: "keep", label: "keep", count: 1 }]);
  });
});

describe("loadRuns", () => {
  it("lists one place when another does not answer, and says so", async () => {
    const usage = { runs: 300, bin: 0 };
    const tab = place("tab", { runs: async () => [runs[0]], usage: async () => usage, jobs: async () => [] });
    const refused = () => Promise.reject(new Error("the connection was refused"));
    const server = place("server", { runs: refused, usage: refused, jobs: refused });
    const [first, second] = await loadRuns([tab, server]);
    expect(first).toEqual({ place: tab, runs: [runs[0]], jobs: [], usage });
    expect(second).toEqual({
      place: server,
      runs: [],
      jobs: [],
      problem: "The runs of the server cannot be listed: the connection was refused.",
    });
  });

  it("lists runs whose sizes cannot be told, and jobs that have not ended", async () => {
    const [going, over] = [{ id: "j", state: "waiting" } as Job, { id: "k", state: "done" } as Job];
    const tab = place("tab", {
      runs: async () => [runs[0]],
      usage: () => Promise.reject(new Error("no")),
      jobs: async () => [going, over],
    });
    const [{ jobs, usage, ...rest }] = await loadRuns([tab]);
    expect(rest).toEqual({ place: tab, runs: [runs[0]] });
    expect(usage).toBeUndefined();
    expect(jobs).toEqual([{ job: going, place: tab }]);
  });
});

describe("changes of runs", () => {
  const listing = (kind: "tab" | "server") => {
    const calls: unknown[] = [];
    const made = place(kind, {
      remove: async (ids) => void calls.push(["remove", ids]),
      restore: async (ids) => void calls.push(["restore", ids]),
      tag: async (id, tags) => void calls.push(["tag", id, tags]),
    });
    return { made, calls };
  };

  it("go to the place of each run, and what was deleted comes back", async () => {
    const [tab, server] = [listing("tab"), listing("server")];
    const { done, problems } = await removeRuns([tab.made, server.made], runs);
    expect(problems).toEqual([]);
    await restoreRuns(done);
    expect(tab.calls).toEqual([
      ["remove", ["a", "c"]],
      ["restore", ["a", "c"]],
    ]);
    expect(server.calls).toEqual([
      ["remove", ["b"]],
      ["restore", ["b"]],
    ]);
  });

  it("say what failed, and give back only what was done", async () => {
    const tab = listing("tab");
    const server = place("server", { remove: () => Promise.reject(new Error("Run b is being written.")) });
    const { done, problems } = await removeRuns([tab.made, server], runs);
    expect(done.map(({ ids }) => ids)).toEqual([["a", "c"]]);
    expect(problems).toEqual(["The server could not delete 1 run: Run b is being written."]);
  });

  it("tag only the runs that do not have the tag yet, also where two places know the same id", async () => {
    const [tab, server] = [listing("tab"), listing("server")];
    const twins = [item({ id: "a", tags: ["keep"] }), item({ id: "a", tags: ["old"], place: "server" })];
    await tagRuns([tab.made, server.made], twins, "keep", true);
    expect(tab.calls).toEqual([]);
    expect(server.calls).toEqual([["tag", "a", ["old", "keep"]]]);
    await tagRuns([tab.made, server.made], twins, "keep", false);
    expect(tab.calls).toEqual([["tag", "a", []]]);
  });

  it("keep tags short and in one line", () => {
    expect(tagOf("  a,\n b ")).toBe("a b");
    expect(tagOf(" , ")).toBeUndefined();
    expect(tagOf("x".repeat(99))).toHaveLength(40);
  });
});

describe("comparing a selection", () => {
  it("takes two runs or more of one paper", () => {
    expect(whyNotComparable([runs[0]])).toMatch(/two runs/);
    expect(whyNotComparable([runs[0], runs[2]])).toMatch(/one paper/);
    expect(whyNotComparable([runs[0], runs[1]])).toBeUndefined();
    expect(whyNotComparable(Array.from({ length: 13 }, () => runs[0]))).toMatch(/At most 12/);
  });

  it("names the runs in the address", () => {
    expect(comparePath(["tab:a", "server:b&c"])).toBe("/compare?run=tab:a&run=server:b%26c");
  });
});
