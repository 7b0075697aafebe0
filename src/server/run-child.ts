import type { RunEvent } from "../lab/events.js";
import type { Environment } from "../lab/record.js";
import { runStudy } from "../lab/runner.js";
import type { Study } from "../lab/study.js";
import type { FromRun, PlainEvent, ToRun } from "./run-process.js";

/** Events go together, at most so often. */
const batchMilliseconds = 60;
/** Once the server is gone, a run may stop cleanly for so long. */
const orphanMilliseconds = 5000;

export interface RunChildOptions {
  readonly study: (slug: string) => Promise<Study>;
  readonly environment: () => Promise<Partial<Environment>>;
}

/** Carries out one run for the server that started this process, and speaks with it through their channel. */
export async function runChild({ study, environment }: RunChildOptions): Promise<number> {
  const send = (message: FromRun) => process.connected && process.send!(message, undefined, undefined, () => {});
  const abort = new AbortController();
  // Ctrl-C in a terminal reaches this process too; the server says what to do.
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => {});
  process.on("disconnect", () => {
    abort.abort();
    setTimeout(() => process.exit(1), orphanMilliseconds).unref();
  });
  const { request, out, threads } = await new Promise<Extract<ToRun, { type: "start" }>>((resolve) => {
    process.on("message", (message: ToRun) => (message.type === "start" ? resolve(message) : abort.abort()));
  });
  let waiting: PlainEvent[] = [];
  const flush = () => {
    if (waiting.length > 0) send({ type: "events", events: waiting });
    waiting = [];
  };
  const timer = setInterval(flush, batchMilliseconds);
  try {
    (await import("../engine/runtime/index.js")).setBackend("node", threads === undefined ? {} : { threads });
    const { slug, scale, seeds, options, resume } = request;
    const record = await runStudy(await study(slug), {
      out,
      signal: abort.signal,
      environment: { ...(await environment()), ...(threads === undefined ? {} : { threads }) },
      onEvent: (event: RunEvent) => waiting.push(plain(event)),
      ...(resume === undefined ? { scale, seeds, options } : { resume }),
    });
    flush();
    send({ type: "end", record });
    return 0;
  } catch (error) {
    flush();
    send({ type: "end", error: error instanceof Error ? error.message : String(error) });
    return 1;
  } finally {
    clearInterval(timer);
    if (process.connected) process.disconnect();
  }
}

const plain = (event: RunEvent): PlainEvent =>
  event.type === "error"
    ? { type: "error", error: event.error instanceof Error ? event.error.message : String(event.error) }
    : event;
