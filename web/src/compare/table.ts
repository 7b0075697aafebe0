import type { Difference, SideBySide } from "../../../src/lab/compare.js";
import { withInterval } from "../../../src/lab/numbers.js";
import type { Cell } from "../../../src/lab/table.js";
import type { CsvRecord } from "../export/csv.js";
import { settingsOf } from "./lines.js";
import type { Subject } from "./subjects.js";

/** A value with its interval below, and how many seeds it rests on where that is not said by its column. */
export interface Entry {
  readonly text: string;
  readonly interval?: string;
  readonly seeds?: number;
}

/** The comparison as a table: what names a line, then its entries. */
export interface ComparisonTable {
  readonly keys: readonly string[];
  readonly columns: readonly string[];
  readonly lines: readonly { readonly names: readonly string[]; readonly entries: readonly (Entry | null)[] }[];
}

/** So many subjects stand side by side; more stand below one another. */
const mostColumns = 4;

export function comparisonTable(
  subjects: readonly Subject[],
  lines: readonly SideBySide[],
  base: number,
  what: string,
): ComparisonTable {
  return subjects.length <= mostColumns ? wide(subjects, lines, base) : long(subjects, lines, base, what);
}

/** A column for each subject, then one for each difference to the baseline. */
function wide(subjects: readonly Subject[], lines: readonly SideBySide[], base: number): ComparisonTable {
  const { keys, names } = naming(lines);
  const others = subjects.map((_, i) => i).filter((i) => i !== base);
  return {
    keys,
    columns: [
      ...subjects.map(({ label }) => label),
      ...others.map((i) => `${subjects[i].label} − ${subjects[base].label}`),
    ],
    lines: lines.map((line) => ({
      names: names(line),
      entries: [...line.cells.map(entry), ...others.map((i) => entry(line.differences[i]))],
    })),
  };
}

/** A line for each subject, with its difference to the baseline. */
function long(subjects: readonly Subject[], lines: readonly SideBySide[], base: number, what: string): ComparisonTable {
  const { keys, names } = naming(lines);
  return {
    keys: [...keys, what],
    columns: ["value", `minus ${subjects[base].label}`],
    lines: lines.flatMap((line) =>
      subjects.flatMap(({ label }, i) =>
        line.cells[i]
          ? [{ names: [...names(line), label], entries: [entry(line.cells[i]), entry(line.differences[i])] }]
          : [],
      ),
    ),
  };
}

function naming(lines: readonly SideBySide[]) {
  const settings = settingsOf(lines);
  const arms = lines.some(({ arm }) => arm !== "");
  return {
    keys: [...(arms ? ["arm"] : []), ...settings],
    names: ({ arm, setting }: SideBySide) => [
      ...(arms ? [arm] : []),
      ...settings.map((name) => String(setting[name] ?? "")),
    ],
  };
}

function entry(value: Cell | Difference | null): Entry | null {
  if (!value) return null;
  const { mean, interval } = withInterval(value.mean, value.low, value.high);
  return { text: mean, interval, seeds: value.n };
}

/** The comparison as records for a CSV file: one for each line and subject, with all digits. */
export function comparisonRecords(
  subjects: readonly Subject[],
  lines: readonly SideBySide[],
  base: number,
  what: string,
): CsvRecord[] {
  return lines.flatMap(({ arm, setting, measure, cells, differences }) =>
    subjects.flatMap(({ label }, i) => {
      const [cell, difference] = [cells[i], differences[i]];
      if (!cell) return [];
      return [
        {
          [what]: label,
          ...(arm === "" ? {} : { arm }),
          ...Object.fromEntries(Object.entries(setting).map(([name, value]) => [`setting ${name}`, value])),
          measure,
          mean: cell.mean,
          low: cell.low,
          high: cell.high,
          seeds: cell.n,
          baseline: subjects[base].label,
          difference: difference?.mean,
          "difference low": difference?.low,
          "difference high": difference?.high,
          "seeds in common": difference?.n,
        },
      ];
    }),
  );
}
