import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { judgedLedger, papersTable, updatedReadme } from "../../scripts/readme-table.js";
import { Ledger, type LedgerEntry } from "../../src/lab/ledger.js";
import { tinyPapers } from "../tiny.js";

const path = new URL("../../README.md", import.meta.url);
const readme = existsSync(path) ? readFileSync(path, "utf8") : "";

describe("the README's table of papers", () => {
  it.skipIf(!readme.includes("<!-- papers:start -->"))("is what `npm run readme` writes", async () => {
    expect(readme).toBe(await updatedReadme(readme));
  });

  it("has the verdicts that the ledger recorded when the runs ended", async () => {
    const recorded = await new Ledger(fileURLToPath(new URL("../../ledger", import.meta.url))).readAll();
    for (const [slug, { judgement }] of await judgedLedger()) {
      expect([slug, judgement.verdict]).toEqual([slug, recorded.get(slug)!.judgement.verdict]);
    }
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

  it("shows what was lacking, not an effect, where the verdict says nothing of the claim", () => {
    const conditions = [
      { name: "training accuracy", holds: false, detail: "89.2 % (asked: at least 93)." },
      { name: "new beats old", holds: true, detail: "", estimate: 1.85, interval: [1.752, 1.948] },
    ];
    for (const verdict of ["not at this scale", "invalid"]) {
      const entry = { seconds: 1, judgement: { verdict, reason: "", conditions } } as unknown as LedgerEntry;
      expect(papersTable(tinyPapers, new Map([["tiny-claim", entry]]))).toContain(
        `| ${verdict} | training accuracy: 89.2 % (asked: at least 93) |`,
      );
    }
  });
});
