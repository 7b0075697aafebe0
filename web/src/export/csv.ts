import type { MetricPoint, Row } from "../../../src/lab/study.js";

/** A line of a table; its keys name the columns. */
export type CsvRecord = Readonly<Record<string, string | number | boolean | null | undefined>>;

/**
 * Records as CSV (RFC 4180: commas, quotes where needed, lines ended by CR LF). The columns come in the order in which
 * they first occur. A text that a spreadsheet would take for a formula gets an apostrophe before it; numbers stay numbers.
 */
export function csvText(records: readonly CsvRecord[]): string {
  const columns = [...new Set(records.flatMap((record) => Object.keys(record)))];
  const lines = [columns, ...records.map((record) => columns.map((column) => record[column]))];
  return lines.map((line) => `${line.map(cell).join(",")}\r\n`).join("");
}

function cell(value: string | number | boolean | null | undefined): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return String(value);
  const text = isFormula(value) ? `'${value}` : value;
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Spreadsheets also look behind leading spaces, and know full-width forms of the signs. */
const isFormula = (text: string): boolean => /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/.test(text) && !isNumber(text);

const isNumber = (text: string): boolean => /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);

/** Results as records: arm, seed, the settings, the measures. A setting with the name of a measure is told apart. */
export function rowRecords(rows: readonly Row[]): CsvRecord[] {
  return rows.map(({ arm, seed, setting, measures }) => ({ arm, seed, ...named(setting, measures), ...measures }));
}

/** Points of curves as records: arm, seed, the settings, the step, the values. */
export function metricRecords(points: readonly MetricPoint[]): CsvRecord[] {
  return points.map(({ arm, seed, step, setting, values }) => ({
    arm,
    seed,
    ...named(setting, values),
    step,
    ...values,
  }));
}

const fixed = new Set(["arm", "seed", "step"]);

function named(setting: Row["setting"] = {}, values: Readonly<Record<string, number>>): CsvRecord {
  const taken = (key: string) => fixed.has(key) || key in values;
  return Object.fromEntries(
    Object.entries(setting).map(([key, value]) => [taken(key) ? `setting ${key}` : key, value]),
  );
}
