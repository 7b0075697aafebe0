import { HebbError } from "../engine/errors.js";
import type { JobQueue, JobStatus } from "../lab/queue/queue.js";
import { hasResult, type PlannedJob } from "../lab/sweep.js";

/** A shared folder may show so late what another machine put there. */
const lateMilliseconds = 90_000;

/** How the jobs of a sweep stand: a result counts, whatever the queue says. */
export class SweepSurvey {
  readonly #jobs: readonly PlannedJob[];
  readonly #queue: JobQueue;
  readonly #out: string;
  readonly #finished = new Set<string>();
  #missingSince?: number;
  /** In the order of the jobs, as of the last look. */
  statuses: readonly JobStatus[] = [];

  constructor(jobs: readonly PlannedJob[], queue: JobQueue, out: string) {
    this.#jobs = jobs;
    this.#queue = queue;
    this.#out = out;
  }

  async look(): Promise<void> {
    const jobs = this.#jobs.map(({ job }) => job);
    for (const job of jobs) {
      if (!this.#finished.has(job.id) && (await hasResult(this.#out, job))) this.#finished.add(job.id);
    }
    const open = jobs.filter(({ id }) => !this.#finished.has(id));
    const known = new Map((await this.#queue.list(open.map(({ id }) => id))).map((status) => [status.id, status]));
    // A Redis may lose its data.
    const lost = open.filter(({ id }) => !known.has(id));
    if (lost.length > 0) await this.#queue.add(lost);
    this.statuses = jobs.map(({ id }) =>
      this.#finished.has(id) ? { id, state: "done" } : (known.get(id) ?? { id, state: "waiting" }),
    );
  }

  /** Whether nothing is left to do. Throws when results stay away that other workers have finished. */
  async isFinished(): Promise<boolean> {
    await this.look();
    if (!this.statuses.every(({ state }) => state === "done" || state === "failed")) return false;
    const missing = this.statuses.filter(({ id, state }) => state === "done" && !this.#finished.has(id));
    if (missing.length === 0) return true;
    this.#missingSince ??= performance.now();
    if (performance.now() - this.#missingSince < lateMilliseconds) return false;
    throw new HebbError(
      `Other workers finished ${missing[0].id}, but ${this.#out} does not have it: all need the same shared folder as --out.`,
    );
  }
}
