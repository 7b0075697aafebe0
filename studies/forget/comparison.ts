import type { MethodComparison, Row } from "../../src/lab/index.js";
import { type Column, commonTable, tableText } from "./table.js";

/** A comparison with the common table of the family. */
export const withTable = (
  comparison: Omit<MethodComparison, "table">,
  columns: readonly Column[],
): MethodComparison => ({
  ...comparison,
  table(rows: readonly Row[]) {
    const lines = commonTable(rows);
    const shows = (measure: string) => lines.some(({ means }) => means[measure] !== undefined);
    return [
      tableText(lines, columns),
      "The ideal of a measure is gold's value. cost: passes in percent of one retraining.",
      ...(shows("AIN")
        ? [
            "AIN: steps to relearn, relative to gold; at most 10 epochs, so that >= and <= mark bounds (?: neither, over the seeds).",
          ]
        : []),
      ...(shows("AvgGap")
        ? ["as gold: AvgGap within the noise floor, the central 95 % of what gold models are apart."]
        : []),
    ].join("\n");
  },
});

/** The tracks that methods can be compared on, each loaded only when it is asked for. */
export const comparisons: Readonly<Record<string, () => Promise<MethodComparison>>> = {
  C: async () => (await import("./comparison-scenes.js")).classification,
  R: async () => (await import("./comparison-scenes.js")).regression,
  L: async () => (await import("./comparison-language.js")).language,
  G: async () => (await import("./comparison-generation.js")).generation,
};
