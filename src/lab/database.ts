import type { DuckDBConnection } from "@duckdb/node-api";
import { platform } from "#platform";
import { HebbError } from "../engine/errors.js";
import { listRuns } from "./index-of-runs.js";
import type { Json } from "./json.js";
import { cachedTables } from "./table-cache.js";
import { literal, literals, tableNames, tableOf } from "./tables.js";

/** DuckDB's share of the memory; what does not fit ends in its error message. */
const memoryLimit = "512MB";

export interface QueryResult {
  readonly columns: readonly string[];
  /** Rows in portions, as they come; dates are ISO 8601, whole numbers beyond 2^53 text. */
  readonly portions: AsyncIterable<readonly (readonly Json[])[]>;
}

export interface DatabaseOptions {
  readonly log?: (message: string) => void;
}

type DuckDB = typeof import("@duckdb/node-api");

/**
 * All runs under one directory as a database in memory (DuckDB) with the views
 *
 * - `runs`: run, slug, scale, status, verdict, started, seconds, seeds, options, device, cost and environment;
 * - `measures`: run, arm, seed, setting, measure, value: the results;
 * - `metrics`: run, arm, seed, setting, step, metric, value: the points of curves.
 *
 * The views read the files when they are asked, Parquet of `.cache/` for most of the runs that have ended.
 */
export class RunDatabase {
  readonly #duckdb: DuckDB;
  readonly #connection: DuckDBConnection;
  /** The files that the views read. */
  readonly #files: readonly string[];

  private constructor(duckdb: DuckDB, connection: DuckDBConnection, files: readonly string[]) {
    this.#duckdb = duckdb;
    this.#connection = connection;
    this.#files = files;
  }

  /** Opens the runs under `root`. */
  static async open(root: string, { log }: DatabaseOptions = {}): Promise<RunDatabase> {
    const duckdb = (await platform.importPackage("@duckdb/node-api")) as unknown as DuckDB | undefined;
    if (!duckdb) throw new HebbError("This needs the package @duckdb/node-api: npm install @duckdb/node-api.");
    const instance = await duckdb.DuckDBInstance.create(":memory:", {
      memory_limit: memoryLimit,
      // Nothing is fetched, and nothing is put into temporary files.
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
      temp_directory: "",
      preserve_insertion_order: "false",
    });
    const connection = await instance.connect();
    const read: string[] = [];
    try {
      const { files, rest } = await cachedTables(root, await listRuns(root, log), (sql) => connection.run(sql), log);
      for (const table of tableNames) {
        const parquet = files(table);
        read.push(...parquet);
        const parts = [
          ...(parquet.length > 0 ? [`SELECT * FROM read_parquet(${literals(parquet)})`] : []),
          ...(parquet.length === 0 || rest.length > 0 ? [tableOf(table, root, rest)] : []),
        ];
        await connection.run(`CREATE VIEW ${table} AS ${parts.join(" UNION ALL ")}`);
      }
      read.push(...rest.flatMap(({ id }) => [`${root}/${id}/run.json`, `${root}/${id}/metrics.jsonl`]));
      return new RunDatabase(duckdb, connection, read);
    } catch (error) {
      const reason = await cause(error, connection, read);
      connection.closeSync();
      throw reason;
    }
  }

  /**
   * From here on DuckDB reads the files of the views and no others, loads nothing, and takes no settings: for statements
   * of strangers.
   */
  async restrict(): Promise<void> {
    await this.#connection.run(`SET allowed_paths = ${literals(this.#files)}`);
    await this.#connection.run("SET enable_external_access = false");
    await this.#connection.run("SET lock_configuration = true");
  }

  /**
   * Runs one SELECT. Other statements are refused: DuckDB lets whoever may read a file also replace it. Throws DuckDB's
   * message in one sentence.
   */
  async select(sql: string): Promise<QueryResult> {
    try {
      const statements = await this.#connection.extractStatements(sql);
      if (statements.count > 1) throw new HebbError("A query is one SELECT, and this is more.");
      const statement = await statements.prepare(0);
      if (statement.statementType !== this.#duckdb.StatementType.SELECT) {
        const kind = this.#duckdb.StatementType[statement.statementType];
        throw new HebbError(`A query is a SELECT, and this is ${kind}: runs can only be read.`);
      }
      const result = await statement.stream();
      const json = result.columnTypes().map(({ alias }) => alias === "JSON");
      return { columns: result.deduplicatedColumnNames(), portions: this.#portions(result.yieldRowsJs(), json) };
    } catch (error) {
      throw await cause(error, this.#connection, this.#files);
    }
  }

  async *#portions(rows: AsyncIterable<readonly (readonly unknown[])[]>, json: readonly boolean[]) {
    try {
      for await (const portion of rows) {
        yield portion.map((row) =>
          row.map((value, i) => (json[i] && typeof value === "string" ? JSON.parse(value) : plain(value))),
        );
      }
    } catch (error) {
      throw await cause(error, this.#connection, this.#files);
    }
  }

  /** Runs a statement that may write files, on an unrestricted database. */
  async execute(sql: string): Promise<void> {
    try {
      await this.#connection.run(sql);
    } catch (error) {
      throw explained(error);
    }
  }

  /** Makes the query that is under way fail. */
  interrupt(): void {
    this.#connection.interrupt();
  }

  close(): void {
    this.#connection.closeSync();
  }
}

function plain(value: unknown): Json {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  }
  return (value ?? null) as Json;
}

/** What made a statement fail: a damaged file of the cache, if it was one of these, as DuckDB does not name it. */
async function cause(error: unknown, connection: DuckDBConnection, files: readonly string[]): Promise<HebbError> {
  const isOfStatement = /^(Parser|Binder|Catalog|Interrupt)/i.test((error as Error).message);
  for (const path of files) {
    if (error instanceof HebbError || isOfStatement || !path.endsWith(".parquet")) continue;
    try {
      await connection.run(`SELECT bit_xor(hash(t)) FROM read_parquet(${literal(path)}) AS t`);
    } catch {
      return new HebbError(`${path} is damaged: remove the folder that it is in, which is made anew from the runs.`);
    }
  }
  return explained(error);
}

/** DuckDB's messages without the picture of the statement and advice on its settings that may follow. */
function explained(error: unknown): HebbError {
  if (error instanceof HebbError) return error;
  const [message] = (error as Error).message.replace(/^Failed to extract statements: /, "").split("\n\n");
  const text = message === "Error in native callback" ? "there is no statement" : message.replaceAll(/\s*\n\s*/g, "; ");
  return new HebbError(`The query failed: ${text.replace(/[.\s]+$/, "")}.`, { cause: error });
}
