import type { ModelCache } from "./cache.js";
import type { CostMeter } from "./meter.js";

export type Scale = "smoke" | "standard" | "full";

/** What a study concludes. `invalid` means that a control failed, so nothing can be concluded. */
export type Verdict = "replicated" | "partly" | "not at this scale" | "contradicted" | "invalid";

/** One measured result: an arm, under a setting (for example a pruning round), for one seed. */
export interface Row {
  readonly arm: string;
  readonly seed: number;
  /** What distinguishes rows of one arm and seed: `{ round: 7, density: 0.21 }`. */
  readonly setting?: Readonly<Record<string, number | string>>;
  readonly measures: Readonly<Record<string, number>>;
}

/** A point of a curve: `values` of `arm` and `seed` at `step`. Written to `metrics.jsonl`. */
export interface MetricPoint {
  readonly arm: string;
  readonly seed: number;
  readonly step: number;
  readonly setting?: Readonly<Record<string, number | string>>;
  readonly values: Readonly<Record<string, number>>;
}

export interface MeasureInfo {
  readonly label: string;
  readonly unit?: string;
  readonly better?: "higher" | "lower";
}

/** One condition of a criterion, evaluated. */
export interface Condition {
  readonly name: string;
  readonly holds: boolean;
  /** The sentence with the numbers. */
  readonly detail: string;
  readonly estimate?: number;
  readonly interval?: readonly [number, number];
}

export interface Judgement {
  readonly verdict: Verdict;
  /** One or two sentences: why. */
  readonly reason: string;
  readonly conditions: readonly Condition[];
  /** Claims that are reported but cannot change the verdict. */
  readonly side?: readonly Condition[];
}

/** A figure: a name for the file, a caption, and a plot made by `options` for Observable Plot. */
export interface Figure {
  readonly name: string;
  readonly title: string;
  readonly caption: string;
  /** Options for `Plot.plot`, built with the `Plot` passed in; or a list of them, drawn below one another. */
  plot(Plot: typeof import("@observablehq/plot")): object | readonly object[];
}

/**
 * The state of the unit that is under way, so that a resumed run goes on within it: parameters, optimiser state, step,
 * what has been measured. A state is a tree of plain objects and arrays with tensors, arrays, numbers, strings, booleans
 * and nulls at the leaves; all of it comes back bit for bit.
 */
export interface Checkpoint {
  /** The state that an interrupted part of the run kept last in this unit; undefined when the unit starts afresh. */
  restore<State>(): State | undefined;
  /**
   * Keeps the state, with all that the unit has recorded, if it is time (once a second at most, and as rarely as it takes
   * to stay below 2 % of the run's time); otherwise `state` is not even called. Await it before the next step.
   */
  save(state: () => unknown): Promise<void>;
}

/** What a study's run has at hand. */
export interface RunContext<Options> {
  readonly scale: Scale;
  readonly options: Options;
  readonly seeds: readonly number[];
  readonly device: string;
  /** Aborts on Ctrl-C; long loops check it, and methods accept it. */
  readonly signal: AbortSignal;
  readonly cache: ModelCache;
  readonly meter: CostMeter;
  /** Records a result. */
  record(row: Row): void;
  /** Records a point of a curve; throws `NonFiniteError` (step, arm, seed) if a value is NaN or infinite. */
  metric(point: MetricPoint): void;
  /** Tells the user what happens now. */
  log(message: string): void;
  /** Moves the progress bar: `done` of `total` in the study's own units. */
  progress(done: number, total: number, label?: string): void;
  /**
   * Runs one resumable unit of work, named within the study. What it records is kept in the run folder when it ends;
   * a resumed run gets that back instead of running the unit again. The value returned must survive JSON.
   */
  unit<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** For units that take long: what lets a resumed run go on in their middle. */
  readonly checkpoint: Checkpoint;
}

/** An option of a study that whoever runs it may change: how it is called and what it may be. */
export type Control = { readonly label: string; readonly about?: string } & (
  | { readonly kind: "integer" | "number"; readonly min: number; readonly max: number }
  | { readonly kind: "choice"; readonly of: readonly string[] }
  /** A list with at least one of these. */
  | { readonly kind: "choices"; readonly of: readonly string[] }
);

export interface ScaleInfo<Options> {
  readonly seeds: readonly number[];
  readonly options: Options;
  /** What this scale is, in a line: data, model, steps, time on two cores. */
  readonly about: string;
}

/**
 * A study: one paper, one file. The criterion was fixed before anything ran; `judge` is a pure function of rows, so
 * that a verdict can be recomputed and tested on synthetic rows.
 */
export interface Study<Options = any> {
  readonly slug: string;
  readonly claim: string;
  readonly criterion: string;
  readonly arms: Readonly<Record<string, string>>;
  readonly measures: Readonly<Record<string, MeasureInfo>>;
  readonly scales: Readonly<Partial<Record<Scale, ScaleInfo<Options>>>>;
  /** The library functions that this paper gives: `"iterativeMagnitudePrune (hebb/compress)"`. */
  readonly offers: readonly string[];
  /** Deviations from the specification or the paper, and what this study cannot show. */
  readonly notes?: readonly string[];
  /** The few options that are worth changing by hand; a run with changed options gives no verdict that counts. */
  readonly controls?: Readonly<Partial<Record<keyof Options & string, Control>>>;
  /** The option that also takes a data set that the user has brought, as `brought:<name>`. */
  readonly dataOption?: "data";
  run(context: RunContext<Options>): Promise<void>;
  judge(rows: readonly Row[], scale: Scale): Judgement;
  figures(rows: readonly Row[], metrics: readonly MetricPoint[]): readonly Figure[];
}

/** Declares a study; the type of its options is inferred from its scales. */
export const defineStudy = <Options>(study: Study<Options>): Study<Options> => study;
