import { duration } from "../lab/numbers.js";
import type { JobStatus } from "../lab/queue/queue.js";
import { clip, columns } from "./format.js";
import type { Stream } from "./io.js";

/** How one job stands, for the table. */
export interface JobView {
  readonly configuration: number;
  readonly state: JobStatus["state"];
  /** How much of it is done, from 0 to 1, where that is known. */
  readonly share?: number;
  readonly worker?: string;
}

export interface SweepViewOptions {
  readonly title: string;
  /** The configurations, as a person reads them. */
  readonly configurations: readonly string[];
  readonly quiet: boolean;
  /** Milliseconds, for tests. */
  readonly now?: () => number;
}

/** The most configurations that the table shows at a time: those at work first. */
const mostLines = 20;

/** A sweep on a stream: on a terminal a table that is redrawn in place, in a pipe or a file plain lines. */
export class SweepView {
  readonly #stream: Stream;
  readonly #options: SweepViewOptions;
  readonly #now: () => number;
  #table: string[] = [];
  #drawn = 0;
  #first?: { readonly done: number; readonly at: number };

  constructor(stream: Stream, options: SweepViewOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Redraws the table; does nothing where there is no terminal. */
  show(jobs: readonly JobView[]): void {
    if (this.#options.quiet || !this.#stream.isTTY) return;
    const width = (this.#stream.columns || 80) - 1;
    this.#table = [this.#heading(jobs), ...this.#lines(jobs)].map((line) => clip(line, width));
    this.#clear();
    this.#draw();
  }

  /** A message of its own, above the table. */
  log(message: string): void {
    if (this.#options.quiet) return;
    this.#clear();
    this.#stream.write(this.#stream.isTTY ? `${message}\n` : `${this.#options.title}: ${message}\n`);
    this.#draw();
  }

  /** Takes the table away. */
  end(): void {
    this.#clear();
    this.#table = [];
  }

  #heading(jobs: readonly JobView[]): string {
    const count = (state: JobStatus["state"]) => jobs.filter((job) => job.state === state).length;
    const [done, failed] = [count("done"), count("failed")];
    const at = this.#now();
    this.#first ??= { done, at };
    const seconds = (at - this.#first.at) / 1000;
    const rate = (done - this.#first.done) / seconds;
    const open = jobs.length - done - failed;
    return [
      `${this.#options.title}: ${done} of ${jobs.length} done`,
      `${count("running")} running`,
      ...(failed > 0 ? [`${failed} failed`] : []),
      ...(rate > 0 && open > 0 ? [`${duration(open / rate)} left`] : []),
    ].join(", ");
  }

  #lines(jobs: readonly JobView[]): string[] {
    const rows = this.#options.configurations.map((name, i) => {
      const own = jobs.filter(({ configuration }) => configuration === i);
      const running = own.filter(({ state }) => state === "running");
      const failed = own.filter(({ state }) => state === "failed").length;
      const shares = running.map(({ share, worker }) =>
        share === undefined ? `on ${worker ?? "another worker"}` : `${Math.floor(share * 100)} %`,
      );
      const done = own.filter(({ state }) => state === "done").length;
      const cells = [name, `${done}/${own.length}`, [...shares, ...(failed ? [`${failed} failed`] : [])].join(", ")];
      return { cells, rank: running.length > 0 ? 0 : done + failed < own.length ? 1 : 2 };
    });
    const shown = rows.length > mostLines ? rows.toSorted((a, b) => a.rank - b.rank).slice(0, mostLines) : rows;
    const rest = rows.length - shown.length;
    return [
      ...columns(shown.map(({ cells }) => cells)).map((line) => `  ${line}`),
      ...(rest > 0 ? [`  … and ${rest} more`] : []),
    ];
  }

  #draw(): void {
    if (this.#table.length === 0) return;
    this.#stream.write(`${this.#table.join("\n")}\n`);
    this.#drawn = this.#table.length;
  }

  #clear(): void {
    if (this.#drawn > 0) this.#stream.write(`\u001b[${this.#drawn}A\r\u001b[J`);
    this.#drawn = 0;
  }
}
