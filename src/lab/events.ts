import type { RunRecord } from "./record.js";
import type { MetricPoint, Row } from "./study.js";

/** What a run tells whoever watches it, in the order in which it happens. */
export type RunEvent =
  | { readonly type: "start"; readonly record: RunRecord; readonly folder: string }
  | { readonly type: "log"; readonly message: string }
  | { readonly type: "progress"; readonly done: number; readonly total: number; readonly label?: string }
  | { readonly type: "metric"; readonly point: MetricPoint }
  | { readonly type: "row"; readonly row: Row }
  /** By a resumed run, `continued`: started from a checkpoint; `restored`: taken from the run folder instead of done again. */
  | { readonly type: "unit"; readonly name: string; readonly state: "started" | "continued" | "finished" | "restored" }
  | { readonly type: "error"; readonly error: unknown }
  | { readonly type: "end"; readonly record: RunRecord };
