import { z } from "zod";
import { platform } from "#platform";
import type { RunRecord, RunStatus } from "./record.js";
import { parseChecked } from "./schema.js";
import { RunFolder } from "./store.js";
import type { Verdict } from "./study.js";

/** What a list of runs says of each of them. */
export interface RunSummary extends Pick<RunRecord, "id" | "slug" | "scale" | "started" | "seconds"> {
  readonly status: RunStatus;
  readonly verdict?: Verdict;
  /** How many seeds. */
  readonly seeds: number;
  /** A text that changes whenever the run's record does. */
  readonly stamp: string;
}

/** What the index says of a run, which is what its record says. */
type Entry = RunSummary & Pick<RunRecord, "status">;

const entrySchema: z.ZodType<Entry> = z.object({
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
 * The runs under `root`, newest first. Folders without a record are left out, and so are those whose record cannot be
 * read, of which `log` is told.
 *
 * `.index.jsonl` beside them spares reading each record every time. It is only a cache: an entry counts while the stamp
 * of the run's `run.json` is the one it was made from, and whoever finds it out of date replaces it in one step.
 */
export async function listRuns(root: string, log: (message: string) => void = () => {}): Promise<RunSummary[]> {
  if (!(await platform.exists(root))) return [];
  const names = (await platform.listDir(root)).filter((name) => !name.startsWith("."));
  const stamps = await stampsOf(root, names);
  const known = await readIndex(root);
  const entries: Entry[] = [];
  const unknown: { readonly name: string; readonly stamp: string }[] = [];
  names.forEach((name, i) => {
    const stamp = stamps[i];
    if (stamp === undefined) return;
    const entry = known.get(name);
    if (entry?.stamp === stamp) entries.push(entry);
    else unknown.push({ name, stamp });
  });
  const changed = unknown.length > 0 || entries.length < known.size;
  for (let first = 0; first < unknown.length; first += readAtOnce) {
    const read = unknown.slice(first, first + readAtOnce).map(({ name, stamp }) => entryOf(root, name, stamp, log));
    for (const entry of await Promise.all(read)) if (entry) entries.push(entry);
  }
  entries.sort((a, b) => (a.started < b.started ? 1 : a.started > b.started ? -1 : a.id < b.id ? 1 : -1));
  if (changed) await writeIndex(root, entries);
  const summaries: RunSummary[] = [];
  for (const entry of entries) {
    const summary = entry.status === "running" ? await asOfNow(root, entry, log) : entry;
    if (summary) summaries.push(summary);
  }
  return summaries;
}

/** A text for each run that changes whenever its record does; undefined where there is none. */
async function stampsOf(root: string, names: readonly string[]): Promise<(string | undefined)[]> {
  const stats = await platform.fileStats(names.map((name) => `${root}/${name}/run.json`));
  return stats.map((stat) => stat && `${stat.modified}-${stat.size}`);
}

async function entryOf(
  root: string,
  name: string,
  stamp: string,
  log: (message: string) => void,
): Promise<Entry | undefined> {
  try {
    const { slug, scale, status, started, seconds, seeds, judgement } = await new RunFolder(
      name,
      `${root}/${name}`,
    ).readRecord();
    const verdict = judgement && { verdict: judgement.verdict };
    return { id: name, slug, scale, status, started, seconds, ...verdict, seeds: seeds.length, stamp };
  } catch (error) {
    log(`${name} is left out: ${(error as Error).message}`);
    return undefined;
  }
}

/** A run that was running when its record was read; the writer may have ended it since, or may have been killed. */
async function asOfNow(root: string, entry: Entry, log: (message: string) => void): Promise<RunSummary | undefined> {
  const status = await new RunFolder(entry.id, `${root}/${entry.id}`).statusNow(entry);
  const [stamp] = await stampsOf(root, [entry.id]);
  if (stamp === entry.stamp) return { ...entry, status };
  return stamp === undefined ? undefined : entryOf(root, entry.id, stamp, log);
}

const indexPath = (root: string) => `${root}/.index.jsonl`;

/** An index that is missing or damaged knows nothing. */
async function readIndex(root: string): Promise<Map<string, Entry>> {
  try {
    const path = indexPath(root);
    const text = new TextDecoder().decode(await platform.readFile(path));
    const entries = text.trim() === "" ? [] : text.trim().split("\n");
    return new Map(entries.map((line) => parseChecked(entrySchema, line, path)).map((entry) => [entry.id, entry]));
  } catch {
    return new Map();
  }
}

/** Where runs may only be read, the next list takes as long as this one. */
const writeIndex = (root: string, entries: readonly Entry[]): Promise<void> =>
  platform
    .writeFileAtomic(indexPath(root), entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""))
    .catch(() => {});
