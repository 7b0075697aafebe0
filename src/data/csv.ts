import { readFile } from "#platform";
import { HebbError, nearest } from "../engine/errors.js";
import { oneLine, quote } from "../engine/quote.js";
import { type CsvRow, csvRows } from "./csv-rows.js";
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

interface Column {
  readonly index: number;
  /** What errors call it: `column 3 ("width")`. */
  readonly title: string;
}

/** Labels above this are codes rather than class numbers, and are numbered anew. No set has more of them. */
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
  const rows = () => csvRows(text, options.delimiter ?? ",", file);
  const start = rows();
  const { value: first } = start.next();
  if (!first) throw new HebbError(`${file}: expected rows, found none.`);
  const header = isHeader(first.cells, options) ? first.cells : undefined;
  if (header && start.next().done) throw new HebbError(`${file}: expected rows below the header, found none.`);
  const width = first.cells.length;
  const label = column(options.label, header, width, file);
  const features = (options.features ?? Array.from({ length: width }, (_, i) => i))
    .map((which) => column(which, header, width, file))
    .filter(({ index }) => options.features !== undefined || index !== label.index);

  // Twice over the text, so that nothing is kept but the numbers: first to know how many there are.
  const body = function* () {
    let isFirst = true;
    for (const row of rows()) {
      if (!isFirst || !header) yield row;
      isFirst = false;
    }
  };
  const labels = options.target === "number" ? undefined : new Labels();
  let count = 0;
  for (const row of body()) {
    if (row.cells.length !== width) {
      throw new HebbError(`${file}, line ${row.line}: expected ${width} cells, found ${row.cells.length}.`);
    }
    labels?.meet(row.cells[label.index], () => place(file, row, label));
    count++;
  }
  if (features.length === 0) throw new HebbError(`${file}: expected at least one column beside the label.`);

  const x = new Float32Array(count * features.length);
  const y = labels ? new Int32Array(count) : new Float32Array(count);
  const numberOf = labels?.numbering();
  let at = 0;
  let done = 0;
  for (const row of body()) {
    for (const feature of features) x[at++] = numberIn(row, feature, file);
    y[done++] = numberOf ? numberOf(row.cells[label.index]) : numberIn(row, label, file);
  }
  const { name = file, licence, source } = options;
  return {
    name,
    x: { data: x, shape: [count, features.length], dtype: "float32" },
    y: { data: y, shape: [count], dtype: labels ? "int32" : "float32" },
    ...labels?.classes(),
    licence,
    source,
  };
}

function isHeader(first: readonly string[], { header, label }: CsvOptions): boolean {
  const labelIndex = typeof label === "number" ? (label + first.length) % first.length : -1;
  const named = first.some((cell, i) => i !== labelIndex && toNumber(cell) === undefined);
  return header ?? (typeof label === "string" || named);
}

function column(which: string | number, header: readonly string[] | undefined, width: number, file: string): Column {
  let index: number;
  if (typeof which === "string") {
    if (!header) throw new HebbError(`${file}: column "${which}" is asked for by name, but there is no header row.`);
    index = header.indexOf(which);
    if (index < 0) {
      const near = nearest(which, header);
      const hint =
        near === undefined
          ? `the columns are ${oneLine(header.slice(0, 20).join(", "))}`
          : `did you mean ${quote(near)}?`;
      throw new HebbError(`${file}: there is no column "${which}"; ${hint}`);
    }
  } else {
    index = which < 0 ? which + width : which;
    if (!Number.isInteger(index) || index < 0 || index >= width) {
      throw new HebbError(`${file}: there is no column ${which}; the columns are 0 to ${width - 1}.`);
    }
  }
  return { index, title: `column ${index + 1}${header ? ` (${quote(header[index])})` : ""}` };
}

function toNumber(cell: string): number | undefined {
  const value = Math.fround(Number(cell));
  return cell !== "" && Number.isFinite(value) ? value : undefined;
}

const place = (file: string, { line }: CsvRow, { title }: Column): string => `${file}, line ${line}, ${title}`;

function numberIn(row: CsvRow, column: Column, file: string): number {
  const cell = row.cells[column.index];
  const value = toNumber(cell);
  if (value !== undefined) return value;
  const found = cell === "" ? "an empty cell" : quote(cell);
  throw new HebbError(`${place(file, row, column)}: expected a number, found ${found}.`);
}

/** The different labels of a file, each seen once before any is numbered. */
class Labels {
  readonly #seen = new Set<string>();
  /** One more than the largest, as long as all are class numbers. */
  #numbers: number | undefined = 0;

  meet(cell: string, where: () => string): void {
    if (this.#seen.has(cell)) return;
    if (cell === "") throw new HebbError(`${where()}: expected a label, found an empty cell.`);
    const value = Number(cell);
    if (toNumber(cell) !== undefined && !Number.isInteger(value)) {
      throw new HebbError(`${where()}: ${oneLine(cell)} is no class; pass target: "number" for a regression set.`);
    }
    if (this.#seen.add(cell).size > mostClasses) {
      throw new HebbError(
        `${where()}: this is the ${mostClasses + 1}th class; pass target: "number" for a regression set.`,
      );
    }
    const isClass = value >= 0 && value < mostClasses && this.#numbers !== undefined;
    this.#numbers = isClass ? Math.max(this.#numbers!, value + 1) : undefined;
  }

  /** The number of each label: itself where all are class numbers, or else its place in the order of all. */
  numbering(): (cell: string) => number {
    if (this.#numbers !== undefined) return Number;
    const numbers = new Map(this.#names().map((name, i) => [name, i]));
    return (cell) => numbers.get(cell)!;
  }

  classes(): Pick<Dataset, "classes" | "classNames"> {
    if (this.#numbers !== undefined) return { classes: this.#numbers };
    const classNames = this.#names();
    return { classes: classNames.length, classNames };
  }

  #names(): string[] {
    const names = [...this.#seen];
    const words = names.some((name) => Number.isNaN(Number(name)));
    return names.sort((a, b) => (words ? (a < b ? -1 : 1) : Number(a) - Number(b)));
  }
}
