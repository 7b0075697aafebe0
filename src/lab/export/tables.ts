import { platform } from "#platform";
import { type DatabaseOptions, RunDatabase } from "../database.js";
import { literal, literals, tableNames } from "../tables.js";

export type TableFormat = "parquet" | "csv";

/**
 * Writes the tables `runs`, `measures` and `metrics` (see `RunDatabase`) of the runs with these ids under `root` to files
 * of the directory `to`, and returns their paths. Files of the same names are replaced.
 */
export async function exportTables(
  root: string,
  ids: readonly string[],
  format: TableFormat,
  to: string,
  options?: DatabaseOptions,
): Promise<string[]> {
  const database = await RunDatabase.open(root, options);
  try {
    await platform.mkdirp(to);
    // Tables in the order of the files, so that equal runs give equal tables.
    await database.execute("SET preserve_insertion_order = true");
    const paths: string[] = [];
    for (const table of tableNames) {
      const path = `${to}/${table}.${format}`;
      const rows = `SELECT * FROM ${table} WHERE list_contains(${literals(ids)}, run)`;
      await database.execute(`COPY (${rows}) TO ${literal(path)} (FORMAT ${format})`);
      paths.push(path);
    }
    return paths;
  } finally {
    database.close();
  }
}
