import { z } from "zod";
import { nameSchema } from "../schema.js";

/** One configuration of a study at one seed. */
export interface Job {
  /** A hash of all that decides the result: it is also the name of the run folder, so a result has one place. */
  readonly id: string;
  readonly slug: string;
  readonly scale: "smoke" | "standard" | "full";
  /** What replaces the scale's options. */
  readonly options: Readonly<Record<string, number | string | boolean>>;
  readonly seed: number;
  /** The sources that compute it: a commit, or what stands in for one. */
  readonly code: string;
}

/** Jobs come from files and from Redis: whatever is read passes through this. */
export const jobSchema: z.ZodType<Job> = z.object({
  id: nameSchema,
  slug: z.string(),
  scale: z.enum(["smoke", "standard", "full"]),
  options: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
  seed: z.number(),
  code: z.string(),
});

/** The right to work on a job, for as long as the heart beats. */
export interface Lease {
  readonly job: Job;
  /** Counts from 1. */
  readonly attempt: number;
  /** What tells this lease from an earlier or later one of the same job. */
  readonly token: string;
}

export interface JobStatus {
  readonly id: string;
  readonly state: "waiting" | "running" | "done" | "failed";
  /** Who has it, while it runs. */
  readonly worker?: string;
  /** Why it failed. */
  readonly error?: string;
}

/** A job is tried this often before it counts as failed. */
export const maxAttempts = 3;

/** A worker that has been silent for so long has lost its job, unless told otherwise. */
export const defaultLeaseMilliseconds = 30_000;

/**
 * Jobs for workers in several processes, or on several machines. A job is handed out at least once: exactly once while
 * no worker falls silent, again when a lease runs out. So the work must be idempotent; `runJob` is.
 */
export interface JobQueue {
  /**
   * Puts jobs in, in this order. One that is known stays as it is, but one that had failed is tried again. Several
   * processes may do so at the same time if each puts in the same jobs.
   */
  add(jobs: readonly Job[]): Promise<void>;
  /** The first job that waits, or whose lease has run out; undefined when there is none now. */
  claim(): Promise<Lease | undefined>;
  /** Prolongs a lease; false when it is lost, so that the work should stop. */
  heartbeat(lease: Lease): Promise<boolean>;
  complete(lease: Lease): Promise<void>;
  /** The attempt failed. The job goes back to wait, unless `retry` is false or this was the last attempt. */
  fail(lease: Lease, error: string, retry: boolean): Promise<void>;
  /** Gives a job back unfinished, without counting the attempt. */
  release(lease: Lease): Promise<void>;
  /** How the jobs with these ids stand; those that the queue does not know are left out. */
  list(ids: readonly string[]): Promise<JobStatus[]>;
  close(): Promise<void>;
}
