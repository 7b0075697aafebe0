import type { FileStat } from "../platform/types.js";
import type { RunSummary } from "./index-of-runs.js";

/** The tables that all runs together make, as SELECTs in DuckDB's SQL over the files of their folders. */

/** A run with what the file system says of its files. */
export interface StoredRun extends RunSummary {
  readonly record: FileStat;
  readonly metrics?: FileStat;
}

export const tableNames = ["runs", "measures", "metrics"] as const;
export type TableName = (typeof tableNames)[number];

/** Text as a literal of SQL. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Several texts as a list of SQL. */
export const literals = (texts: readonly string[]): string => `[${texts.map(literal).join(", ")}]`;

/** The run's id is the name of its folder. */
const run = "split_part(filename, '/', -2) AS run";

/** At least so long may be a JSON object: DuckDB's buffers for reading are made after it. */
const objectBytes = 2 ** 21;

const environment =
  "STRUCT(hebb VARCHAR, commit VARCHAR, dirty BOOLEAN, onnxruntime VARCHAR, runtime VARCHAR, processor VARCHAR, threads BIGINT, platform VARCHAR)";

const recordColumns = {
  slug: "VARCHAR",
  scale: "VARCHAR",
  status: "VARCHAR",
  started: "VARCHAR",
  seconds: "DOUBLE",
  seeds: "BIGINT[]",
  options: "JSON",
  device: "VARCHAR",
  environment,
  cost: "STRUCT(forwardExamples DOUBLE, backwardExamples DOUBLE, macs DOUBLE)",
  judgement: "STRUCT(verdict VARCHAR, reason VARCHAR)",
  rows: "STRUCT(arm VARCHAR, seed BIGINT, setting JSON, measures MAP(VARCHAR, DOUBLE))[]",
  error: "VARCHAR",
};

const pointColumns = {
  arm: "VARCHAR",
  seed: "BIGINT",
  setting: "JSON",
  step: "DOUBLE",
  values: "MAP(VARCHAR, DOUBLE)",
};

const columnList = (columns: Readonly<Record<string, string>>): string =>
  `{${Object.entries(columns)
    .map(([name, type]) => `${name}: ${literal(type)}`)
    .join(", ")}}`;

/** What the columns of each table are. */
const tableColumns: Readonly<Record<TableName, Readonly<Record<string, string>>>> = {
  runs: {
    run: "VARCHAR",
    slug: "VARCHAR",
    scale: "VARCHAR",
    status: "VARCHAR",
    verdict: "VARCHAR",
    reason: "VARCHAR",
    started: "TIMESTAMP",
    seconds: "DOUBLE",
    seeds: "BIGINT[]",
    options: "JSON",
    device: "VARCHAR",
    forward_examples: "DOUBLE",
    backward_examples: "DOUBLE",
    macs: "DOUBLE",
    hebb: "VARCHAR",
    commit: "VARCHAR",
    dirty: "BOOLEAN",
    onnxruntime: "VARCHAR",
    runtime: "VARCHAR",
    processor: "VARCHAR",
    threads: "BIGINT",
    platform: "VARCHAR",
    error: "VARCHAR",
  },
  measures: { run: "VARCHAR", arm: "VARCHAR", seed: "BIGINT", setting: "JSON", measure: "VARCHAR", value: "DOUBLE" },
  metrics: {
    run: "VARCHAR",
    arm: "VARCHAR",
    seed: "BIGINT",
    setting: "JSON",
    step: "DOUBLE",
    metric: "VARCHAR",
    value: "DOUBLE",
  },
};

/** The SELECT of a table over the files of these runs under `root`. */
export function tableOf(table: TableName, root: string, runs: readonly StoredRun[]): string {
  const file = table === "metrics" ? "metrics" : "record";
  const present = runs.filter((stored) => stored[file]);
  if (present.length === 0) {
    const columns = Object.entries(tableColumns[table]).map(([name, type]) => `NULL::${type} AS ${name}`);
    return `SELECT ${columns.join(", ")} WHERE false`;
  }
  const paths = literals(present.map(({ id }) => `${root}/${id}/${file === "record" ? "run.json" : "metrics.jsonl"}`));
  if (table === "metrics") {
    // A line that a killed process left unfinished comes out as nulls.
    return `SELECT ${run}, arm, seed, setting, step, unnest(map_keys(values)) AS metric, unnest(map_values(values)) AS value
      FROM read_json(${paths}, format = 'newline_delimited', maximum_object_size = ${objectBytes},
        ignore_errors = true, filename = true, columns = ${columnList(pointColumns)})
      WHERE arm IS NOT NULL`;
  }
  const largest = Math.max(objectBytes, ...present.map(({ record }) => record.size + 1));
  const records = `read_json(${paths}, format = 'unstructured', maximum_object_size = ${largest}, filename = true,
    columns = ${columnList(recordColumns)})`;
  return table === "runs"
    ? `SELECT ${run}, slug, scale, ${statusOf(present)} AS status, judgement.verdict AS verdict, judgement.reason AS reason,
      try_cast(started AS TIMESTAMP) AS started, seconds, seeds, options, device, cost.forwardExamples AS forward_examples,
      cost.backwardExamples AS backward_examples, cost.macs AS macs, environment.hebb AS hebb,
      environment.commit AS commit, environment.dirty AS dirty, environment.onnxruntime AS onnxruntime,
      environment.runtime AS runtime, environment.processor AS processor, environment.threads AS threads,
      environment.platform AS platform, error FROM ${records}`
    : `SELECT run, entry.arm AS arm, entry.seed AS seed, entry.setting AS setting,
      unnest(map_keys(entry.measures)) AS measure, unnest(map_values(entry.measures)) AS value
      FROM (SELECT ${run}, unnest(rows) AS entry FROM ${records})`;
}

/** A run that was interrupted is not so by its record: nobody was left to write that down. */
function statusOf(runs: readonly StoredRun[]): string {
  const interrupted = runs.filter(({ status }) => status === "interrupted").map(({ id }) => id);
  return interrupted.length === 0
    ? "status"
    : `if(status = 'running' AND list_contains(${literals(interrupted)}, run), 'interrupted', status)`;
}
