import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { catalogue } from "../src/lab/catalogue/index.js";
import type { Paper } from "../src/lab/catalogue/paper.js";
import { Ledger, type LedgerEntry } from "../src/lab/ledger.js";
import { duration, withInterval } from "../src/lab/numbers.js";
import { tableRows } from "../src/lab/table.js";
import { studies } from "../studies/index.js";

/** `npm run readme`: writes the README's table of papers again, from the catalogue and the ledger. */

const file = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const markers = /(<!-- papers:start -->\n).*?(<!-- papers:end -->)/s;

/** One line per paper with a verdict, in the order of the catalogue, and how many there are in all. */
export function papersTable(papers: readonly Paper[], ledger: ReadonlyMap<string, LedgerEntry>): string {
  const studied = papers.filter(({ slug }) => ledger.has(slug));
  const rows = studied.map(({ slug, title, year, family }) => {
    const entry = ledger.get(slug)!;
    const paper = `[${title}](studies/${family}/${slug}.ts)${year === undefined ? "" : ` (${year})`}`;
    return [paper, family, entry.judgement.verdict, effect(entry), duration(entry.seconds)];
  });
  const count = `${studied.length} of ${papers.length} papers so far; \`hebb list\` shows them all.\n`;
  if (studied.length === 0) return count;
  const table = [["paper", "family", "verdict", "effect", "time"], Array(5).fill("---"), ...rows];
  const lines = table.map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`);
  return `${lines.join("\n")}\n\n${count}`;
}

/**
 * The first condition that was estimated with an interval; for a verdict that says nothing of the claim, the first condition
 * that failed, so that no effect stands beside it as if it had counted.
 */
function effect({ judgement }: LedgerEntry): string {
  const { verdict, conditions } = judgement;
  const lacking =
    verdict === "invalid" || verdict === "not at this scale" ? conditions.find(({ holds }) => !holds) : undefined;
  if (lacking) return `${lacking.name}: ${lacking.detail.replace(/\.$/, "")}`;
  const condition = conditions.find(({ interval }) => interval !== undefined);
  if (!condition) return "";
  const { mean, interval } = withInterval(condition.estimate!, ...condition.interval!);
  return `${condition.name}: ${mean} ${interval}`;
}

/** The ledger's entries, judged again from the rows that they hold: the verdict in the table is that of the code here. */
export async function judgedLedger(): Promise<Map<string, LedgerEntry>> {
  const judged = new Map<string, LedgerEntry>();
  for (const [slug, entry] of await new Ledger(file("ledger")).readAll()) {
    const { default: study } = await studies[slug]();
    judged.set(slug, { ...entry, judgement: study.judge(tableRows(entry.table), "standard") });
  }
  return judged;
}

/** The README as it should be; undefined when it has no place for the table. */
export async function updatedReadme(readme: string): Promise<string | undefined> {
  if (!markers.test(readme)) return undefined;
  const table = papersTable(catalogue, await judgedLedger());
  return readme.replace(markers, (_, start, end) => start + table + end);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const path = file("README.md");
  const updated = await updatedReadme(await readFile(path, "utf8"));
  if (updated === undefined) throw new Error("README.md has no <!-- papers:start --> and <!-- papers:end --> lines.");
  await writeFile(path, updated);
}
