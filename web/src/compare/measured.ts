import type { Environment } from "../../../src/lab/record.js";
import type { MeasureInfo, Row } from "../../../src/lab/study.js";

/** The methods of a family on one track, as `scripts/forget-tables.ts` keeps what `hebb compare` measured. */
export interface Measured {
  readonly track: string;
  /** What the problem is, in a line. */
  readonly about?: string;
  readonly data: string;
  readonly scenario: string;
  readonly seeds: readonly number[];
  readonly trials: number;
  readonly date: string;
  readonly environment: Environment;
  readonly rows: readonly Row[];
  readonly measures?: Readonly<Record<string, MeasureInfo>>;
}

/** The comparisons in a file; what is not one is left out. */
export const readMeasured = (content: unknown): Measured[] =>
  Array.isArray(content) ? content.filter((one) => typeof one?.track === "string" && Array.isArray(one.rows)) : [];
