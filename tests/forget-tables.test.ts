import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { updatedPage } from "../scripts/forget-tables.js";

it("docs/forget.md holds the tables that docs/comparisons give", async () => {
  const page = await readFile(new URL("../docs/forget.md", import.meta.url), "utf8");
  expect(await updatedPage(page)).toBe(page);
});
