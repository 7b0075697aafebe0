import { execFileSync, fork } from "node:child_process";
import { readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { hostRandom } from "../../../src/engine/random/host.js";
import { memoryCache } from "../../../src/lab/cache.js";
import { canonicalJson } from "../../../src/lab/json.js";
import type { Cost } from "../../../src/lab/record.js";
import { runStudy } from "../../../src/lab/runner.js";
import { type RunFolder, RunStore } from "../../../src/lab/store.js";
import type { Life, News } from "./child.js";
import { type Fault, targets } from "./faults.js";
import { studyOf } from "./study.js";

export interface CrashOptions {
  readonly kills: number;
  /** Times that the disk is full in the middle of a run. */
  readonly full: number;
  readonly seed: number;
  readonly slug: string;
  /** A directory of its own for the runs. */
  readonly out: string;
  readonly log?: (line: string) => void;
}

/** What came of it; a run that ends otherwise than the uninterrupted one throws. */
export interface CrashFigures {
  /** Processes ended by SIGKILL: at a random time, and in the middle of a write. */
  atRandom: number;
  inWrites: number;
  /** Files (checkpoints and finished units) damaged between two processes. */
  truncated: number;
  flipped: number;
  /** Runs that ended, or went on without a checkpoint, because the disk was full; and whether it was a real disk. */
  full: number;
  realDisk: boolean;
  /** Processes that went on in the middle of a unit. */
  continued: number;
  /** Runs that came to their end after all this, equal to the uninterrupted one. */
  runs: number;
}

/** Interrupts runs of a study in every way until there have been enough kills, and compares each at its end. */
export async function crashTest({ kills, full, seed, slug, out, log }: CrashOptions): Promise<CrashFigures> {
  const random = hostRandom(seed);
  const pick = <T>(items: readonly T[]): T => items[random.integer(items.length)];
  const figures: CrashFigures = {
    atRandom: 0,
    inWrites: 0,
    truncated: 0,
    flipped: 0,
    full: 0,
    realDisk: false,
    continued: 0,
    runs: 0,
  };
  const started = performance.now();
  const { id } = await runStudy(await studyOf(slug), { out: join(out, "whole"), cache: memoryCache() });
  const seconds = (performance.now() - started) / 1000;
  const whole = await resultsOf(await new RunStore(join(out, "whole")).open(id));
  if (!whole.status.startsWith("done")) throw new Error(`The uninterrupted run ended as ${whole.status}`);
  log?.(`uninterrupted: ${seconds.toFixed(1)} s`);

  const compare = async (dir: string) => {
    const found = await resultsOf(await folderIn(dir));
    for (const [name, content] of Object.entries(whole)) {
      if (found[name] !== content) throw new Error(`${dir}: ${name} differ from those of the uninterrupted run.`);
    }
    figures.runs++;
  };
  const killed = () => figures.atRandom + figures.inWrites;

  for (let run = 0; killed() < kills; run++) {
    const dir = join(out, `killed-${run}`);
    for (;;) {
      const enough = killed() >= kills;
      // Half of the kills come at a random time, half in the middle of a write.
      const aimed = !enough && random.integer(2) === 0;
      const fault: Fault | undefined = aimed
        ? { kind: "kill", ...pick(targets), nth: 1 + random.integer(5) }
        : undefined;
      const after = enough || aimed ? undefined : (random.uniform() * seconds * 1000) / 3;
      const end = await live({ slug, out: dir, ...(await resumable(dir)), fault, checkpoint: often }, after);
      figures.continued += Number(end.continued);
      if (end.status === "done") break;
      if (end.signal !== "SIGKILL") throw new Error(`${dir}: a process ended by itself: ${end.status}`);
      if (aimed) figures.inWrites++;
      else figures.atRandom++;
      if (killed() % 20 === 0) log?.(`${killed()} kills, ${figures.runs} runs`);
      if (await isDone(dir)) break;
      if (random.integer(4) === 0) await damage(dir);
    }
    await compare(dir);
    await rm(dir, { recursive: true });
  }

  for (let run = 0; run < full; run++) {
    const dir = join(out, `full-${run}`);
    const release = smallDisk(dir);
    const life = { slug, out: dir, checkpoint: often };
    const ballast = join(dir, "ballast");
    try {
      const end = release
        ? await live(life, (random.uniform() * seconds * 1000) / 2, () => writeFile(ballast, new Uint8Array(2 ** 26)))
        : await live({ ...life, fault: { kind: "full", ...pick(writes), nth: 2 + random.integer(4) } });
      figures.full++;
      figures.realDisk = release !== undefined;
      await rm(ballast, { force: true });
      if (end.status !== "done") {
        const next = await live({ ...life, ...(await resumable(dir)) });
        figures.continued += Number(next.continued);
        if (next.status !== "done") throw new Error(`${dir}: the run did not go on: ${next.status}`);
      }
      await compare(dir);
    } finally {
      release?.();
    }
    await rm(dir, { recursive: true });
  }
  return figures;

  /** Cuts off a checkpoint or the list of finished units, or turns one of their bits. */
  async function damage(dir: string): Promise<void> {
    const folder = (await resumable(dir)).resume;
    const names = folder ? (await readdir(join(dir, folder))).filter((name) => /^checkpoint-|^units/.test(name)) : [];
    for (const name of names) {
      if (random.integer(2) === 0) continue;
      const path = join(dir, folder!, name);
      const { size } = await stat(path);
      if (size === 0) continue;
      if (random.integer(2) === 0) {
        await truncate(path, random.integer(size));
        figures.truncated++;
      } else {
        const bytes = await readFile(path);
        bytes[random.integer(size)] ^= 1 << random.integer(8);
        await writeFile(path, bytes);
        figures.flipped++;
      }
    }
  }
}

const writes = targets.filter(({ place, moment }) => moment === "write" && place !== "record");

/** Much more often than by default, so that there is always something to hit. */
const often = { milliseconds: 15, share: 1 };

interface End {
  readonly signal: NodeJS.Signals | null;
  readonly status: string;
  readonly continued: boolean;
}

/** One process, which `strike` hits (by default: it is killed) so many milliseconds after it has begun. */
function live(life: Life, after?: number, strike?: () => Promise<void>): Promise<End> {
  // Compiled, this module is JavaScript, and so is the child.
  const extension = extname(import.meta.url);
  const path = fileURLToPath(new URL(`child${extension}`, import.meta.url));
  const execArgv = extension === ".ts" ? ["--import", "tsx"] : [];
  const child = fork(path, [JSON.stringify(life)], { execArgv, stdio: "pipe" });
  let errors = "";
  child.stderr!.on("data", (chunk) => {
    errors += chunk;
  });
  let timer: NodeJS.Timeout | undefined;
  let status = "";
  let continued = false;
  child.on("message", (news: News) => {
    if (news.type === "continued") continued = true;
    if (news.type === "end") status = news.status;
    if (news.type === "begin" && after !== undefined)
      timer = setTimeout(() => (strike ? strike().catch(() => {}) : child.kill("SIGKILL")), after);
  });
  return new Promise((resolve) => {
    child.on("close", (_code, signal) => {
      clearTimeout(timer);
      resolve({ signal, status: status || errors, continued });
    });
  });
}

/** The run in a directory that can be resumed; a process may have ended before there was one. */
async function resumable(dir: string): Promise<{ resume?: string }> {
  const names = await readdir(dir).catch(() => []);
  for (const name of names) {
    if (await stat(join(dir, name, "run.json")).catch(() => undefined)) return { resume: name };
  }
  return {};
}

/** Whether the run is at its end, although its process was not. */
async function isDone(dir: string): Promise<boolean> {
  if (!(await resumable(dir)).resume) return false;
  return (await (await folderIn(dir)).readRecord()).status === "done";
}

async function folderIn(dir: string): Promise<RunFolder> {
  return new RunStore(dir).open((await resumable(dir)).resume!);
}

/** Everything a run leaves but for its times, as text; the values of units include final parameters. */
async function resultsOf(folder: RunFolder): Promise<Record<string, string>> {
  const { status, error, rows, cost } = await folder.readRecord();
  const units = await folder.readUnits();
  const withoutTime = ({ seconds, ...rest }: Cost) => rest;
  return {
    status: `${status} ${error ?? ""}`,
    rows: canonicalJson(rows),
    cost: canonicalJson(withoutTime(cost)),
    metrics: await readFile(join(folder.path, "metrics.jsonl"), "utf8"),
    // A unit that was damaged and done again stands behind those that were not.
    units: canonicalJson(
      units.map((unit) => ({ ...unit, cost: withoutTime(unit.cost) })).sort((a, b) => (a.name < b.name ? -1 : 1)),
    ),
    files: (await readdir(folder.path)).filter((name) => /tmp$|^checkpoint/.test(name)).join(),
  };
}

/** Mounts a disk of a few megabytes, where this process may; returns what takes it away again. */
function smallDisk(dir: string): (() => void) | undefined {
  const quietly = { stdio: "ignore" } as const;
  try {
    execFileSync("mkdir", ["-p", dir], quietly);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=6m", "tmpfs", dir], quietly);
  } catch {
    return undefined;
  }
  return () => execFileSync("umount", [dir], quietly);
}
