import { platform } from "#platform";
import { HebbError } from "../engine/errors.js";
import { oneLine } from "../engine/quote.js";
import type { RunEvent } from "./events.js";
import { hasEnded, type Job, type JobEvent, type JobState, type StartRequest } from "./job.js";
import { type JobFiles, jobFolder, jobFolders, jobId } from "./job-files.js";
import { lockRun } from "./lock.js";
import type { RunRecord } from "./record.js";

export { hasEnded, type Job, type JobEvent, type JobState, type StartRequest } from "./job.js";

/** Carries out a request, as `runStudy` does: resolves to the record however the run ended, throws if it could not start. */
export type JobRunner = (
  request: StartRequest,
  tools: { readonly signal: AbortSignal; readonly onEvent: (event: RunEvent) => void },
) => Promise<RunRecord>;

export interface JobsOptions {
  /** Where the jobs' folders are. Default: `runs/.jobs`. */
  readonly root?: string;
  /** So many run at the same time. Default 1. */
  readonly atOnce?: number;
  /** So many jobs that have ended are remembered (their runs are kept in any case). Default 100. */
  readonly remembered?: number;
}

/** Events wait at most this long before they are on disk; progress is thinned to one event in as long. */
const flushMilliseconds = 250;
/** How often a job of another process or tab is looked at while it is watched. */
const pollMilliseconds = 1000;
/** The log in a run's folder. */
const logName = "log.txt";

/** A job of this queue that has not ended. */
interface Live {
  job: Job;
  readonly files: JobFiles;
  readonly release: () => Promise<void>;
  readonly abort: AbortController;
  readonly events: JobEvent[];
  readonly watchers: Set<() => void>;
  /** So many of the events are on disk. */
  kept: number;
  folder?: string;
  timer?: ReturnType<typeof setTimeout>;
  writing: Promise<void>;
  progress?: JobEvent;
  /** Set as soon as the job is about to end; resolves once all is on disk. */
  ending?: Promise<void>;
}

/**
 * A queue of requests to run studies. Each job is a folder with all its events, so that whoever comes later sees them from
 * the first on. A job belongs to the queue that made it; other queues on the same folder (another lab, another tab) see
 * it, can watch it and can ask for its end. When its owner goes away, it stands as `stopped`, and its run can be resumed
 * by a new job.
 */
export class Jobs {
  readonly #root: string;
  readonly #run: JobRunner;
  readonly #atOnce: number;
  readonly #remembered: number;
  readonly #live = new Map<string, Live>();
  #closed = false;
  #asking?: ReturnType<typeof setInterval>;

  constructor(run: JobRunner, { root = "runs/.jobs", atOnce = 1, remembered = 100 }: JobsOptions = {}) {
    this.#run = run;
    this.#root = root;
    this.#atOnce = atOnce;
    this.#remembered = remembered;
  }

  /** Puts a request at the end of the queue. Throws where its folder cannot be written. */
  async create(request: StartRequest): Promise<Job> {
    if (this.#closed) throw new HebbError("The queue is closed: nothing more can be started.");
    const created = new Date();
    const files = jobFolder(this.#root, jobId(created));
    await platform.mkdirp(files.path);
    const release = await lockRun(files.path);
    const job: Job = {
      id: files.id,
      request,
      state: "waiting",
      ahead: this.#live.size,
      created: created.toISOString(),
    };
    try {
      await files.write(job);
    } catch (error) {
      await release().catch(() => {});
      await files.remove().catch(() => {});
      throw error;
    }
    const live: Live = {
      job,
      files,
      release,
      abort: new AbortController(),
      events: [],
      watchers: new Set(),
      kept: 0,
      writing: Promise.resolve(),
    };
    this.#live.set(job.id, live);
    this.#add(live, { type: "job", job });
    this.#asking ??= unref(setInterval(() => void this.#lookForRequests(), pollMilliseconds));
    this.#next();
    void this.#forget();
    return live.job;
  }

  /** All jobs, newest first. */
  async list(): Promise<Job[]> {
    const jobs: Job[] = [];
    for (const files of (await jobFolders(this.#root)).reverse()) {
      // A job whose description is damaged is left out; its run is listed among the runs.
      const job = this.#live.get(files.id)?.job ?? (await files.settle().catch(() => undefined));
      if (job) jobs.push(job);
    }
    return jobs;
  }

  /** Throws where there is no such job. */
  async get(id: string): Promise<Job> {
    const job = this.#live.get(id)?.job ?? (await jobFolder(this.#root, id).settle());
    if (!job)
      throw new HebbError(`There is no job ${oneLine(id)}: it may have been forgotten, its run is among the runs.`);
    return job;
  }

  /** The events of a job from the `from`-th on, as far as they have happened. */
  async events(id: string, from = 0): Promise<readonly JobEvent[]> {
    const live = this.#live.get(id);
    return live ? live.events.slice(from) : (await this.#past(id)).slice(from);
  }

  /** All events of a job from the `from`-th on, then those to come, until it ends or the signal aborts. */
  async watch(
    id: string,
    onEvents: (events: readonly JobEvent[]) => void,
    { from = 0, signal }: { readonly from?: number; readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    let next = from;
    const tell = (events: readonly JobEvent[]) => {
      const fresh = events.slice(next);
      next += fresh.length;
      if (fresh.length > 0) onEvents(fresh);
    };
    let size = -1;
    while (!signal?.aborted) {
      const live = this.#live.get(id);
      if (live) {
        tell(live.events);
        if (hasEnded(live.job)) return;
        await changeOf(live, signal);
        // It may have ended and left the list meanwhile.
        if (!signal?.aborted) tell(live.events);
        if (hasEnded(live.job)) return;
        continue;
      }
      const job = await this.get(id);
      const grown = await jobFolder(this.#root, id).size();
      if (grown !== size || hasEnded(job)) tell(await this.#past(id, job));
      size = grown;
      if (hasEnded(job)) return;
      await pause(pollMilliseconds, signal);
    }
  }

  /** Stops a job at its run's next safe point; the run can be resumed. Nothing happens where it has ended. */
  async cancel(id: string): Promise<void> {
    const live = this.#live.get(id);
    if (live) {
      if (live.ending) return live.ending;
      live.abort.abort(new HebbError("The job was stopped."));
      if (live.job.state === "waiting") await this.#end(live, "stopped", "It was stopped before it started.");
      return;
    }
    if (!hasEnded(await this.get(id))) await jobFolder(this.#root, id).askToStop();
  }

  /** Stops all jobs of this queue and waits until they have ended. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#live.keys()].map((id) => this.cancel(id)));
    while (this.#live.size > 0) await Promise.all([...this.#live.values()].map((live) => changeOf(live)));
  }

  /** Starts what may start, and tells the others how many come before them. */
  #next(): void {
    let before = 0;
    for (const live of [...this.#live.values()]) {
      if (live.ending) continue;
      if (live.job.state === "waiting") {
        if (before < this.#atOnce) void this.#carryOut(live);
        else if (live.job.ahead !== before) this.#change(live, { ahead: before });
      }
      before++;
    }
  }

  async #carryOut(live: Live): Promise<void> {
    this.#change(live, {
      state: "running",
      ahead: 0,
      ...(live.job.request.resume && { run: live.job.request.resume }),
    });
    const onEvent = (event: RunEvent) => {
      if (event.type === "start") {
        live.folder = event.folder;
        this.#change(live, { run: event.record.id });
      }
      this.#add(live, event.type === "error" ? { type: "error", error: sentenceOf(event.error) } : event);
    };
    try {
      const record = await this.#run(live.job.request, { signal: live.abort.signal, onEvent });
      const state = record.status === "running" ? "failed" : record.status;
      await this.#end(live, state, record.error, record.id);
    } catch (error) {
      const sentence = sentenceOf(error);
      const stopped = live.abort.signal.aborted;
      if (!stopped) this.#add(live, { type: "error", error: sentence });
      await this.#end(live, stopped ? "stopped" : "failed", sentence);
    }
  }

  #end(live: Live, state: JobState, error?: string, run = live.job.run): Promise<void> {
    live.ending ??= this.#settle(live, state, error, run);
    return live.ending;
  }

  async #settle(live: Live, state: JobState, error?: string, run?: string): Promise<void> {
    const ended = { state, ahead: 0, ...(run && { run }), ...(error && { error }) };
    // Not yet through #change: who sees the end must find all of it on disk.
    const last: Job = { ...live.job, ...ended };
    this.#add(live, { type: "job", job: last }, false);
    await this.#flush(live);
    await live.files.write(last).catch(() => {});
    await live.release().catch(() => {});
    live.job = last;
    this.#live.delete(last.id);
    notify(live);
    if (this.#live.size === 0) {
      clearInterval(this.#asking);
      this.#asking = undefined;
    }
    this.#next();
  }

  #change(live: Live, change: Partial<Job>): void {
    live.job = { ...live.job, ...change };
    const { job } = live;
    live.writing = live.writing.then(() => live.files.write(job).catch(() => {}));
    this.#add(live, { type: "job", job });
  }

  #add(live: Live, event: JobEvent["event"], tell = true): void {
    const time = Date.now();
    if (event.type === "progress") {
      // Loops tell of each of their steps; of those that come close together only the last is kept.
      const { progress } = live;
      live.progress = { at: -1, time, event };
      if (progress) return;
      live.timer ??= unref(setTimeout(() => void this.#flush(live), flushMilliseconds));
      return;
    }
    this.#settleProgress(live);
    live.events.push({ at: live.events.length, time, event });
    if (tell) notify(live);
    live.timer ??= unref(setTimeout(() => void this.#flush(live), flushMilliseconds));
  }

  #settleProgress(live: Live): boolean {
    const { progress } = live;
    if (!progress) return false;
    live.progress = undefined;
    live.events.push({ ...progress, at: live.events.length });
    return true;
  }

  /** Brings the events to disk. A job goes on where that fails: they are for watching, the run folder has the results. */
  #flush(live: Live): Promise<void> {
    clearTimeout(live.timer);
    live.timer = undefined;
    if (this.#settleProgress(live)) notify(live);
    const events = live.events.slice(live.kept);
    live.kept = live.events.length;
    const log = events.flatMap(logLine).join("");
    const { folder } = live;
    live.writing = live.writing.then(async () => {
      if (events.length > 0) await live.files.append(events).catch(() => {});
      if (log && folder) await platform.appendFile(`${folder}/${logName}`, log).catch(() => {});
    });
    return live.writing;
  }

  /** The events on disk of a job that has ended or is another's; the last of one whose owner is gone is made up. */
  async #past(id: string, known?: Job): Promise<JobEvent[]> {
    const job = known ?? (await this.get(id));
    const events = await jobFolder(this.#root, id).events();
    const last = events.at(-1);
    const told = last?.event.type === "job" && hasEnded(last.event.job);
    if (!hasEnded(job) || told) return events;
    return [...events, { at: events.length, time: last?.time ?? Date.parse(job.created), event: { type: "job", job } }];
  }

  /** Another tab or process can only leave a note that it wants a job to stop. */
  async #lookForRequests(): Promise<void> {
    for (const live of [...this.#live.values()]) {
      if (!live.abort.signal.aborted && (await live.files.isAskedToStop().catch(() => false)))
        await this.cancel(live.job.id);
    }
  }

  /** Removes the oldest jobs that have ended, beyond so many. */
  async #forget(): Promise<void> {
    const all = await jobFolders(this.#root).catch(() => []);
    for (const files of all.slice(0, Math.max(0, all.length - this.#remembered))) {
      const job = await files.settle().catch(() => undefined);
      if (!this.#live.has(files.id) && (!job || hasEnded(job))) await files.remove().catch(() => {});
    }
  }
}

/** The log that jobs wrote into a run's folder; empty where there is none. */
export async function readLog(folder: string): Promise<string> {
  const path = `${folder}/${logName}`;
  return (await platform.exists(path)) ? new TextDecoder().decode(await platform.readFile(path)) : "";
}

/** What an error says, in one line. */
const sentenceOf = (error: unknown): string => inOneLine(error instanceof Error ? error.message : String(error));

const inOneLine = (text: string): string => oneLine(text.trim().replaceAll(/\s*\n\s*/g, " "));

function logLine({ time, event }: JobEvent): string[] {
  const say = (text: string) => [`${new Date(time).toISOString()} ${inOneLine(text)}\n`];
  if (event.type === "start") return say(`run ${event.record.id} starts`);
  if (event.type === "log") return say(event.message);
  if (event.type === "unit") return say(`${event.name}: ${event.state}`);
  if (event.type === "error") return say(event.error);
  if (event.type === "end") return say(`run ${event.record.id} is ${event.record.status}`);
  return [];
}

function notify({ watchers }: Live): void {
  for (const wake of [...watchers]) wake();
}

/** Resolves when something has happened in a job, or the signal aborts. */
function changeOf(live: Live, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      live.watchers.delete(wake);
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    live.watchers.add(wake);
    signal?.addEventListener("abort", wake);
  });
}

function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    signal?.addEventListener("abort", wake);
  });
}

/** A timer that does not keep a Node process alive. */
function unref<T>(timer: T): T {
  (timer as { unref?: () => void }).unref?.();
  return timer;
}
