import type { ModelCache } from "./cache.js";
import type { Figure, Row } from "./study.js";

export interface CompareMethodsOptions {
  /** One of the comparison's data sets and scenarios, and some of its methods. */
  readonly data: string;
  readonly scenario: string;
  readonly methods: readonly string[];
  readonly seeds: readonly number[];
  /** Configurations of each method that are tried on a seed apart. */
  readonly trials: number;
  /** Whatever was trained, tuned or measured before comes from here. */
  readonly cache: ModelCache;
  readonly signal: AbortSignal;
  progress(done: number, total: number, label: string): void;
  log(message: string): void;
}

/** The methods of a family side by side, on one kind of problem and outside any study: what `hebb compare` runs. */
export interface MethodComparison {
  /** What the problem is, in a line. */
  readonly about: string;
  /** The first of each is taken where none is named. */
  readonly data: readonly string[];
  readonly scenarios: readonly string[];
  readonly methods: readonly string[];
  /** Rows of one scenario: a row for each method and seed, and for what they are compared with. */
  run(options: CompareMethodsOptions): Promise<readonly Row[]>;
  /** The rows as a table of text, with what a reader must know of its columns. */
  table(rows: readonly Row[]): string;
  figure(rows: readonly Row[]): Figure;
}
