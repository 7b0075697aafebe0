// The browser build of csv-parse brings its own Buffer, and runs the same in Node.
import { CsvError, parse } from "csv-parse/browser/esm/sync";
import { readFile } from "#platform";
import type { NDArray } from "../engine/dtype.js";
import { HebbError, nearest } from "../engine/errors.js";
import type { Dataset } from "./dataset.js";

export interface CsvOptions {
  /** The column with the labels: its name in the header, or its number (from 0; -1 is the last). */
  readonly label: string | number;
  /** Whether the first row holds names; by default it does when one of its feature cells is not a number. */
  readonly header?: boolean;
  /** The columns used as inputs, by name or number; by default all but the label. */
  readonly features?: readonly (string | number)[];
  /** `"class"` (the default) makes int32 labels, `"number"` float32 targets for regression. */
  readonly target?: "class" | "number";
  /** The character between cells; `,` by default. */
  readonly delimiter?: string;
  readonly name?: string;
  readonly licence?: string;
  readonly source?: string;
}

interface Row {
  readonly cells: readonly string[];
  readonly line: number;
}

interface Column {
  readonly index: number;
  /** What errors call it: `column 3 ("width")`. */
  readonly title: string;
}

/** Labels above this are codes rather than class numbers, and are numbered anew. */
const mostClasses = 65_536;

/**
 * Reads a CSV file: numeric columns as float32 `[n, d]`, the label column as int32 `[n]`.
 *
 * Labels that are whole numbers from 0 are used as they are; any other labels are sorted and numbered, and
 * `classNames` tells them. Throws `HebbError` with the file, line and column for a cell that is not a number, a row of
 * another length, a missing column (with the nearest name), or text that is not CSV.
 */
export async function readCsv(path: string, options: CsvOptions): Promise<Dataset> {
  return parseCsv(new TextDecoder().decode(await readFile(path)), options, path);
}

/** As `readCsv`, for text in memory; `file` is what errors call it. */
export function parseCsv(text: string, options: CsvOptions, file = "CSV text"): Dataset {
  const rows = parseRows(text, options, file);
  if (rows.length === 0) throw new HebbError(`${file}: expected rows, found none.`);
  const header = takeHeader(rows, options);
  if (rows.length === 0) throw new HebbError(`${file}: expected rows below the header, found none.`);
  const width = (header ?? rows[0].cells).length;
  for (const { cells, line } of rows) {
    if (cells.length !== width) {
      throw new HebbError(`${file}, line ${line}: expected ${width} cells, found ${cells.length}.`);
    }
  }
  const label = column(options.label, header, width, file);
  const features = (options.features ?? Array.from({ length: width }, (_, i) => i))
    .map((which) => column(which, header, width, file))
    .filter(({ index }) => options.features !== undefined || index !== label.index);
  if (features.length === 0) throw new HebbError(`${file}: expected at least one column beside the label.`);
  const { name = file, licence, source } = options;
  const targets =
    options.target === "number"
      ? { y: numbers(rows, [label], [rows.length], file) }
      : labels(
          rows.map(({ cells }) => cells[label.index]),
          (row) => `${file}, line ${rows[row].line}, ${label.title}`,
        );
  return { name, x: numbers(rows, features, [rows.length, features.length], file), ...targets, licence, source };
}

function parseRows(text: string, { delimiter = "," }: CsvOptions, file: string): Row[] {
  try {
    const parsed = parse(text, {
      delimiter,
      bom: true,
      info: true,
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
    }) as unknown as { record: string[]; info: { lines: number } }[];
    return parsed.map(({ record, info }) => ({ cells: record, line: info.lines }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new HebbError(`${file}: not valid CSV: ${error.message}.`, { cause: error });
  }
}

/** Removes the header from `rows` and returns it, if there is one. */
function takeHeader(rows: Row[], { header, label }: CsvOptions): readonly string[] | undefined {
  const first = rows[0].cells;
  const labelIndex = typeof label === "number" ? (label + first.length) % first.length : -1;
  const named = first.some((cell, i) => i !== labelIndex && toNumber(cell) === undefined);
  return (header ?? (typeof label === "string" || named)) ? rows.shift()!.cells : undefined;
}

function column(which: string | number, header: readonly string[] | undefined, width: number, file: string): Column {
  let index: number;
  if (typeof which === "string") {
    if (!header) throw new HebbError(`${file}: column "${which}" is asked for by name, but there is no header row.`);
    index = header.indexOf(which);
    if (index < 0) {
      const near = nearest(which, header);
      const hint = near === undefined ? `the columns are ${header.slice(0, 20).join(", ")}` : `did you mean "${near}"?`;
      throw new HebbError(`${file}: there is no column "${which}"; ${hint}`);
    }
  } else {
    index = which < 0 ? which + width : which;
    if (!Number.isInteger(index) || index < 0 || index >= width) {
      throw new HebbError(`${file}: there is no column ${which}; the columns are 0 to ${width - 1}.`);
    }
  }
  return { index, title: `column ${index + 1}${header ? ` ("${header[index]}")` : ""}` };
}

function toNumber(cell: string): number | undefined {
  const value = Math.fround(Number(cell));
  return cell !== "" && Number.isFinite(value) ? value : undefined;
}

function numbers(rows: readonly Row[], columns: readonly Column[], shape: readonly number[], file: string): NDArray {
  const data = new Float32Array(rows.length * columns.length);
  let at = 0;
  for (const { cells, line } of rows) {
    for (const { index, title } of columns) {
      const value = toNumber(cells[index]);
      if (value === undefined) {
        throw new HebbError(`${file}, line ${line}, ${title}: expected a number, found ${quote(cells[index])}.`);
      }
      data[at++] = value;
    }
  }
  return { data, shape, dtype: "float32" };
}

function labels(
  cells: readonly string[],
  place: (row: number) => string,
): Pick<Dataset, "y" | "classes" | "classNames"> {
  cells.forEach((cell, row) => {
    if (cell === "") throw new HebbError(`${place(row)}: expected a label, found an empty cell.`);
    const value = toNumber(cell);
    if (value !== undefined && !Number.isInteger(Number(cell))) {
      throw new HebbError(`${place(row)}: ${cell} is no class; pass target: "number" for a regression set.`);
    }
  });
  const numeric = cells.map(Number);
  const shape = [cells.length];
  if (numeric.every((value) => value >= 0 && value < mostClasses)) {
    const classes = numeric.reduce((most, value) => Math.max(most, value), 0) + 1;
    return { y: { data: Int32Array.from(numeric), shape, dtype: "int32" }, classes };
  }
  const words = numeric.some(Number.isNaN);
  const classNames = [...new Set(cells)].sort((a, b) => (words ? (a < b ? -1 : 1) : Number(a) - Number(b)));
  const numberOf = new Map(classNames.map((name, i) => [name, i]));
  const data = Int32Array.from(cells, (cell) => numberOf.get(cell)!);
  return { y: { data, shape, dtype: "int32" }, classes: classNames.length, classNames };
}

const quote = (cell: string): string =>
  cell === "" ? "an empty cell" : JSON.stringify(cell.length > 40 ? `${cell.slice(0, 40)}…` : cell);
