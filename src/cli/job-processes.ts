import { type ChildProcess, spawn } from "node:child_process";
import { HebbError } from "../engine/errors.js";
import { type Outcome, ProcessDied } from "../lab/queue/consume.js";
import type { Job } from "../lab/queue/queue.js";
import { hasResult } from "../lab/sweep.js";
import { firstGuessBytes, type Machine, type Ticket } from "./machine.js";

/** What the process of a job is told. */
export type ToJob =
  | { readonly type: "start"; readonly job: Job; readonly out: string; readonly threads: number }
  | { readonly type: "stop" };

/** What it tells. */
export type FromJob =
  | { readonly type: "progress"; readonly share: number }
  | { readonly type: "memory"; readonly bytes: number }
  | { readonly type: "end"; readonly outcome?: Outcome; readonly error?: string };

export interface JobProcessesOptions {
  readonly out: string;
  /** Threads of each process. */
  readonly threads: number;
  /** What all processes together may use; no process is added that would not fit, but one always runs. */
  readonly memoryBytes: number;
  /** What this program shares with others. */
  readonly machine: Machine;
  /** Called once, when nothing runs here because other programs leave no room. */
  readonly onWait?: () => void;
  readonly onProgress?: (job: Job, share: number) => void;
}

/** The last words of a process that died, at most. */
const tailCharacters = 400;

/** Runs jobs in processes of their own, so that each has its own threads and memory and may die alone. */
export class JobProcesses {
  readonly #options: JobProcessesOptions;
  readonly #children = new Set<ChildProcess>();
  /** For those who were not admitted yet. */
  readonly #tickets: Ticket[] = [];
  #hasWaited = false;
  #places = 0;
  #largest = 0;

  constructor(options: JobProcessesOptions) {
    this.#options = options;
    process.once("exit", this.#killAll);
  }

  /**
   * Takes the place of one more process, if there is memory for it and other programs leave room; what comes back gives
   * the place back. Who is not admitted keeps a place in the machine's queue, and asks again.
   */
  async admit(): Promise<(() => void) | undefined> {
    const { threads, memoryBytes, machine, onWait } = this.#options;
    const bytes = this.#largest || firstGuessBytes;
    if (this.#places > 0 && (this.#places + 1) * bytes > memoryBytes) return undefined;
    this.#places++;
    const ticket = this.#tickets.shift() ?? (await machine.queue({ threads, bytes }));
    if (!(await ticket.isGranted())) {
      this.#tickets.push(ticket);
      this.#places--;
      if (this.#places === 0 && !this.#hasWaited) onWait?.();
      this.#hasWaited = true;
      return undefined;
    }
    return () => {
      this.#places--;
      void ticket.release();
    };
  }

  /** Runs a job; an abort stops it at its next safe point. Throws `ProcessDied` when it ends without a word. */
  async execute(job: Job, signal: AbortSignal): Promise<Outcome> {
    const { out, threads, onProgress } = this.#options;
    if (await hasResult(out, job)) return "done";
    // The same program in the same way: node's own flags, the script, and the hidden command.
    const child = spawn(process.execPath, [...process.execArgv, process.argv[1], "job"], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#children.add(child);
    const tell = (message: ToJob) => child.connected && child.send(message, () => {});
    const stop = () => tell({ type: "stop" });
    let end: Extract<FromJob, { type: "end" }> | undefined;
    let words = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      words = (words + text).slice(-tailCharacters);
    });
    child.on("message", (message: FromJob) => {
      if (message.type === "end") end = message;
      else if (message.type === "progress") onProgress?.(job, message.share);
      else this.#largest = Math.max(this.#largest, message.bytes);
    });
    signal.addEventListener("abort", stop);
    try {
      const how = await new Promise<string>((resolve, reject) => {
        child.once("error", reject);
        child.once("close", (code, killed) => resolve(killed ?? `status ${code}`));
        tell({ type: "start", job, out, threads });
        if (signal.aborted) stop();
      });
      if (end?.outcome) return end.outcome;
      if (end?.error !== undefined) throw new HebbError(end.error);
      const last = words.trim().split("\n").at(-1);
      throw new ProcessDied(`its process ended with ${how}${last ? `: ${last}` : ""}`);
    } finally {
      signal.removeEventListener("abort", stop);
      this.#children.delete(child);
    }
  }

  async close(): Promise<void> {
    process.off("exit", this.#killAll);
    this.#killAll();
    for (const ticket of this.#tickets.splice(0)) await ticket.release();
  }

  readonly #killAll = (): void => {
    for (const child of this.#children) child.kill("SIGKILL");
  };
}
