import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { judgedLedger } from "../../scripts/readme-table.js";
import { catalogue } from "../../src/lab/catalogue/index.js";
import { Ledger } from "../../src/lab/ledger.js";
import { studies } from "../../studies/index.js";
import { catalogueContent, type Known } from "./catalogue.js";
import { codeOf } from "./code.js";
import { comparisonsContent } from "./comparisons.js";
import { atomFeed } from "./feed.js";
import { projectFile } from "./files.js";
import { paperContent } from "./paper.js";
import { snippets } from "./snippets.js";

/** `npm run generate`: writes what the lab's pages show of the catalogue, the studies and the ledger. */
export async function generate(folder = projectFile("web/public/content")): Promise<void> {
  const entries = await judgedLedger();
  const known: Known[] = await Promise.all(
    catalogue.map(async (paper) => ({
      paper,
      study: Object.hasOwn(studies, paper.slug) ? (await studies[paper.slug]()).default : undefined,
      entry: entries.get(paper.slug),
    })),
  );
  const examples = await snippets();
  const ledger = new Ledger(projectFile("ledger"));
  await rm(folder, { recursive: true, force: true });
  const write = async (path: string, content: string) => {
    await mkdir(dirname(`${folder}/${path}`), { recursive: true });
    await writeFile(`${folder}/${path}`, content);
  };
  await write("catalogue.json", JSON.stringify(catalogueContent(known)));
  await write("feed.atom", atomFeed(known));
  await write("comparisons.json", JSON.stringify(await comparisonsContent()));
  for (const one of known) {
    const { slug, family } = one.paper;
    const metrics = one.entry ? await ledger.readCurves(slug) : [];
    const code = one.study ? await codeOf(slug, family, one.study) : [];
    const content = paperContent(one, { snippet: examples.get(slug), curves: metrics.length > 0, code });
    await write(`papers/${slug}.json`, JSON.stringify(content));
    if (code.length > 0) await write(`papers/${slug}-code.json`, JSON.stringify(code));
    if (metrics.length > 0) await write(`papers/${slug}-curves.json`, JSON.stringify(metrics));
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await generate();
