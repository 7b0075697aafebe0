import type { RunEvent } from "../../../src/lab/events.js";
import type { StartRequest } from "../../../src/lab/job.js";
import type { RunRecord } from "../../../src/lab/record.js";
import type { ProcessIdentity } from "../../../src/platform/types.js";

/** A run's event, with an error as its sentence. */
export type PlainEvent = Exclude<RunEvent, { type: "error" }> | { readonly type: "error"; readonly error: string };

/** To the worker that runs a study. */
export type ToCompute =
  | {
      readonly type: "run";
      readonly request: StartRequest;
      /** The directory of runs. */
      readonly out: string;
      readonly threads: number;
      /** Where files are, when not in the browser's file system: the other end serves them. */
      readonly files?: MessagePort;
    }
  | { readonly type: "stop" };

export type FromCompute =
  | { readonly type: "ready"; readonly identity: ProcessIdentity }
  | { readonly type: "events"; readonly events: readonly PlainEvent[] }
  | { readonly type: "end"; readonly record: RunRecord }
  | { readonly type: "refused"; readonly error: string };
