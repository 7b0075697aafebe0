import { setTimeout as sleep } from "node:timers/promises";
import { type Job, type JobQueue, type Lease, maxAttempts } from "./queue.js";

/** How a job ended that did not break: finished, or left unfinished because its signal asked for it. */
export type Outcome = "done" | "stopped";

/** The process of a job ended without a word, as when it was killed: worth another attempt. */
export class ProcessDied extends Error {}

export type JobEvent =
  | { readonly type: "started"; readonly job: Job; readonly attempt: number }
  | { readonly type: "done" | "stopped"; readonly job: Job }
  | { readonly type: "failed"; readonly job: Job; readonly error: string; readonly again: boolean };

export interface ConsumeOptions {
  readonly queue: JobQueue;
  /** How many jobs at the same time. */
  readonly parallel: number;
  /** Does a job. Its signal aborts with `signal`, and when the lease is lost. */
  readonly execute: (job: Job, signal: AbortSignal) => Promise<Outcome>;
  /** Takes the place of one more job, and returns what gives it back; undefined while there is no room. */
  readonly admit?: () => Promise<(() => void) | undefined>;
  /** Whether to end, asked when there is nothing to claim. A worker that waits for more says no. */
  readonly isFinished: () => Promise<boolean>;
  readonly signal: AbortSignal;
  readonly onEvent?: (event: JobEvent) => void;
  readonly heartbeatMilliseconds: number;
  /** How long to wait where there is nothing to do. */
  readonly pollMilliseconds?: number;
}

/**
 * Works through a queue, several jobs at a time, until `isFinished` says so or `signal` aborts. Throws when the queue
 * itself breaks.
 */
export async function consume(options: ConsumeOptions): Promise<void> {
  const { queue, parallel, admit = async () => () => {}, isFinished, pollMilliseconds = 500 } = options;
  const broken = new AbortController();
  const signal = AbortSignal.any([options.signal, broken.signal]);
  const pause = () => sleep(pollMilliseconds, undefined, { signal }).catch(() => {});
  const workOnce = async (): Promise<boolean> => {
    const leave = await admit();
    if (!leave) return false;
    try {
      const lease = await queue.claim();
      if (lease) await work(lease, { ...options, signal });
      return lease !== undefined;
    } finally {
      leave();
    }
  };
  const slot = async () => {
    while (!signal.aborted) {
      if (await workOnce()) continue;
      if (await isFinished()) return;
      await pause();
    }
  };
  let failure: { readonly error: unknown } | undefined;
  const guarded = () =>
    slot().catch((error) => {
      // Once the caller wants to end, a queue that can no longer be told is no matter: the leases run out.
      if (!options.signal.aborted) failure ??= { error };
      broken.abort();
    });
  await Promise.all(Array.from({ length: parallel }, guarded));
  if (failure) throw failure.error;
}

async function work(lease: Lease, options: ConsumeOptions): Promise<void> {
  const { queue, execute, signal, onEvent = () => {}, heartbeatMilliseconds } = options;
  const { job, attempt } = lease;
  const lost = new AbortController();
  const heart = setInterval(async () => {
    // A queue that cannot be reached says nothing about the lease: the work goes on, as its result counts in any case.
    if (!(await queue.heartbeat(lease).catch(() => true))) lost.abort();
  }, heartbeatMilliseconds);
  onEvent({ type: "started", job, attempt });
  const ended = await execute(job, AbortSignal.any([signal, lost.signal])).catch((error: unknown) => ({ error }));
  clearInterval(heart);
  if (ended === "done") {
    await queue.complete(lease);
    onEvent({ type: "done", job });
  } else if (ended === "stopped") {
    if (!lost.signal.aborted) await queue.release(lease);
    onEvent({ type: "stopped", job });
  } else {
    const retry = ended.error instanceof ProcessDied;
    const error = ended.error instanceof Error ? ended.error.message : String(ended.error);
    await queue.fail(lease, error, retry);
    onEvent({ type: "failed", job, error, again: retry && attempt < maxAttempts });
  }
}
