import { platform } from "#platform";
import { type BroughtOptions, broughtLimits, type UserData } from "../data/brought-names.js";
import { HebbError } from "../engine/errors.js";
import { quote } from "../engine/quote.js";
import type { Job, JobEvent, StartRequest } from "./job.js";
import { type JobRunner, Jobs, type JobsOptions, readLog } from "./jobs.js";
import type { RunRecord } from "./record.js";
import { type FoundFile, filesBelow, Shelf, type ShelvedRun } from "./shelf.js";
import { RunStore } from "./store.js";
import type { MetricPoint } from "./study.js";

export interface DeskOptions extends Pick<JobsOptions, "atOnce"> {
  /** Where runs are. Default: `runs`. */
  readonly root?: string;
  /** Throws for a request that must not be carried out. */
  readonly check?: (request: StartRequest) => Promise<void>;
}

export interface BroughtBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** All that a lab's pages ask for of runs, jobs and data sets; the same in a tab's worker and on a server. */
export class Desk {
  readonly #store: RunStore;
  readonly #shelf: Shelf;
  readonly #jobs: Jobs;
  readonly #check?: (request: StartRequest) => Promise<void>;

  constructor(run: JobRunner, { root = "runs", atOnce, check }: DeskOptions = {}) {
    this.#store = new RunStore(root);
    this.#shelf = new Shelf(root);
    this.#jobs = new Jobs(run, { root: `${root}/.jobs`, atOnce });
    this.#check = check;
  }

  runs(): Promise<readonly ShelvedRun[]> {
    return this.#shelf.runs();
  }
  usage(): Promise<{ readonly runs: number; readonly bin: number }> {
    return this.#shelf.usage();
  }
  async tag(run: string, tags: readonly string[]): Promise<void> {
    await this.#shelf.tag(runName(run), tags);
  }
  async remove(runs: readonly string[]): Promise<void> {
    await this.#shelf.remove(runs.map(runName));
  }
  async restore(runs: readonly string[]): Promise<void> {
    await this.#shelf.restore(runs.map(runName));
  }
  emptyBin(): Promise<void> {
    return this.#shelf.emptyBin();
  }

  async record(run: string): Promise<RunRecord> {
    const folder = await this.#store.open(runName(run));
    const record = await folder.readRecord();
    // Of a run whose writer is gone, the record still says `running`.
    return record.status === "running" && (await folder.statusNow(record)) === "interrupted"
      ? { ...record, status: "stopped", error: "The run was interrupted; it can be resumed." }
      : record;
  }
  async metrics(run: string): Promise<MetricPoint[]> {
    return (await this.#store.open(runName(run))).readMetrics();
  }
  async log(run: string): Promise<string> {
    return readLog((await this.#store.open(runName(run))).path);
  }
  async files(run: string): Promise<readonly FoundFile[]> {
    return filesBelow((await this.#store.open(runName(run))).path);
  }
  /** The path of one of a run's files. */
  async filePath(run: string, name: string): Promise<string> {
    const { path } = await this.#store.open(runName(run));
    if (!(await filesBelow(path)).some((file) => file.name === name)) {
      throw new HebbError(`The run ${quote(run)} has no file ${quote(name)}.`);
    }
    return `${path}/${name}`;
  }
  async file(run: string, name: string): Promise<Uint8Array> {
    return platform.readFile(await this.filePath(run, name));
  }

  async start(request: StartRequest): Promise<Job> {
    await this.#check?.(request);
    if (request.resume !== undefined) await this.#store.open(runName(request.resume));
    return this.#jobs.create(request);
  }
  jobs(): Promise<readonly Job[]> {
    return this.#jobs.list();
  }
  job(id: string): Promise<Job> {
    return this.#jobs.get(jobName(id));
  }
  async cancel(id: string): Promise<void> {
    await this.#jobs.cancel(jobName(id));
  }
  async watch(
    id: string,
    onEvents: (events: readonly JobEvent[]) => void,
    options?: { readonly from?: number; readonly signal?: AbortSignal },
  ): Promise<void> {
    await this.#jobs.watch(jobName(id), onEvents, options);
  }
  /** Stops all that runs, at the next safe point. */
  close(): Promise<void> {
    return this.#jobs.close();
  }

  async data(): Promise<readonly UserData[]> {
    return (await import("../data/brought.js")).listBrought();
  }
  async addData(name: string, files: readonly BroughtBytes[], options?: BroughtOptions): Promise<UserData> {
    return (await import("../data/brought.js")).addBrought(name, files, options);
  }
  async removeData(name: string): Promise<void> {
    return (await import("../data/brought.js")).removeBrought(name);
  }
}

/** Throws for files that are too many or too large, before they are read. */
export function checkSizes(files: readonly { readonly size: number }[]): void {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const { bytes, files: most } = broughtLimits;
  if (total <= bytes && files.length <= most) return;
  throw new HebbError(
    `A data set has at most ${most} files and ${bytes / 2 ** 20} MiB in all; this one has ${files.length} files and ${Math.ceil(total / 2 ** 20)} MiB.`,
  );
}

/** What comes from a page is a name, never a path. */
const name = (what: string) => (id: string) => {
  if (/^[\w][\w.-]{0,199}$/.test(id) && !id.includes("..")) return id;
  throw new HebbError(`${quote(id)} is not the name of a ${what}.`);
};
const runName = name("run");
const jobName = name("job");
