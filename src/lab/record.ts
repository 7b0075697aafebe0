import type { Judgement, MeasureInfo, MetricPoint, Row, Scale } from "./study.js";

/** Where a run's numbers come from. */
export interface Environment {
  /** The version of this package. */
  readonly hebb: string;
  readonly commit?: string;
  /** True when the working tree differed from `commit`. */
  readonly dirty?: boolean;
  /** The version of ONNX Runtime, where it can be found out. */
  readonly onnxruntime?: string;
  /** For example `node 20.20.2`, or the browser's user agent. */
  readonly runtime: string;
  readonly processor: string;
  readonly threads: number;
  readonly platform: string;
}

/** The cost of a run: examples passed forward and backward, multiply–accumulates, seconds. */
export interface Cost {
  readonly forwardExamples: number;
  readonly backwardExamples: number;
  readonly macs: number;
  readonly seconds: number;
}

/**
 * How a run stands. Its record never says `interrupted`: that is a run whose record says `running`, but which no process
 * writes any more.
 */
export type RunStatus = "running" | "interrupted" | "done" | "stopped" | "failed";

/** `run.json`: the truth about one run. */
export interface RunRecord {
  readonly version: 1;
  readonly id: string;
  readonly slug: string;
  readonly scale: Scale;
  readonly seeds: readonly number[];
  readonly options: unknown;
  readonly device: string;
  readonly status: Exclude<RunStatus, "interrupted">;
  readonly started: string;
  readonly seconds: number;
  readonly environment: Environment;
  readonly arms: Readonly<Record<string, string>>;
  readonly measures: Readonly<Record<string, MeasureInfo>>;
  readonly rows: readonly Row[];
  readonly cost: Cost;
  readonly judgement?: Judgement;
  /** Why the run failed or stopped. */
  readonly error?: string;
}

/** A line of `units.jsonl`: a finished unit of work with all that it recorded, from which a resumed run takes it. */
export interface UnitRecord {
  readonly name: string;
  /** What the unit returned; absent when it returned nothing. */
  readonly value?: unknown;
  readonly rows: readonly Row[];
  readonly metrics: readonly MetricPoint[];
  readonly cost: Cost;
}
