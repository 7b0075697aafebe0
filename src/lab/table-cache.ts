import { z } from "zod";
import { platform } from "#platform";
import type { RunSummary } from "./index-of-runs.js";
import { parseChecked } from "./schema.js";
import { literal, type StoredRun, type TableName, tableNames, tableOf } from "./tables.js";

/**
 * `.cache/` beside the run folders: the tables of runs that have ended, as Parquet, because reading them anew from
 * thousands of JSON files takes long. A part holds the tables of up to a thousand runs, and its manifest, written last, says
 * of which and with which stamps. It counts as long as all of them are still so; the files of the runs are the truth.
 */

const partSchema = z.object({ runs: z.array(z.tuple([z.string(), z.string()])) });

/** The names that are given here. Whatever else lies there, as where the folder is a link to another, is not touched. */
const ours = /^[0-9a-f-]{36}(-(runs|measures|metrics)\.parquet|\.json)$|^\.[0-9a-f-]{36}\.tmp$/;

interface Part {
  readonly name: string;
  readonly ids: readonly string[];
}

/** From so many bytes of JSON, or so many runs, that are not in a part yet, a part is worth writing. */
const worthBytes = 2 ** 23;
const worthRuns = 200;
/** A part is written, or read by a query, for less than this. */
const useMilliseconds = 3_600_000;
const partBytes = 2 ** 28;
const partRuns = 1000;

export interface CachedTables {
  /** Of a table: the Parquet files that hold a part of it. */
  files(table: TableName): string[];
  /** The runs whose tables are in none of these files. */
  readonly rest: readonly StoredRun[];
}

/**
 * Brings the cache up to date and says what is in it. `execute` runs a statement of DuckDB. Where nothing can be written,
 * the runs that are not cached yet are left to be read from their own files.
 */
export async function cachedTables(
  root: string,
  runs: readonly RunSummary[],
  execute: (sql: string) => Promise<unknown>,
  log: (message: string) => void = () => {},
): Promise<CachedTables> {
  const directory = `${root}/.cache`;
  const parts = await validParts(directory, runs);
  const cached = new Set(parts.flatMap(({ ids }) => ids));
  const uncached = await withFiles(
    root,
    runs.filter(({ id }) => !cached.has(id)),
  );
  const fresh = uncached.filter(({ status }) => status !== "running" && status !== "interrupted");
  if (fresh.length >= worthRuns || bytes(fresh) >= worthBytes) {
    log(`Reading ${fresh.length} new runs into ${directory}.`);
    try {
      await platform.mkdirp(directory);
      for (const group of groups(fresh)) {
        parts.push(await writePart(directory, root, group, execute));
        for (const { id } of group) cached.add(id);
      }
    } catch (error) {
      log(`The cache ${directory} could not be written, so the runs are read each time. ${(error as Error).message}`);
    }
  }
  return {
    files: (table) => parts.map(({ name }) => `${directory}/${name}-${table}.parquet`),
    rest: uncached.filter(({ id }) => !cached.has(id)),
  };
}

/** The runs whose record is still there, with the sizes of their files. */
async function withFiles(root: string, runs: readonly RunSummary[]): Promise<StoredRun[]> {
  const stats = (file: string) => platform.fileStats(runs.map(({ id }) => `${root}/${id}/${file}`));
  const [records, metrics] = await Promise.all([stats("run.json"), stats("metrics.jsonl")]);
  return runs.flatMap((run, i) => {
    const record = records[i];
    return record ? [{ ...run, record, metrics: metrics[i] }] : [];
  });
}

/**
 * The parts of the cache that still hold; two that were written at the same time are not counted twice. What belongs to
 * none of them goes once nobody can be reading or writing it any more.
 */
async function validParts(directory: string, runs: readonly RunSummary[]): Promise<Part[]> {
  // No directory yet, or one that may not be read: nothing is cached.
  const files = await platform.listDir(directory).catch(() => []);
  const stamps = new Map(runs.map(({ id, stamp }) => [id, stamp]));
  const taken = new Set<string>();
  const parts: Part[] = [];
  for (const file of files.filter((name) => name.endsWith(".json"))) {
    const entries = await readPart(`${directory}/${file}`);
    if (!entries?.every(([id, stamp]) => stamps.get(id) === stamp && !taken.has(id))) continue;
    for (const [id] of entries) taken.add(id);
    parts.push({ name: file.slice(0, -".json".length), ids: entries.map(([id]) => id) });
  }
  const strays = files.filter((file) => ours.test(file) && !parts.some(({ name }) => file.startsWith(name)));
  const paths = strays.map((file) => `${directory}/${file}`);
  const old = Date.now() - useMilliseconds;
  for (const [i, stat] of (await platform.fileStats(paths)).entries()) {
    if (stat && stat.modified < old) await platform.remove(paths[i]).catch(() => {});
  }
  return parts;
}

async function readPart(path: string): Promise<readonly (readonly [string, string])[] | undefined> {
  try {
    return parseChecked(partSchema, new TextDecoder().decode(await platform.readFile(path)), path).runs;
  } catch {
    return undefined;
  }
}

async function writePart(
  directory: string,
  root: string,
  runs: readonly StoredRun[],
  execute: (sql: string) => Promise<unknown>,
): Promise<Part> {
  const name = crypto.randomUUID();
  for (const table of tableNames) {
    const target = literal(`${directory}/${name}-${table}.parquet`);
    await execute(`COPY (${tableOf(table, root, runs)}) TO ${target} (FORMAT parquet)`);
  }
  const manifest = { runs: runs.map(({ id, stamp }) => [id, stamp]) };
  await platform.writeFileAtomic(`${directory}/${name}.json`, `${JSON.stringify(manifest)}\n`);
  return { name, ids: runs.map(({ id }) => id) };
}

const bytes = (runs: readonly StoredRun[]): number =>
  runs.reduce((sum, { record, metrics }) => sum + record.size + (metrics?.size ?? 0), 0);

function groups(runs: readonly StoredRun[]): StoredRun[][] {
  const found: StoredRun[][] = [];
  let size = 0;
  for (const run of runs) {
    size += bytes([run]);
    if (found.length === 0 || found.at(-1)!.length === partRuns || size > partBytes) {
      found.push([]);
      size = bytes([run]);
    }
    found.at(-1)!.push(run);
  }
  return found;
}
