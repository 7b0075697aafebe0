import { spawn } from "node:child_process";
import { HebbError } from "../engine/errors.js";
import type { RunEvent } from "../lab/events.js";
import type { StartRequest } from "../lab/job.js";
import type { JobRunner } from "../lab/jobs.js";
import type { RunRecord } from "../lab/record.js";

/** What the process of a run is told. */
export type ToRun =
  | { readonly type: "start"; readonly request: StartRequest; readonly out: string; readonly threads?: number }
  | { readonly type: "stop" };

/** What it tells: events with errors as sentences, then how it ended. */
export type FromRun =
  | { readonly type: "events"; readonly events: readonly PlainEvent[] }
  | { readonly type: "end"; readonly record?: RunRecord; readonly error?: string };

export type PlainEvent = Exclude<RunEvent, { type: "error" }> | { readonly type: "error"; readonly error: string };

export interface RunProcessOptions {
  readonly out: string;
  readonly threads?: number;
  /** How to start one: node's arguments. Default: this program with its hidden command. */
  readonly command?: readonly string[];
}

const tailCharacters = 400;

/** Runs each request in a process of its own: what kills it leaves the server and the other runs alone. */
export function runProcesses({ out, threads, command }: RunProcessOptions): JobRunner {
  return async (request, { signal, onEvent }) => {
    const child = spawn(process.execPath, [...(command ?? [...process.execArgv, process.argv[1], "lab-run"])], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    const tell = (message: ToRun) => child.connected && child.send(message, () => {});
    const kill = () => child.kill("SIGKILL");
    const stop = () => tell({ type: "stop" });
    process.once("exit", kill);
    signal.addEventListener("abort", stop);
    let words = "";
    let end: Extract<FromRun, { type: "end" }> | undefined;
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      words = (words + text).slice(-tailCharacters);
    });
    child.on("message", (message: FromRun) => {
      if (message.type === "end") end = message;
      else
        for (const event of message.events)
          onEvent(event.type === "error" ? { ...event, error: new HebbError(event.error) } : event);
    });
    try {
      const how = await new Promise<string>((resolve, reject) => {
        child.once("error", reject);
        child.once("close", (code, killed) => resolve(killed ?? `status ${code}`));
        tell({ type: "start", request, out, threads });
        if (signal.aborted) stop();
      });
      if (end?.record) return end.record;
      if (end?.error !== undefined) throw new HebbError(end.error);
      const last = words.trim().split("\n").at(-1);
      const killed = how === "SIGKILL" || /heap|memory/i.test(words);
      throw new HebbError(
        killed
          ? "The run's process was ended, most likely because memory ran out; other runs go on, and this one can be resumed."
          : `The run's process ended with ${how}${last ? `: ${last}` : ""}; other runs go on, and this one can be resumed.`,
      );
    } finally {
      process.off("exit", kill);
      signal.removeEventListener("abort", stop);
    }
  };
}
