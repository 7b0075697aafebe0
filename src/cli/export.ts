import { relative, resolve } from "node:path";
import { HebbError } from "../engine/errors.js";
import { type RunFolder, RunStore } from "../lab/store.js";
import type { Io } from "./io.js";
import { openAllNamed } from "./named-runs.js";
import { oneOf, UsageError } from "./usage.js";

export interface ExportOptions {
  readonly format: string;
  readonly all?: boolean;
  readonly to?: string;
  readonly out: string;
  readonly json?: boolean;
}

/** `hebb export`: brings runs into the forms of other programs; prints the files written, or the MLflow runs made. */
export async function exportRuns(io: Io, ids: readonly string[], options: ExportOptions): Promise<void> {
  const format = oneOf("format", options.format, ["parquet", "csv", "tensorboard", "mlflow"]);
  if (options.all ? ids.length > 0 : ids.length === 0) {
    throw new UsageError("'hebb export' takes the runs to export, or --all for all of them.");
  }
  const url = format === "mlflow" ? address(options.to) : "";
  const to = resolve(io.cwd, options.to ?? "export");
  const root = resolve(io.cwd, options.out);
  const folders = await selected(io, root, ids, options);
  const made: string[] = [];
  if (format === "parquet" || format === "csv") {
    const stranger = folders.find(({ path, id }) => path !== `${root}/${id}`);
    if (stranger) throw new UsageError(`${stranger.path} is not in ${options.out}: say with --out where the runs are.`);
    const { exportTables } = await import("../lab/export/tables.js");
    const found = folders.map(({ id }) => id);
    made.push(...(await exportTables(root, found, format, to, { log: (message) => io.stderr.write(`${message}\n`) })));
  } else if (format === "tensorboard") {
    const { exportTensorBoard } = await import("../lab/export/tensorboard.js");
    for (const folder of folders) {
      made.push(...(await exportTensorBoard(await folder.readRecord(), await folder.readMetrics(), to)));
    }
  } else {
    const { exportMlflow } = await import("../lab/export/mlflow.js");
    for (const folder of folders) {
      const record = await folder.readRecord();
      made.push(await exportMlflow(record, await folder.readMetrics(), url, await folder.statusNow(record)));
    }
  }
  const shown = format === "mlflow" ? made : made.map((path) => relative(io.cwd, path));
  if (options.json) io.stdout.write(`${JSON.stringify({ format, runs: folders.map(({ id }) => id), made: shown })}\n`);
  else io.stdout.write(shown.map((line) => `${line}\n`).join(""));
}

async function selected(
  io: Io,
  root: string,
  ids: readonly string[],
  { all, out }: ExportOptions,
): Promise<RunFolder[]> {
  const store = new RunStore(root);
  if (!all) return openAllNamed(store, ids, io.cwd);
  const { listRuns } = await import("../lab/index-of-runs.js");
  const found = await listRuns(root, (message) => io.stderr.write(`${message}\n`));
  if (found.length === 0) throw new HebbError(`There are no runs in ${out}.`);
  return Promise.all(found.map(({ id }) => store.open(id)));
}

function address(to: string | undefined): string {
  if (to !== undefined && /^https?:/.test(to) && URL.canParse(to)) return to;
  const example = "for example --to http://localhost:5000";
  throw new UsageError(
    `--format mlflow needs the address of the server, ${example}${to === undefined ? "" : `, not '${to}'`}.`,
  );
}
