import { HebbError } from "../engine/errors.js";
import { oneLine, quote } from "../engine/quote.js";
import type { ClassCount, Head } from "./brought-look.js";
import { type BroughtOptions, broughtLimits } from "./brought-names.js";
import { listed, plural } from "./brought-words.js";
import { csvRows } from "./csv-rows.js";

/** What a column of a table holds, and so whether it can be an input. */
export type ColumnUse = "label" | "input" | "left out" | "words" | "gaps";

export interface TableColumn {
  readonly index: number;
  /** Its name in the header, or `column 3`. */
  readonly name: string;
  readonly use: ColumnUse;
}

/** How a table is read, once all choices are made. */
export interface TableReading {
  readonly delimiter: string;
  readonly header: boolean;
  readonly label: number;
  readonly without: readonly number[];
}

export interface Table {
  readonly reading: TableReading;
  readonly columns: readonly TableColumn[];
  readonly rows: number;
  readonly classes: readonly ClassCount[];
  readonly head: Head;
  /** Why it cannot be used as it is, in a sentence; another choice of columns may help. */
  readonly problem?: string;
}

const labelNames = ["label", "target", "class"];
const delimiters = [",", ";", "\t"];
const missingValue = /^(?:na|n\/a|nan|null|none|\?|-|)$/i;
const missingLabel = /^(?:nan|)$/i;
/** Class numbers are below this; what is above are codes. As in `parseCsv`. */
const codes = 65_536;

const shownRows = 8;
const shownColumns = 50;
const namedColumns = 5;
const namedGaps = 3;

/** Long work lets others have their turn this often. */
const turnMilliseconds = 50;

/** What is in a column, beside numbers. */
interface Found {
  words: number;
  gaps: number;
  /** The first word, and its line. */
  example?: readonly [line: number, cell: string];
}

/**
 * Looks through the whole of a table: which columns hold numbers, where values are missing, what the labels are. What can
 * be helped by another choice of columns is the result's `problem`.
 *
 * Throws `HebbError` for text that is no CSV, rows of different lengths, more rows or columns than are allowed, and choices
 * that name no column.
 */
export async function surveyTable(text: string, options: BroughtOptions, file: string): Promise<Table> {
  const delimiter = delimiterOf(text);
  const first = csvRows(text, delimiter, file).next().value;
  if (!first) throw new HebbError(`${file}: expected rows, found none.`);
  const width = first.cells.length;
  if (width < 2) {
    throw new HebbError(
      `${file}: expected at least two columns, inputs and a label, with commas, semicolons or tabs between them.`,
    );
  }
  if (width > broughtLimits.columns) {
    throw new HebbError(`${file}: a row has ${width} cells; at most ${broughtLimits.columns} are allowed.`);
  }
  const header = hasHeader(first.cells, options);
  const names = first.cells.map((cell, i) => (header && cell !== "" ? oneLine(cell) : `column ${i + 1}`));
  const indexOf = (which: string | number): number => {
    const index = typeof which === "string" ? names.indexOf(oneLine(which)) : which < 0 ? which + width : which;
    if (Number.isInteger(index) && index >= 0 && index < width) return index;
    throw new HebbError(`${file}: there is no column ${typeof which === "string" ? quote(which) : which}.`);
  };
  const called = header ? names.findIndex((name) => labelNames.includes(name.toLowerCase())) : -1;
  const label = options.label !== undefined ? indexOf(options.label) : called >= 0 ? called : width - 1;
  const without = [...new Set((options.without ?? []).map(indexOf))].filter((i) => i !== label).sort((a, b) => a - b);
  const left = new Set(without);

  const found = Array.from({ length: width }, (): Found => ({ words: 0, gaps: 0 }));
  const gaps: string[] = [];
  const labels = new Map<string, number>();
  const head: string[][] = [];
  let rows = 0;
  let rowsWithGaps = 0;
  let fraction: readonly [line: number, cell: string] | undefined;
  let numbers = true;
  let turn = performance.now();
  let isFirst = true;
  for (const { cells, line } of csvRows(text, delimiter, file)) {
    if (isFirst && header) {
      isFirst = false;
      continue;
    }
    isFirst = false;
    if (cells.length !== width) {
      throw new HebbError(`${file}, line ${line}: expected ${width} cells, found ${cells.length}.`);
    }
    if (++rows > broughtLimits.rows) {
      throw new HebbError(
        `${file}: there are more than ${broughtLimits.rows} rows, which is the most that is allowed.`,
      );
    }
    if (head.length < shownRows) head.push(cells.slice(0, shownColumns));
    let complete = true;
    for (let i = 0; i < width; i++) {
      const cell = cells[i];
      if (i === label) {
        if (missingLabel.test(cell)) complete = gap(i, line);
        else if (labels.size <= broughtLimits.classes) labels.set(cell, (labels.get(cell) ?? 0) + 1);
        const value = Number(cell);
        if (isNumber(cell) && !Number.isInteger(value)) fraction ??= [line, cell];
        numbers &&= isNumber(cell) && value >= 0 && value < codes;
      } else if (left.has(i) || isNumber(cell)) {
        // What is left out may hold anything.
      } else if (missingValue.test(cell)) {
        complete = gap(i, line);
      } else {
        found[i].words++;
        found[i].example ??= [line, cell];
      }
    }
    if (!complete) rowsWithGaps++;
    if (rows % 256 === 0 && performance.now() - turn > turnMilliseconds) {
      await new Promise((resolve) => setTimeout(resolve));
      turn = performance.now();
    }
  }

  function gap(column: number, line: number): false {
    found[column].gaps++;
    if (gaps.length < namedGaps) gaps.push(`line ${line}, ${titled(names[column])}`);
    return false;
  }

  const columns = names.map((name, index): TableColumn => {
    const { words, gaps } = found[index];
    const use =
      index === label ? "label" : left.has(index) ? "left out" : words > 0 ? "words" : gaps > 0 ? "gaps" : "input";
    return { index, name, use };
  });
  const problem = (): string | undefined => {
    if (rows === 0) return `${file}: expected rows below the header, found none.`;
    const inputs = width - 1 - without.length;
    if (inputs === 0) return `${file}: no column is left for the inputs.`;
    if (rows * inputs > broughtLimits.values) {
      return `${file}: ${rows} rows of ${inputs} numbers are more than the ${broughtLimits.values} numbers that are allowed.`;
    }
    if (fraction) {
      return `${file}, line ${fraction[0]}, ${titled(names[label])}: ${oneLine(fraction[1])} is no class; choose a column of words or whole numbers as the label.`;
    }
    if (labels.size > broughtLimits.classes) {
      return `${file}: ${titled(names[label])} has more than ${broughtLimits.classes} different values, too many for classes; choose another column as the label.`;
    }
    const words = columns.filter(({ use }) => use === "words");
    if (words.length > 0) {
      const [line, cell] = found[words[0].index].example!;
      const which = listed(
        words.map(({ name }) => quote(name)),
        namedColumns,
      );
      const hold = words.length === 1 ? `the column ${which} holds` : `the columns ${which} hold`;
      return `${file}: ${hold} words (line ${line}: ${quote(cell)}), and inputs must be numbers: leave ${words.length === 1 ? "it" : "them"} out, or choose one column of words as the label.`;
    }
    if (rowsWithGaps > 0) {
      return `${file}: values are missing in ${plural(rowsWithGaps, "row")} (${gaps.join("; ")}${rowsWithGaps > gaps.length ? "; …" : ""}): fill them in, or leave out the rows or the columns.`;
    }
    return labels.size < 2
      ? `${file}: all rows have the label ${quote([...labels.keys()][0])}; there must be two classes at least.`
      : undefined;
  };
  return {
    reading: { delimiter, header, label, without },
    columns,
    rows,
    classes: classCounts(labels, numbers),
    head: { columns: names.slice(0, shownColumns), rows: head, more: Math.max(0, width - shownColumns) },
    problem: problem(),
  };
}

/** The character that the first line holds most of, outside of quotes. */
function delimiterOf(text: string): string {
  const line = /^[^\r\n]*/.exec(text.slice(0, 2 ** 20).trimStart())![0].replaceAll(/"[^"]*"/g, "");
  const count = (delimiter: string) => line.split(delimiter).length;
  return delimiters.reduce((best, other) => (count(other) > count(best) ? other : best));
}

function hasHeader(first: readonly string[], { header, label }: BroughtOptions): boolean {
  if (header !== undefined) return header;
  if (typeof label === "string" && !/^column \d+$/.test(label)) return true;
  if (first.some((cell) => labelNames.includes(cell.toLowerCase()))) return true;
  const at = typeof label === "number" ? (label + first.length) % first.length : first.length - 1;
  return first.some((cell, i) => i !== at && !isNumber(cell));
}

/** As `parseCsv` has it. */
const isNumber = (cell: string): boolean => cell !== "" && Number.isFinite(Math.fround(Number(cell)));

const titled = (name: string): string => (/^column \d+$/.test(name) ? name : `column ${quote(name)}`);

function classCounts(labels: ReadonlyMap<string, number>, numbers: boolean): ClassCount[] {
  const counts = new Map<string, number>();
  for (const [cell, count] of labels) {
    const name = numbers ? String(Number(cell)) : oneLine(cell);
    counts.set(name, (counts.get(name) ?? 0) + count);
  }
  const names = [...counts.keys()];
  const numeric = names.every((name) => !Number.isNaN(Number(name)));
  names.sort((a, b) => (numeric ? Number(a) - Number(b) : a < b ? -1 : 1));
  return names.map((name) => ({ name, count: counts.get(name)! }));
}
