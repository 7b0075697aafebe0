import { Job as BullJob, ErrorCode, Queue, type RedisConnectionClient, UnrecoverableError, Worker } from "bullmq";
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

export interface BullQueueOptions {
  /** `redis://host:port`, or `rediss:` with TLS. */
  readonly url: string;
  /** Workers and sweeps of the same name share their jobs. */
  readonly name: string;
  readonly worker: string;
  readonly leaseMilliseconds?: number;
  /** Takes one sentence when the server cannot be reached, and one when it can be again. */
  readonly log: (message: string) => void;
  /** Ends the waiting for a server that cannot be reached. */
  readonly signal: AbortSignal;
}

const lostLease = new Set<ErrorCode | undefined>([
  ErrorCode.JobNotExist,
  ErrorCode.JobLockNotExist,
  ErrorCode.JobNotInState,
  ErrorCode.JobLockMismatch,
]);

/** What is used of a client of the package `ioredis`. */
interface Client extends RedisConnectionClient {
  readonly status: string;
  on(event: string, listener: (error: Error) => void): void;
  disconnect(): void;
}

/**
 * A queue in Redis or Valkey, through BullMQ, for workers on several machines. The lock of a job is its lease: BullMQ
 * gives a job whose lock ran out back to wait. While the server cannot be reached every call waits, and the connection is
 * tried again after 0.2 s, 0.4 s, … up to 10 s.
 */
export class BullQueue implements JobQueue {
  readonly #client: Client;
  readonly #queue: Queue;
  readonly #worker: Worker;
  readonly #lease: number;
  readonly #claimed = new Map<string, BullJob>();
  /** Rejects once nobody wants to wait any more for a server that cannot be reached. */
  readonly #givenUp: Promise<never>;
  #claims = 0;
  #checksStalled = false;

  private constructor(client: Client, options: BullQueueOptions) {
    const { url, name, worker, leaseMilliseconds = defaultLeaseMilliseconds, log, signal } = options;
    this.#client = client;
    this.#lease = leaseMilliseconds;
    this.#queue = new Queue(name, { connection: client });
    this.#worker = new Worker(name, null, {
      connection: client,
      autorun: false,
      name: worker,
      lockDuration: leaseMilliseconds,
      stalledInterval: leaseMilliseconds / 2,
      maxStalledCount: maxAttempts - 1,
    });
    // The client's own listener speaks of lost connections; whatever else goes wrong reaches the caller of a method.
    this.#queue.on("error", () => {});
    this.#worker.on("error", () => {});

    const { host } = new URL(url);
    let away = false;
    this.#givenUp = new Promise((_, reject) => {
      const check = () => {
        if (signal.aborted && client.status !== "ready") reject(new HebbError(`Redis at ${host} cannot be reached.`));
      };
      signal.addEventListener("abort", check);
      client.on("error", (error: NodeJS.ErrnoException) => {
        const reason = /^socket timeout/i.test(error.message) ? "no answer" : (error.code ?? error.message);
        if (!away) log(`Redis at ${host} cannot be reached (${reason}); trying again until it can.`);
        away = true;
        check();
      });
    });
    this.#givenUp.catch(() => {});
    client.on("ready", () => {
      if (away) log(`Redis at ${host} is there again.`);
      away = false;
    });
  }

  /** Begins to connect. Throws when the package `ioredis`, which speaks to the server, is not installed. */
  static async open(options: BullQueueOptions): Promise<BullQueue> {
    const driver = (await platform.importPackage("ioredis")) as
      | { Redis: new (url: string, options: object) => Client }
      | undefined;
    if (!driver) throw new HebbError("Workers on other machines need the package ioredis: npm install ioredis.");
    const client = new driver.Redis(options.url, {
      maxRetriesPerRequest: null,
      // A cable that is pulled out says nothing: without an answer for so long the connection is made anew.
      socketTimeout: options.leaseMilliseconds ?? defaultLeaseMilliseconds,
      retryStrategy: (times: number) => Math.min(200 * 2 ** (times - 1), 10_000),
    });
    return new BullQueue(client, options);
  }

  add(jobs: readonly Job[]): Promise<void> {
    return this.#unlessGivenUp(this.#add(jobs));
  }

  claim(): Promise<Lease | undefined> {
    return this.#unlessGivenUp(this.#claim());
  }

  async heartbeat({ token }: Lease): Promise<boolean> {
    const job = this.#claimed.get(token);
    return job !== undefined && (await this.#unlessGivenUp(job.extendLock(token, this.#lease))) === 1;
  }

  complete(lease: Lease): Promise<void> {
    return this.#end(lease, (job, token) => job.moveToCompleted(null, token, false));
  }

  fail(lease: Lease, error: string, retry: boolean): Promise<void> {
    const reason = retry ? new Error(error) : new UnrecoverableError(error);
    return this.#end(lease, (job, token) => job.moveToFailed(reason, token, false));
  }

  release(lease: Lease): Promise<void> {
    return this.#end(lease, (job, token) => job.moveToWait(token));
  }

  async list(ids: readonly string[]): Promise<JobStatus[]> {
    const statuses = await this.#unlessGivenUp(Promise.all(ids.map((id) => this.#status(id))));
    return statuses.filter((status) => status !== undefined);
  }

  async close(): Promise<void> {
    this.#client.disconnect();
    await this.#worker.close(true);
    await this.#queue.close();
  }

  async #add(jobs: readonly Job[]): Promise<void> {
    await Promise.all(
      jobs.map(async ({ id }) => {
        const known = await BullJob.fromId(this.#queue, id);
        // One that had been done may be wanted again because its result was removed; if not, it is done in no time.
        if (known && ["failed", "completed"].includes(await known.getState())) await known.remove();
      }),
    );
    const day = 24 * 3600;
    await this.#queue.addBulk(
      jobs.map((job) => ({
        name: job.slug,
        data: job,
        opts: { jobId: job.id, attempts: maxAttempts, removeOnComplete: { age: day }, removeOnFail: { age: 7 * day } },
      })),
    );
  }

  async #claim(): Promise<Lease | undefined> {
    if (!this.#checksStalled) {
      await this.#worker.waitUntilReady();
      this.#checksStalled = true;
      await this.#worker.startStalledCheckTimer();
    }
    const token = `${this.#worker.id}-${this.#claims++}`;
    const claimed = (await this.#worker.getNextJob(token, { block: false })) as BullJob | undefined;
    if (!claimed) return undefined;
    this.#claimed.set(token, claimed);
    const job = parseChecked(jobSchema, JSON.stringify(claimed.data), `The job ${claimed.id} in Redis`);
    return { job, attempt: claimed.attemptsMade + claimed.stalledCounter + 1, token };
  }

  async #status(id: string): Promise<JobStatus | undefined> {
    const job = await BullJob.fromId(this.#queue, id);
    const state = await job?.getState();
    if (!job || state === "unknown") return undefined;
    if (state === "completed") return { id, state: "done" };
    if (state === "failed") return { id, state, error: job.failedReason };
    return state === "active" ? { id, state: "running", worker: job.processedBy } : { id, state: "waiting" };
  }

  /** Ends a lease, once. Where it had run out, another worker has the job, and there is nothing to say. */
  async #end({ token }: Lease, step: (job: BullJob, token: string) => Promise<unknown>): Promise<void> {
    const job = this.#claimed.get(token);
    if (!job) return;
    this.#claimed.delete(token);
    await this.#unlessGivenUp(step(job, token)).catch((error: Error & { code?: ErrorCode }) => {
      if (!lostLease.has(error.code)) throw error;
    });
  }

  #unlessGivenUp<T>(work: Promise<T>): Promise<T> {
    // What loses the race may still fail, when the connection is closed.
    work.catch(() => {});
    return Promise.race([work, this.#givenUp]);
  }
}
