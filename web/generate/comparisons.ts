import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { comparisons } from "../../studies/index.js";
import { projectFile } from "./files.js";

/** The methods of each family that were compared outside the studies, track by track, as `docs/comparisons/` keeps them. */
export async function comparisonsContent(): Promise<Readonly<Record<string, readonly object[]>>> {
  const content: Record<string, object[]> = {};
  for (const [family, tracksOf] of Object.entries(comparisons)) {
    content[family] = [];
    for (const [name, track] of Object.entries(await tracksOf())) {
      const path = projectFile(`docs/comparisons/${family}-${name}.json`);
      if (!existsSync(path)) continue;
      const measured = JSON.parse(await readFile(path, "utf8"));
      content[family].push({ ...measured, about: (await track()).about });
    }
  }
  return content;
}
