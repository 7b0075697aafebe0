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

async function clearOrRefuse(folder: string, name: string): Promise<void> {
  const path = `${folder}/${name}`;
  const bytes = await platform.readFile(path).catch(async (error) => {
    if (await platform.exists(path)) throw error;
  });
  // Given up since the folder was listed.
  if (!bytes) return;
  const holder = parseChecked(lockSchema, new TextDecoder().decode(bytes), path);
  const runs = await platform.processRuns(holder);
  if (runs === false) return platform.remove(path);
  const { pid, host, since } = holder;
  const writer = pid === 0 ? "an open page" : `process ${pid} on ${host}`;
  const otherwise = runs ? "" : `; if it is gone, remove ${path}`;
  throw new HebbError(`${folder} is being written by ${writer} since ${since}: wait for it, or stop it${otherwise}.`);
}
