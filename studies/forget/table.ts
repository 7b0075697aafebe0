import { type Row, summarise, type TableLine } from "../../src/lab/index.js";
import { references } from "./bench.js";
import { floorInterval } from "./conventions.js";

/** A column of the common table: the measure it shows, and with how many decimals. */
export interface Column {
  readonly measure: string;
  readonly digits: number;
}

/** The columns of classification and regression. */
export const commonColumns: readonly Column[] = [
  { measure: "UA", digits: 1 },
  { measure: "RA", digits: 1 },
  { measure: "TA", digits: 1 },
  { measure: "MIA", digits: 1 },
  { measure: "AvgGap", digits: 2 },
  { measure: "MIA-AUC", digits: 3 },
  { measure: "KLf", digits: 3 },
  { measure: "KLt", digits: 3 },
  { measure: "Act", digits: 3 },
  { measure: "W1", digits: 4 },
  { measure: "Par", digits: 2 },
  { measure: "AIN", digits: 2 },
  { measure: "cost", digits: 1 },
  { measure: "seconds", digits: 1 },
];

/** A line of the table: the means over seeds, and whether the method may be called equal to retraining. */
export interface CommonLine {
  readonly arm: string;
  readonly means: Readonly<Record<string, number>>;
  /** Its AvgGap lies within the noise floor: the central 95 % of what gold models are apart. */
  readonly equal?: boolean;
}

/**
 * The rows of one scenario as the common table, a line for each arm in the order in which they first occur. `gold` holds
 * the values that are ideal, `floor` how far gold models are from one another.
 */
export function commonTable(rows: readonly Row[]): CommonLine[] {
  const floor = floorInterval(rows);
  const plain = rows.map(({ arm, seed, measures }) => ({ arm, seed, measures }));
  return summarise(plain).map(({ arm, measures }: TableLine) => {
    const means = Object.fromEntries(Object.entries(measures).map(([name, { mean }]) => [name, mean]));
    const judged = floor && !(arm in references) && means.AvgGap !== undefined;
    return { arm, means, ...(judged ? { equal: means.AvgGap <= floor[1] } : {}) };
  });
}

/** The table as text, a line for each arm; what a track does not have stays out. */
export function tableText(lines: readonly CommonLine[], columns: readonly Column[] = commonColumns): string {
  const shown = columns.filter(({ measure }) => lines.some(({ means }) => means[measure] !== undefined));
  const judged = lines.some(({ equal }) => equal !== undefined);
  const gold = lines.find(({ arm }) => arm === "gold");
  const cells = lines.map(({ arm, means, equal }) => [
    arm,
    ...shown.map(({ measure, digits }) => {
      const text = means[measure]?.toFixed(digits) ?? "";
      return measure === "AIN" && text && arm !== "gold" ? boundOf(means, gold?.means) + text : text;
    }),
    ...(judged ? [equal === undefined ? "" : equal ? "yes" : "no"] : []),
  ]);
  const table = [["", ...shown.map(({ measure }) => measure), ...(judged ? ["as gold"] : [])], ...cells];
  const widths = table[0].map((_, column) => Math.max(...table.map((line) => line[column].length)));
  return table
    .map((line) =>
      line
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** What an anamnesis index is when relearning was given up: by the model on some seed, by the gold model, or by each once. */
function boundOf(own: CommonLine["means"], gold: CommonLine["means"] = {}): string {
  if (gold.capped > 0) return own.capped > 0 ? "?" : "<=";
  return own.capped > 0 ? ">=" : "";
}
