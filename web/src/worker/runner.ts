import { HebbError } from "../../../src/engine/errors.js";
import type { RunEvent } from "../../../src/lab/events.js";
import type { JobRunner } from "../../../src/lab/jobs.js";
import type { RunRecord } from "../../../src/lab/record.js";
import type { Files } from "../../../src/platform/types.js";
import { processEnd } from "../../../src/platform/web-locks.js";
import { serveFiles } from "./files.js";
import type { FromCompute, ToCompute } from "./messages.js";
import { inWords, sentences } from "./words.js";

/** A run that was asked to stop is ended after so long. */
const stopMilliseconds = 20_000;
/** What a worker sent before it ended may still be on its way. */
const afterEndMilliseconds = 500;

export interface WorkerRunnerOptions {
  /** The directory of runs. */
  readonly out: string;
  readonly threads: number;
  /** What keeps files, when not the browser's file system. */
  readonly files?: Files;
  readonly makeWorker?: () => Worker;
}

const computeWorker = (): Worker =>
  new Worker(new URL("./compute.ts", import.meta.url), { type: "module", name: "hebb-run" });

/** Runs each request in a worker of its own. Whatever happens to that worker becomes a sentence. */
export function inWorker({ out, threads, files, makeWorker = computeWorker }: WorkerRunnerOptions): JobRunner {
  return async (request, { signal, onEvent }): Promise<RunRecord> => {
    const worker = makeWorker();
    const over = new AbortController();
    let patience: ReturnType<typeof setTimeout> | undefined;
    try {
      return await new Promise<RunRecord>((resolve, reject) => {
        const fail = (sentence: string) => reject(new HebbError(sentence));
        const post = (message: ToCompute, transfer: Transferable[] = []) => worker.postMessage(message, transfer);
        let ready = false;
        worker.addEventListener("message", ({ data }: MessageEvent<FromCompute>) => {
          if (data.type === "ready") {
            ready = true;
            begin();
            void processEnd(data.identity, over.signal)
              .then(() => setTimeout(fail, afterEndMilliseconds, sentences.workerLost))
              .catch(() => {});
          } else if (data.type === "events") {
            for (const event of data.events) onEvent(revive(event));
          } else if (data.type === "end") resolve(data.record);
          else fail(data.error);
        });
        worker.addEventListener("error", (event) => {
          event.preventDefault();
          fail(ready ? inWords(event.message || sentences.workerLost).message : sentences.loading);
        });
        worker.addEventListener("messageerror", () => fail(sentences.workerLost));
        const begin = () => {
          const { port1, port2 } = new MessageChannel();
          if (files) {
            serveFiles(port1, files);
            post({ type: "run", request, out, threads, files: port2 }, [port2]);
          } else post({ type: "run", request, out, threads });
          if (signal.aborted) post({ type: "stop" });
        };
        const stop = () => {
          if (ready) post({ type: "stop" });
          patience = setTimeout(fail, stopMilliseconds, sentences.notStopping);
        };
        if (signal.aborted) stop();
        else signal.addEventListener("abort", stop, { once: true, signal: over.signal });
      });
    } finally {
      clearTimeout(patience);
      over.abort();
      worker.terminate();
    }
  };
}

const revive = (event: Extract<FromCompute, { type: "events" }>["events"][number]): RunEvent =>
  event.type === "error" ? { type: "error", error: new HebbError(event.error) } : event;
