import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { main } from "../../src/cli/program.js";
import { hebb, world } from "./world.js";

/** A folder with two smoke runs. */
async function twoRuns(): Promise<{ cwd: string; ids: string[] }> {
  const io = world();
  await hebb(io, "run tiny-claim tiny-claim --json");
  const lines = io.out().trim().split("\n");
  return { cwd: io.cwd, ids: lines.map((line) => JSON.parse(line).run.split("/")[1]) };
}

const made = twoRuns();

describe("hebb export", () => {
  it("writes CSV tables of the runs that are named", async () => {
    const { cwd, ids } = await made;
    const io = world({ cwd });
    expect(await hebb(io, `export ${ids[1]} --format csv --to tables/csv`)).toBe(0);
    expect(io.out()).toBe("tables/csv/runs.csv\ntables/csv/measures.csv\ntables/csv/metrics.csv\n");
    const lines = async (name: string) => (await readFile(join(cwd, "tables", "csv", name), "utf8")).trim().split("\n");
    expect(await lines("runs.csv")).toHaveLength(2);
    const measures = await lines("measures.csv");
    expect(measures.slice(0, 3)).toEqual([
      "run,arm,seed,setting,measure,value",
      `${ids[1]},new,1,"{""round"":0}",accuracy,92.1`,
      `${ids[1]},new,1,"{""round"":0}",steps,100.0`,
    ]);
    expect(measures).toHaveLength(17);
    expect(await lines("metrics.csv")).toHaveLength(9);
  });

  it("writes Parquet tables of all runs, which DuckDB and others read", async () => {
    const { cwd, ids } = await made;
    const io = world({ cwd });
    expect(await hebb(io, "export --all --format parquet --to tables/parquet --json")).toBe(0);
    const { runs, made: paths } = JSON.parse(io.out());
    expect(new Set(runs)).toEqual(new Set(ids));
    const { DuckDBInstance } = await import("@duckdb/node-api");
    const connection = await (await DuckDBInstance.create()).connect();
    const counts = await Promise.all(
      paths.map(async (path: string) =>
        Number((await connection.runAndReadAll(`select count(*) from '${join(cwd, path)}'`)).getRows()[0][0]),
      ),
    );
    connection.closeSync();
    expect(counts).toEqual([2, 32, 16]);
  });

  it("writes TensorBoard logs, of a run elsewhere too", async () => {
    const { cwd, ids } = await made;
    const io = world({ cwd });
    expect(await hebb(io, `export runs/${ids[0]} --format tensorboard --out none`)).toBe(0);
    expect(io.out().trim().split("\n")).toHaveLength(12);
    expect(io.out()).toContain(`export/${ids[0]}/new/seed-1/events.out.tfevents.`);
  });

  it.each([
    ["export --all", 2, "error: required option '--format <format>' not specified"],
    ["export --all --format parqet", 2, "There is no format 'parqet'; did you mean 'parquet'?"],
    ["export --format csv", 2, "'hebb export' takes the runs to export, or --all for all of them."],
    ["export a --all --format csv", 2, "'hebb export' takes the runs to export, or --all for all of them."],
    [
      "export --all --format mlflow",
      2,
      "--format mlflow needs the address of the server, for example --to http://localhost:5000.",
    ],
    [
      "export a --format mlflow --to here",
      2,
      "--format mlflow needs the address of the server, for example --to http://localhost:5000, not 'here'.",
    ],
    ["export a --format csv", 1, /^There is no run "a" in /],
    ["export --all --format csv", 1, "There are no runs in runs."],
  ])("hebb %s: status %i and one sentence", async (line, status, sentence) => {
    const io = world();
    expect(await hebb(io, line)).toBe(status);
    expect(io.err().trim()).toMatch(typeof sentence === "string" ? sentence.replace("error: ", "") : sentence);
  });

  it("says where a run is that is in another place than the tables are made from", async () => {
    const { cwd, ids } = await made;
    const io = world({ cwd });
    expect(await main(["export", `${cwd}/runs/${ids[0]}`, "--format", "csv", "--out", "none"], io)).toBe(2);
    expect(io.err()).toBe(`${cwd}/runs/${ids[0]} is not in none: say with --out where the runs are.\n`);
  });
});
