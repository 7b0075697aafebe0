import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { papersTable, updatedReadme } from "../../scripts/readme-table.js";
import type { LedgerEntry } from "../../src/lab/ledger.js";
import { tinyPapers } from "../tiny.js";

const path = new URL("../../README.md", import.meta.url);
const readme = existsSync(path) ? readFileSync(path, "utf8") : "";

describe("the README's table of papers", () => {
  it.skipIf(!readme.includes("<!-- papers:start -->"))("is what `npm run readme` writes", async () => {
    expect(readme).toBe(await updatedReadme(readme));
  });

  it("has a line for each paper of the ledger", () => {
    const entry = {
      seconds: 754,
      judgement: {
        verdict: "partly",
        reason: "",
        conditions: [
          { name: "gate", holds: true, detail: "" },
          { name: "new | old", holds: true, detail: "", estimate: 1.85, interval: [1.752, 1.948] },
        ],
      },
    } as unknown as LedgerEntry;
    expect(papersTable(tinyPapers, new Map([["tiny-claim", entry]])).split("\n")).toEqual([
      "| paper | family | verdict | effect | time |",
      "| --- | --- | --- | --- | --- |",
      "| [A Tiny Claim](studies/compress/tiny-claim.ts) (2020) | compress | partly | new \\| old: 1.850 [1.752, 1.948] | 12 min 34 s |",
      "",
      "1 of 2 papers so far; `hebb list` shows them all.",
      "",
    ]);
  });
});
