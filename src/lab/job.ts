import type { RunEvent } from "./events.js";
import type { Scale } from "./study.js";

/** What somebody asks a place to run. */
export interface StartRequest {
  readonly slug: string;
  readonly scale: Scale;
  /** How many, or which. */
  readonly seeds?: number | readonly number[];
  /** Replaces some of the scale's options. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** The id of a run to go on with; then only `slug` counts of the rest. */
  readonly resume?: string;
}

export type JobState = "waiting" | "running" | "done" | "stopped" | "failed";

/** A request that was made to a place, from its start to its end. */
export interface Job {
  readonly id: string;
  readonly request: StartRequest;
  readonly state: JobState;
  /** How many jobs come before it. */
  readonly ahead: number;
  /** The run's id, once there is one. */
  readonly run?: string;
  /** Why it stopped or failed: one sentence. */
  readonly error?: string;
  readonly created: string;
}

/** What happened in a job; `at` is the number of the event in the job, from 0, and `time` milliseconds since 1970. */
export interface JobEvent {
  readonly at: number;
  readonly time: number;
  /** A run's event (an error as its sentence), or a change of the job. */
  readonly event:
    | Exclude<RunEvent, { type: "error" }>
    | { readonly type: "error"; readonly error: string }
    | { readonly type: "job"; readonly job: Job };
}

/** Whether nothing more will happen in the job. */
export const hasEnded = ({ state }: Job): boolean => state !== "waiting" && state !== "running";
