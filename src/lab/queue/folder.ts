import { open, stat, utimes } from "node:fs/promises";
import { z } from "zod";
import { platform } from "#platform";
import { HebbError } from "../../engine/errors.js";
import { parseChecked } from "../schema.js";
import {
  defaultLeaseMilliseconds,
  type Job,
  type JobQueue,
  type JobStatus,
  jobSchema,
  type Lease,
  maxAttempts,
} from "./queue.js";

export interface FolderQueueOptions {
  /** The name of the worker that claims. */
  readonly worker: string;
  readonly leaseMilliseconds?: number;
}

const ownerSchema = z.object({
  worker: z.string(),
  host: z.string(),
  pid: z.number(),
  started: z.string(),
  birth: z.string().optional(),
});

/** What is known of a job: its attempts by number, from the names of files alone. */
interface Entry {
  readonly key: string;
  /** The latest attempt; 0 before the first. */
  readonly attempt: number;
  /** The latest attempt that was given back; failures up to there are forgiven. */
  readonly forgiven: number;
  /** Whether the latest attempt has ended. */
  readonly ended: boolean;
  readonly state: "open" | "done" | "failed";
}

const folders = ["jobs", "leases", "released", "retried", "failed", "done"] as const;
type Folder = (typeof folders)[number];

/**
 * A queue in a folder, for the processes that share it. Nothing is ever moved or removed: `jobs/<n>-<id>.json` is a job,
 * `leases/<n>-<id>~<k>` its k-th attempt with the owner, and a file of the same name in `released`, `retried` or `failed`
 * says how the attempt ended; `done/<n>-<id>` ends the job. Whoever makes a file first (exclusive creation) has made the
 * step, so that two processes never take the same attempt, and a crash at any point leaves a state that holds. The time
 * of a lease's file is its last heartbeat; a lease without one, or of a process on this machine that is gone, is over.
 */
export class FolderQueue implements JobQueue {
  readonly #worker: string;
  readonly #lease: number;
  #ready?: Promise<void>;

  constructor(
    readonly path: string,
    { worker, leaseMilliseconds = defaultLeaseMilliseconds }: FolderQueueOptions,
  ) {
    this.#worker = worker;
    this.#lease = leaseMilliseconds;
  }

  async add(jobs: readonly Job[]): Promise<void> {
    const known = new Map((await this.#entries()).map((entry) => [idOf(entry.key), entry]));
    for (const job of jobs) {
      const entry = known.get(job.id);
      if (entry?.state === "failed") await this.#create("released", attemptName(entry.key, entry.attempt));
      if (entry) continue;
      const key = `${String(known.size).padStart(5, "0")}-${job.id}`;
      known.set(job.id, { key, attempt: 0, forgiven: 0, ended: true, state: "open" });
      await platform.writeFileAtomic(`${this.path}/jobs/${key}.json`, `${JSON.stringify(job)}\n`);
    }
  }

  async claim(): Promise<Lease | undefined> {
    for (const entry of await this.#entries()) {
      const { key, attempt, forgiven, ended, state } = entry;
      if (state !== "open" || !(ended || (await this.#isOver(key, attempt)))) continue;
      if (attempt - forgiven >= maxAttempts) {
        await this.#create("failed", attemptName(key, attempt), `its process died ${maxAttempts} times`);
        continue;
      }
      const owner = { worker: this.#worker, ...(await platform.processIdentity()) };
      if (!(await this.#create("leases", attemptName(key, attempt + 1), JSON.stringify(owner)))) continue;
      // The former owner may have been slow, not dead, and have finished just now.
      if (await platform.exists(`${this.path}/done/${key}`)) continue;
      const job = parseChecked(jobSchema, await this.#read("jobs", `${key}.json`), `${this.path}/jobs/${key}.json`);
      return { job, attempt: attempt + 1 - forgiven, token: attemptName(key, attempt + 1) };
    }
    return undefined;
  }

  async heartbeat({ token }: Lease): Promise<boolean> {
    const [key, attempt] = parseAttempt(token);
    if (await platform.exists(`${this.path}/leases/${attemptName(key, attempt + 1)}`)) return false;
    const now = new Date();
    await utimes(`${this.path}/leases/${token}`, now, now);
    return !(await platform.exists(`${this.path}/done/${key}`));
  }

  async complete({ token }: Lease): Promise<void> {
    await this.#create("done", parseAttempt(token)[0], token);
  }

  async fail({ attempt, token }: Lease, error: string, retry: boolean): Promise<void> {
    await this.#create(retry && attempt < maxAttempts ? "retried" : "failed", token, error);
  }

  async release({ token }: Lease): Promise<void> {
    await this.#create("released", token);
  }

  async list(ids: readonly string[]): Promise<JobStatus[]> {
    const wanted = new Set(ids);
    const entries = (await this.#entries()).filter(({ key }) => wanted.has(idOf(key)));
    return Promise.all(
      entries.map(async ({ key, attempt, ended, state }): Promise<JobStatus> => {
        const id = idOf(key);
        const name = attemptName(key, attempt);
        if (state === "done") return { id, state };
        if (state === "failed") return { id, state, error: await this.#read("failed", name) };
        if (ended || (await this.#isOver(key, attempt))) return { id, state: "waiting" };
        return { id, state: "running", worker: (await this.#owner(name))?.worker };
      }),
    );
  }

  async close(): Promise<void> {}

  /** All jobs in order. */
  async #entries(): Promise<Entry[]> {
    this.#ready ??= this.#make();
    await this.#ready;
    // Leases are read before the ways in which they end, so that none seems to run that ended in between.
    const names = {} as Record<Folder, string[]>;
    for (const folder of folders) names[folder] = await platform.listDir(`${this.path}/${folder}`);
    const latest = (folder: Folder): Map<string, number> => {
      const attempts = new Map<string, number>();
      for (const name of names[folder]) {
        const [key, attempt] = parseAttempt(name);
        // Something else that lies there, such as what an editor left.
        if (!Number.isSafeInteger(attempt + 1)) continue;
        attempts.set(key, Math.max(attempt, attempts.get(key) ?? 0));
      }
      return attempts;
    };
    const [leases, released, retried, failed] = (["leases", "released", "retried", "failed"] as const).map(latest);
    const done = new Set(names.done);
    const keys = names.jobs.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length));
    return keys.map((key): Entry => {
      const attempt = leases.get(key) ?? 0;
      const forgiven = released.get(key) ?? 0;
      const isFailed = failed.get(key) === attempt && forgiven < attempt;
      return {
        key,
        attempt,
        forgiven,
        ended: attempt === forgiven || retried.get(key) === attempt || isFailed,
        state: done.has(key) ? "done" : isFailed ? "failed" : "open",
      };
    });
  }

  async #make(): Promise<void> {
    for (const folder of folders) await platform.mkdirp(`${this.path}/${folder}`);
  }

  /** Whether the attempt, which has not ended, has lost its lease. */
  async #isOver(key: string, attempt: number): Promise<boolean> {
    const name = attemptName(key, attempt);
    const { mtimeMs } = await stat(`${this.path}/leases/${name}`);
    if (Date.now() - mtimeMs > this.#lease) return true;
    const owner = await this.#owner(name);
    return owner !== undefined && (await platform.processRuns(owner)) === false;
  }

  /** Who holds a lease; undefined while its file is still being written. */
  async #owner(name: string): Promise<z.infer<typeof ownerSchema> | undefined> {
    const text = await this.#read("leases", name);
    return text === "" ? undefined : parseChecked(ownerSchema, text, `${this.path}/leases/${name}`);
  }

  async #read(folder: Folder, name: string): Promise<string> {
    return new TextDecoder().decode(await platform.readFile(`${this.path}/${folder}/${name}`));
  }

  /** Makes a file that must not exist yet; false when another process was first. */
  async #create(folder: Folder, name: string, content = ""): Promise<boolean> {
    const path = `${this.path}/${folder}/${name}`;
    try {
      const file = await open(path, "wx");
      await file.writeFile(content).finally(() => file.close());
      return true;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === "EEXIST") return false;
      throw new HebbError(`The queue cannot write ${path}: ${message}.`, { cause: error });
    }
  }
}

const attemptName = (key: string, attempt: number): string => `${key}~${attempt}`;

function parseAttempt(name: string): [key: string, attempt: number] {
  const at = name.lastIndexOf("~");
  return [name.slice(0, at), Number(name.slice(at + 1))];
}

/** The id in `00003-<id>`. */
const idOf = (key: string): string => key.slice(key.indexOf("-") + 1);
