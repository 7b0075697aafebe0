import { z } from "zod";
import { platform } from "#platform";
import { HebbError } from "../engine/errors.js";
import { hasEnded, type Job, type JobEvent } from "./job.js";
import { isLocked } from "./lock.js";
import { nameSchema, parseChecked } from "./schema.js";

const jobSchema: z.ZodType<Job> = z.object({
  id: nameSchema,
  request: z.object({
    slug: z.string(),
    scale: z.enum(["smoke", "standard", "full"]),
    seeds: z.union([z.number(), z.array(z.number())]).optional(),
    options: z.record(z.string(), z.unknown()).optional(),
    resume: z.string().optional(),
  }),
  state: z.enum(["waiting", "running", "done", "stopped", "failed"]),
  ahead: z.int().min(0),
  run: nameSchema.optional(),
  error: z.string().optional(),
  created: z.string(),
});

/** Why a job stands as stopped whose owner, a server or a tab, went away. */
export const ownerGone = "What ran it was closed or ended before the end; what was recorded is kept.";

/** The folder of one job: `job.json` (how it stands) and `events.jsonl` (what happened). Its owner holds a lock on it. */
export class JobFiles {
  constructor(
    readonly id: string,
    readonly path: string,
  ) {}

  /** Undefined where there is none yet. */
  async read(): Promise<Job | undefined> {
    const path = `${this.path}/job.json`;
    if (!(await platform.exists(path))) return undefined;
    return parseChecked(jobSchema, new TextDecoder().decode(await platform.readFile(path)), path);
  }

  write(job: Job): Promise<void> {
    return platform.writeFileAtomic(`${this.path}/job.json`, `${JSON.stringify(job, null, 1)}\n`);
  }

  append(events: readonly JobEvent[]): Promise<void> {
    return platform.appendFile(
      `${this.path}/events.jsonl`,
      events.map((event) => `${JSON.stringify(event)}\n`).join(""),
    );
  }

  /** The job as it stands: one that has not ended and whose owner is gone becomes `stopped`, on disk too. */
  async settle(): Promise<Job | undefined> {
    const job = await this.read();
    if (!job || hasEnded(job) || (await isLocked(this.path))) return job;
    // Its owner may have ended it since it was read: it writes that down before it gives up the lock.
    const last = await this.read();
    if (!last || hasEnded(last)) return last;
    const stopped: Job = { ...last, state: "stopped", ahead: 0, error: ownerGone };
    await this.write(stopped).catch(() => {});
    return stopped;
  }

  /** The bytes of the events: what changes when there are more of them. */
  async size(): Promise<number> {
    const [stat] = await platform.fileStats([`${this.path}/events.jsonl`]);
    return stat?.size ?? 0;
  }

  /** All events that are whole: writing may have been cut off. */
  async events(): Promise<JobEvent[]> {
    const path = `${this.path}/events.jsonl`;
    if (!(await platform.exists(path))) return [];
    const lines = new TextDecoder()
      .decode(await platform.readFile(path))
      .split("\n")
      .slice(0, -1);
    const events: JobEvent[] = [];
    for (const line of lines) {
      const event = parseEvent(line, events.length);
      if (!event) break;
      events.push(event);
    }
    return events;
  }

  /** Asks the owner, which may be another process, to stop the job. */
  askToStop(): Promise<void> {
    return platform.writeFileAtomic(`${this.path}/stop`, "");
  }

  isAskedToStop(): Promise<boolean> {
    return platform.exists(`${this.path}/stop`);
  }

  remove(): Promise<void> {
    return platform.remove(this.path);
  }
}

function parseEvent(line: string, at: number): JobEvent | undefined {
  try {
    const event = JSON.parse(line);
    return event?.at === at && typeof event.time === "number" && typeof event.event?.type === "string"
      ? event
      : undefined;
  } catch {
    return undefined;
  }
}

/** The folders of all jobs under `root`. */
export async function jobFolders(root: string): Promise<JobFiles[]> {
  if (!(await platform.exists(root))) return [];
  return (await platform.listDir(root))
    .filter((name) => jobName.test(name))
    .map((id) => new JobFiles(id, `${root}/${id}`));
}

/** The folder of a job, whose id may come from anywhere. */
export function jobFolder(root: string, id: string): JobFiles {
  if (!jobName.test(id)) throw new HebbError("This is not the name of a job.");
  return new JobFiles(id, `${root}/${id}`);
}

const jobName = /^\d{13}-[a-z0-9]{6}$/;

/** Sorts by time, and never collides in practice. */
export function jobId(created: Date): string {
  const random = Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) => (byte % 36).toString(36)).join("");
  return `${String(created.getTime()).padStart(13, "0")}-${random}`;
}
