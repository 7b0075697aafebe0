import { Ledger } from "../lab/ledger.js";
import { clip, columns } from "./format.js";
import { type Io, styled } from "./io.js";
import { type Lab, ledgerFolder } from "./lab.js";
import { oneOf } from "./usage.js";

export interface ListOptions {
  readonly family?: string;
  readonly json?: boolean;
}

/** `hebb list`: the catalogue, with what has been studied and how it came out. */
export async function list(io: Io, lab: Lab, { family, json }: ListOptions): Promise<void> {
  const wanted = family === undefined ? undefined : oneOf("family", family, lab.families);
  const ledger = new Ledger(ledgerFolder(io.cwd));
  const entries = await Promise.all(
    lab.papers
      .filter((paper) => wanted === undefined || paper.family === wanted)
      .map(async ({ slug, family, title, year }) => {
        const available = Object.hasOwn(lab.studies, slug);
        const verdict = available ? (await ledger.read(slug))?.judgement.verdict : undefined;
        const status = available ? "available" : "planned";
        return { slug, family, title, year: year ?? null, status, verdict: verdict ?? null };
      }),
  );
  if (json) {
    io.stdout.write(`${JSON.stringify(entries)}\n`);
    return;
  }
  const cells = entries.map(({ slug, family, status, verdict, title }) => [
    slug,
    family,
    status,
    verdict ?? "-",
    title,
  ]);
  const [heading, ...lines] = columns([["slug", "family", "status", "verdict", "title"], ...cells]);
  const fitted = (line: string) => (io.stdout.isTTY ? clip(line, io.stdout.columns ?? 80) : line);
  io.stdout.write(`${styled(io, io.stdout, "bold", fitted(heading))}\n`);
  lines.forEach((line, i) => {
    const planned = entries[i].status === "planned";
    io.stdout.write(`${planned ? styled(io, io.stdout, "dim", fitted(line)) : fitted(line)}\n`);
  });
  const available = entries.filter(({ status }) => status === "available");
  const tip = available.length > 0 ? ` Try: hebb run ${available[0].slug}` : "";
  io.stdout.write(`\n${entries.length} papers, ${available.length} with a study.${tip}\n`);
}
