import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HebbError } from "../../../src/engine/errors.js";
import { RunDatabase } from "../../../src/lab/database.js";
import { exportTables } from "../../../src/lab/export/tables.js";
import { json, type Reader } from "../reader.js";
import { directory, metric, record } from "./lab.js";

/** Runs whose metrics lie in the cache, as DuckDB wrote them. */
async function cachedRuns(): Promise<{ readonly root: string; readonly path: string; readonly bytes: Uint8Array }> {
  const root = directory();
  const name = "00000000-0000-0000-0000-000000000000";
  for (const folder of ["run", ".cache"]) mkdirSync(join(root, folder));
  writeFileSync(join(root, "run/run.json"), json({ ...record, id: "run" }));
  const points = Array.from({ length: 40 }, (_, step) => `${JSON.stringify({ ...metric, step })}\n`);
  writeFileSync(join(root, "run/metrics.jsonl"), points.join(""));
  const tables = await exportTables(root, ["run"], "parquet", join(root, "tables"));
  const { mtimeMs, size } = statSync(join(root, "run/run.json"));
  writeFileSync(join(root, `.cache/${name}.json`), json({ runs: [["run", `${mtimeMs}-${size}`]] }));
  for (const table of tables)
    writeFileSync(join(root, ".cache", `${name}-${table.split("/").at(-1)}`), readFileSync(table));
  const path = join(root, `.cache/${name}-metrics.parquet`);
  return { root, path, bytes: readFileSync(path) };
}

const { root, path, bytes: sound } = await cachedRuns();

/** DuckDB reads Parquet, and of that only what it has itself put into the cache beside the runs. */
export const parquetReaders: readonly Reader[] = [
  {
    name: "Parquet of the cache",
    files: [sound],
    words: ["PAR1", "arm", "metric", "DUCK"],
    share: 0.002,
    async read(bytes) {
      writeFileSync(path, bytes);
      const database = await RunDatabase.open(root);
      try {
        const { portions } = await database.select("select * from metrics");
        let count = 0;
        for await (const portion of portions) count += portion.length;
        if (count > 1e6) throw new HebbError("too many rows");
      } finally {
        database.close();
      }
    },
  },
];
