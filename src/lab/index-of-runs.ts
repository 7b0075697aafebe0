import { z } from "zod";
import { platform } from "#platform";
import type { RunRecord } from "./record.js";
import { parseChecked } from "./schema.js";
import { RunFolder } from "./store.js";
import type { Verdict } from "./study.js";

/** What a list of runs says of each of them. */
export interface RunSummary extends Pick<RunRecord, "id" | "slug" | "scale" | "status" | "started" | "seconds"> {
  readonly verdict?: Verdict;
  /** How many seeds. */
  readonly seeds: number;
  /** A text that changes whenever the run's record does. */
  readonly stamp: string;
}

const summarySchema: z.ZodType<RunSummary> = z.object({
  id: z.string(),
  slug: z.string(),
  scale: z.enum(["smoke", "standard", "full"]),
  status: z.enum(["running", "done", "stopped", "failed"]),
  started: z.string(),
  seconds: z.number(),
  verdict: z.enum(["replicated", "partly", "not at this scale", "contradicted", "invalid"]).optional(),
  seeds: z.number(),
  stamp: z.string(),
});

/** So many records are read at the same time. */
const readAtOnce = 64;

/**
 * The runs under `root`, newest first; folders without a readable record are left out.
 *
 * `.index.jsonl` beside them spares reading each record every time. It is only a cache: an entry counts while the stamp
 * of the run's `run.json` is the one it was made from, and whoever finds it out of date replaces it in one step.
 */
export async function listRuns(root: string): Promise<RunSummary[]> {
  if (!(await platform.exists(root))) return [];
  const names = (await platform.listDir(root)).filter((name) => !name.startsWith("."));
  const stats = await platform.fileStats(names.map((name) => `${root}/${name}/run.json`));
  const known = await readIndex(root);
  const summaries: RunSummary[] = [];
  const unknown: { readonly name: string; readonly stamp: string }[] = [];
  names.forEach((name, i) => {
    const stat = stats[i];
    if (!stat) return;
    const stamp = `${stat.modified}-${stat.size}`;
    const summary = known.get(name);
    if (summary?.stamp === stamp) summaries.push(summary);
    else unknown.push({ name, stamp });
  });
  const changed = unknown.length > 0 || summaries.length < known.size;
  for (let first = 0; first < unknown.length; first += readAtOnce) {
    const read = unknown.slice(first, first + readAtOnce).map(({ name, stamp }) => summaryOf(root, name, stamp));
    for (const summary of await Promise.all(read)) if (summary) summaries.push(summary);
  }
  summaries.sort((a, b) => (a.started < b.started ? 1 : a.started > b.started ? -1 : a.id < b.id ? 1 : -1));
  if (changed) await writeIndex(root, summaries);
  return summaries;
}

async function summaryOf(root: string, name: string, stamp: string): Promise<RunSummary | undefined> {
  try {
    const { slug, scale, status, started, seconds, seeds, judgement } = await new RunFolder(
      name,
      `${root}/${name}`,
    ).readRecord();
    const verdict = judgement && { verdict: judgement.verdict };
    return { id: name, slug, scale, status, started, seconds, ...verdict, seeds: seeds.length, stamp };
  } catch {
    return undefined;
  }
}

const indexPath = (root: string) => `${root}/.index.jsonl`;

/** An index that is missing or damaged knows nothing. */
async function readIndex(root: string): Promise<Map<string, RunSummary>> {
  try {
    const path = indexPath(root);
    const text = new TextDecoder().decode(await platform.readFile(path));
    const summaries = text.trim() === "" ? [] : text.trim().split("\n");
    return new Map(summaries.map((line) => parseChecked(summarySchema, line, path)).map((entry) => [entry.id, entry]));
  } catch {
    return new Map();
  }
}

/** Where runs may only be read, the next list takes as long as this one. */
const writeIndex = (root: string, summaries: readonly RunSummary[]): Promise<void> =>
  platform
    .writeFileAtomic(indexPath(root), summaries.map((summary) => `${JSON.stringify(summary)}\n`).join(""))
    .catch(() => {});
