import { z } from "zod";
import { platform } from "#platform";
import { HebbError } from "../engine/errors.js";
import { parseChecked } from "./schema.js";

const suffix = ".lock";

const lockSchema = z.object({
  host: z.string(),
  pid: z.number(),
  started: z.string(),
  birth: z.string().optional(),
  /** When it began to write (ISO 8601). */
  since: z.string(),
});

/**
 * Claims the run folder at `path` for this process and returns what gives it up again. Readers need no lock. Throws, and
 * names the process, when another one writes there; the lock of a process that has died is cleared away.
 *
 * Everyone puts down a file of their own and only then looks for those of others: of two who come at the same time at
 * least one sees the other, whatever the file system, and no lock is ever taken from a living process.
 */
export async function lockRun(path: string): Promise<() => Promise<void>> {
  const name = `${crypto.randomUUID()}${suffix}`;
  const own = `${path}/${name}`;
  const lock = { ...(await platform.processIdentity()), since: new Date().toISOString() };
  await platform.writeFileAtomic(own, `${JSON.stringify(lock)}\n`);
  try {
    for (const other of await platform.listDir(path)) {
      if (other.endsWith(suffix) && other !== name) await clearOrRefuse(path, other);
    }
  } catch (error) {
    await platform.remove(own);
    throw error;
  }
  return () => platform.remove(own);
}

/** Whether a process is writing the run folder at `path`, or may be: one on another host cannot be asked. */
export async function isLocked(path: string): Promise<boolean> {
  for (const name of await platform.listDir(path)) {
    const holder = name.endsWith(suffix) ? await holderOf(`${path}/${name}`) : undefined;
    if (holder && (await platform.processRuns(holder)) !== false) return true;
  }
  return false;
}

/** What a lock file says; undefined when it was given up since the folder was listed. */
async function holderOf(path: string): Promise<z.infer<typeof lockSchema> | undefined> {
  const bytes = await platform.readFile(path).catch(async (error) => {
    if (await platform.exists(path)) throw error;
    return undefined;
  });
  return bytes && parseChecked(lockSchema, new TextDecoder().decode(bytes), path);
}

async function clearOrRefuse(folder: string, name: string): Promise<void> {
  const path = `${folder}/${name}`;
  const holder = await holderOf(path);
  if (!holder) return;
  const runs = await platform.processRuns(holder);
  if (runs === false) return platform.remove(path);
  const { pid, host, since } = holder;
  const writer = pid === 0 ? "an open page" : `process ${pid} on ${host}`;
  const otherwise = runs ? "" : `; if it is gone, remove ${path}`;
  throw new HebbError(`${folder} is being written by ${writer} since ${since}: wait for it, or stop it${otherwise}.`);
}
