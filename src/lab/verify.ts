import { HebbError } from "../engine/errors.js";
import { memoryCache } from "./cache.js";
import type { RunEvent } from "./events.js";
import { canonicalJson } from "./json.js";
import type { Environment, RunRecord } from "./record.js";
import { runStudy } from "./runner.js";
import { type RunFolder, RunStore } from "./store.js";
import type { MetricPoint, Row, Study } from "./study.js";

export interface VerifyOptions {
  /** Where the run is repeated: a folder that the caller removes. */
  readonly out: string;
  /** The largest relative difference that still counts as the same; default 1e-6. */
  readonly tolerance?: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RunEvent) => void;
  readonly environment?: Partial<Environment>;
}

/** A number of a run and of its repetition; undefined on the side that lacks it. */
export interface Deviation {
  readonly arm: string;
  readonly seed: number;
  readonly setting: Readonly<Record<string, number | string>>;
  /** The name of the measure, or of the metric with its step. */
  readonly measure?: string;
  readonly metric?: string;
  readonly step?: number;
  readonly recorded?: number;
  readonly repeated?: number;
}

export interface Verification {
  readonly run: string;
  readonly result: "identical" | "within tolerance" | "different";
  readonly tolerance: number;
  /** The largest difference of two numbers, in units of the larger of their sizes. */
  readonly largest: number;
  /** How many numbers were compared. */
  readonly compared: number;
  /** The first number that differs by more than the tolerance or is missing on one side: measures come before metrics. */
  readonly first?: Deviation;
  /** What is not as it was when the run was made: the program, the packages, the processor. */
  readonly warnings: readonly string[];
}

/**
 * Repeats a finished run from its record (scale, seeds, options, device) without any cached model and compares all its
 * measures and metrics. Undefined when `signal` stopped it. Throws when the run is not finished or the repetition fails.
 */
export async function verifyRun(
  study: Study,
  folder: RunFolder,
  { out, tolerance = 1e-6, signal, onEvent, environment }: VerifyOptions,
): Promise<Verification | undefined> {
  const record = await folder.readRecord();
  if (record.status !== "done") {
    throw new HebbError(`Run ${record.id} is ${await folder.statusNow(record)}: only a finished run can be verified.`);
  }
  const { scale, seeds, device } = record;
  // The verdict is not what is compared, and a run of a sweep may have too few seeds for one.
  const repeated = await runStudy(
    { ...study, judge: () => record.judgement! },
    {
      scale,
      seeds,
      options: record.options as object,
      device,
      out,
      signal,
      onEvent,
      environment,
      cache: memoryCache(),
    },
  );
  if (repeated.status === "stopped") return undefined;
  if (repeated.status === "failed") {
    throw new HebbError(`Run ${record.id} could not be repeated: ${repeated.error}`);
  }
  const repetition = await new RunStore(out).open(repeated.id);
  const before = numbersOf(record.rows, await folder.readMetrics());
  const after = numbersOf(repeated.rows, await repetition.readMetrics());
  return { run: record.id, tolerance, ...compare(before, after, tolerance), warnings: changes(record, repeated) };
}

/** All numbers of a run by what they are. */
type Numbers = ReadonlyMap<string, { readonly place: Deviation; readonly value: number }>;

function numbersOf(rows: readonly Row[], metrics: readonly MetricPoint[]): Numbers {
  const numbers = new Map<string, { place: Deviation; value: number }>();
  const add = (place: Deviation, value: number) => {
    const key = canonicalJson(place);
    // A curve may have several points at one step: each is compared with its own.
    let unique = key;
    for (let count = 1; numbers.has(unique); count++) unique = `${key}#${count}`;
    numbers.set(unique, { place, value });
  };
  for (const { arm, seed, setting = {}, measures } of rows) {
    for (const [measure, value] of Object.entries(measures)) add({ arm, seed, setting, measure }, value);
  }
  for (const { arm, seed, setting = {}, step, values } of metrics) {
    for (const [metric, value] of Object.entries(values)) add({ arm, seed, setting, metric, step }, value);
  }
  return numbers;
}

function compare(
  before: Numbers,
  after: Numbers,
  tolerance: number,
): Pick<Verification, "result" | "largest" | "compared" | "first"> {
  let largest = 0;
  let compared = 0;
  let first: Deviation | undefined;
  for (const [key, { place, value }] of before) {
    const other = after.get(key);
    if (!other) {
      first ??= { ...place, recorded: value };
      continue;
    }
    compared++;
    const difference = relativeDifference(value, other.value);
    largest = Math.max(largest, difference);
    if (difference > tolerance) first ??= { ...place, recorded: value, repeated: other.value };
  }
  for (const [key, { place, value }] of after) {
    if (!before.has(key)) first ??= { ...place, repeated: value };
  }
  const result = first ? "different" : largest === 0 ? "identical" : "within tolerance";
  return { result, largest, compared, ...(first ? { first } : {}) };
}

const relativeDifference = (a: number, b: number): number =>
  a === b ? 0 : Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b));

/** What of the environment, where the results may come from, is not as it was. */
function changes({ environment: before }: RunRecord, { environment: after }: RunRecord): string[] {
  const names = {
    hebb: "version of Hebb",
    commit: "commit",
    onnxruntime: "version of ONNX Runtime",
    runtime: "runtime",
    processor: "processor",
    threads: "number of threads",
    platform: "platform",
  } as const;
  const changed = (Object.keys(names) as (keyof typeof names)[])
    .filter((name) => before[name] !== after[name])
    .map(
      (name) => `The ${names[name]} is another: ${before[name] ?? "unknown"} then, ${after[name] ?? "unknown"} now.`,
    );
  const dirty = before.dirty ? ["The run was made from sources that differ from its commit."] : [];
  return [...changed, ...dirty, ...(after.dirty ? ["The sources here differ from their commit."] : [])];
}
