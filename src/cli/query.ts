import { resolve } from "node:path";
import type { Json } from "../lab/json.js";
import { columns as aligned } from "./format.js";
import { interrupted, interruptSignal } from "./interrupt.js";
import { type Io, styled } from "./io.js";
import { UsageError } from "./usage.js";

export interface QueryOptions {
  readonly out: string;
  readonly json?: boolean;
  readonly csv?: boolean;
}

/** The most rows of a table for people; the other forms have them all. */
const mostRows = 200;

/** `hebb query`: one SELECT over all runs. */
export async function query(io: Io, sql: string, { out, json, csv }: QueryOptions): Promise<number> {
  if (json && csv) throw new UsageError("--json and --csv exclude each other.");
  const { RunDatabase } = await import("../lab/database.js");
  const database = await RunDatabase.open(resolve(io.cwd, out), { log: (message) => io.stderr.write(`${message}\n`) });
  const { signal, release } = interruptSignal(io);
  signal.addEventListener("abort", () => database.interrupt());
  try {
    await database.restrict();
    const { columns, portions } = await database.select(sql);
    await (json ? printJson : csv ? printCsv : printTable)(io, columns, portions);
    return 0;
  } catch (error) {
    if (signal.aborted) return interrupted;
    throw error;
  } finally {
    release();
    database.close();
  }
}

type Portions = AsyncIterable<readonly (readonly Json[])[]>;

async function printJson(io: Io, columns: readonly string[], portions: Portions): Promise<void> {
  let separator = "[";
  for await (const rows of portions) {
    const objects = rows.map((row) => JSON.stringify(Object.fromEntries(columns.map((name, i) => [name, row[i]]))));
    if (objects.length === 0) continue;
    io.stdout.write(separator + objects.join(","));
    separator = ",";
  }
  io.stdout.write(separator === "[" ? "[]\n" : "]\n");
}

async function printCsv(io: Io, columns: readonly string[], portions: Portions): Promise<void> {
  const line = (cells: readonly Json[]) => `${cells.map((cell) => quoted(text(cell))).join(",")}\n`;
  io.stdout.write(line(columns));
  for await (const rows of portions) io.stdout.write(rows.map(line).join(""));
}

async function printTable(io: Io, columns: readonly string[], portions: Portions): Promise<void> {
  const cells: string[][] = [];
  let count = 0;
  for await (const rows of portions) {
    count += rows.length;
    cells.push(...rows.slice(0, mostRows - cells.length).map((row) => row.map(text)));
  }
  const [heading, ...lines] = aligned([columns, ...cells]);
  io.stdout.write(`${[styled(io, io.stdout, "bold", heading), ...lines].join("\n")}\n`);
  if (count > cells.length)
    io.stdout.write(`… and ${count - cells.length} more rows; --csv and --json print them all\n`);
}

/** A missing value is empty. */
const text = (value: Json): string =>
  value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);

/** A cell of CSV as RFC 4180 has it. */
const quoted = (cell: string): string => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
