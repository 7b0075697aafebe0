import { appendFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { main } from "../../src/cli/program.js";
import { lockRun } from "../../src/lab/lock.js";
import { unsealed } from "../unsealed.js";
import { hebb, type World, world } from "./world.js";

/** A folder with two smoke runs and a standard one. */
async function threeRuns(): Promise<string> {
  const io = world();
  await hebb(io, "run tiny-claim tiny-claim --json");
  await hebb(io, "run tiny-claim --json --scale standard");
  return io.cwd;
}

const made = threeRuns();

async function query(sql: string, ...options: string[]): Promise<World & { status: number }> {
  const io = world({ cwd: await made });
  return { ...io, status: await main(["query", sql, ...options], io) };
}

async function rows(sql: string): Promise<any[]> {
  const io = await query(sql, "--json");
  expect(io.err()).toBe("");
  expect(io.status).toBe(0);
  return JSON.parse(io.out());
}

describe("hebb query", () => {
  it("has the runs with what they cost and what they ran on", async () => {
    expect(await rows("select scale, count(*) as n from runs group by scale order by scale")).toEqual([
      { scale: "smoke", n: 2 },
      { scale: "standard", n: 1 },
    ]);
    const [run] = await rows("select * from runs where scale = 'standard'");
    expect(run).toMatchObject({
      slug: "tiny-claim",
      status: "done",
      verdict: "replicated",
      seeds: [1, 2, 3, 4, 5],
      options: { rounds: 4, pause: 0 },
      device: "cpu",
      started: expect.stringMatching(/^20\d\d-\d\d-\d\dT.*Z$/),
      runtime: `node ${process.versions.node}`,
      error: null,
    });
    expect(run.run).toMatch(/^tiny-claim-standard-/);
    expect(await rows("select options->>'rounds' as rounds from runs where scale = 'standard'")).toEqual([
      { rounds: "4" },
    ]);
  });

  it("has one row of measures per run, arm, seed, setting and measure", async () => {
    expect(await rows("select count(*) as n from measures")).toEqual([{ n: 2 * 2 * 2 * 2 * 2 + 2 * 5 * 4 * 2 }]);
    const found = await rows(
      "select arm, seed, setting, measure, value from measures join runs using (run) " +
        "where scale = 'standard' and arm = 'new' and seed = 3 and (setting->>'round') = '2' order by measure",
    );
    const place = { arm: "new", seed: 3, setting: { round: 2 } };
    expect(found).toEqual([
      { ...place, measure: "accuracy", value: expect.closeTo(94.3) },
      { ...place, measure: "steps", value: 80 },
    ]);
  });

  it("has the points of curves", async () => {
    expect(
      await rows(
        "select arm, metric, max(step) as last, count(*) as n from metrics join runs using (run) " +
          "where scale = 'standard' group by all order by arm",
      ),
    ).toEqual([
      { arm: "new", metric: "accuracy", last: 3, n: 20 },
      { arm: "old", metric: "accuracy", last: 3, n: 20 },
    ]);
  });

  it("prints a table, CSV, or nothing but headings where nothing is found", async () => {
    const sql = 'select \'a,b\' as "the ""first""", 1.5 as x, null as nothing';
    expect((await query(sql)).out()).toBe('the "first"  x    nothing\na,b          1.5  \n');
    expect((await query(sql, "--csv")).out()).toBe('"the ""first""",x,nothing\n"a,b",1.5,\n');
    expect((await query("select slug from runs where false", "--csv")).out()).toBe("slug\n");
    expect((await query("select slug from runs where false", "--json")).out()).toBe("[]\n");
    expect((await query("from range(250)")).out()).toMatch(
      /\n199\n… and 50 more rows; --csv and --json print them all\n$/,
    );
  });

  it("keeps large whole numbers, and gives dates, lists and structures as JSON", async () => {
    const sql =
      "select 2::hugeint ** 70 as a, 123456789012345678 as b, 5::bigint as c, date '2026-01-02' as d, [1, 2] as e, {x: 1} as f, 'NaN'::double as g";
    expect(await rows(sql)).toEqual([
      {
        a: expect.closeTo(2 ** 70, -10),
        b: "123456789012345678",
        c: 5,
        d: "2026-01-02T00:00:00.000Z",
        e: [1, 2],
        f: { x: 1 },
        g: null,
      },
    ]);
  });

  it("works where there are no runs", async () => {
    const io = world();
    expect(
      await main(["query", "select (select count(*) from runs) + (select count(*) from metrics) as n", "--csv"], io),
    ).toBe(0);
    expect(io.out()).toBe("n\n0\n");
    expect(await readdir(io.cwd)).toEqual([]);
  });

  it("reads a run that is being written, up to a line that is not whole", async () => {
    const io = world();
    await hebb(io, "run tiny-claim --json");
    const { run } = JSON.parse(io.out());
    const record = join(io.cwd, run, "run.json");
    await writeFile(
      record,
      unsealed(await readFile(record, "utf8")).replace('"status": "done"', '"status": "running"'),
    );
    await appendFile(join(io.cwd, run, "metrics.jsonl"), '{"arm":"new","se');
    const statuses = async () => {
      const later = world({ cwd: io.cwd });
      const sql = "select status, count(*) as n from metrics join runs using (run) group by all";
      expect(await main(["query", sql, "--csv"], later)).toBe(0);
      return later.out();
    };
    const release = await lockRun(join(io.cwd, run));
    expect(await statuses()).toBe("status,n\nrunning,8\n");
    await release();
    expect(await statuses()).toBe("status,n\ninterrupted,8\n");
  });

  it.each([
    ["selct 1", 'The query failed: Parser Error: syntax error at or near "selct".'],
    [
      "select lss from metrics",
      /^The query failed: Binder Error: Referenced column "lss" not found in FROM clause!; Candidate bindings: .*\.$/,
    ],
    ["select 1; select 2", "A query is one SELECT, and this is more."],
    ["/* nothing */", "The query failed: there is no statement."],
    ["create table x as select 1", "A query is a SELECT, and this is CREATE: runs can only be read."],
    ["set threads = 1", "A query is a SELECT, and this is SET: runs can only be read."],
    ["explain analyze copy (select 1) to 'runs/x'", /^The query failed: Permission Error|^A query is a SELECT/],
    ["select error('no'), slug from runs", "The query failed: Invalid Input Error: no."],
  ])("refuses %s in one sentence", async (sql, sentence) => {
    const io = await query(sql);
    expect(io.status).toBe(1);
    expect(io.err().trim()).toMatch(sentence);
    expect(io.out()).toBe("");
  });

  it("can neither write files nor read others", async () => {
    const cwd = await made;
    const [id] = (await readdir(join(cwd, "runs"))).filter((name) => name.startsWith("tiny-"));
    const record = join(cwd, "runs", id, "run.json");
    const before = await readFile(record, "utf8");
    const secret = join(cwd, "secret.txt");
    await writeFile(secret, "x");
    await mkdir(join(cwd, "other"), { recursive: true });
    for (const sql of [
      `copy (select 1) to '${record}'`,
      `copy (select 1) to '${join(cwd, "other", "x.csv")}'`,
      `explain analyze copy (select 1) to '${record}'`,
      `select * from read_text('${secret}')`,
      `select * from read_csv('${secret}')`,
      `select * from glob('${cwd}/*')`,
      `select * from query('copy (select 1) to ''${record}''')`,
      `attach '${join(cwd, "other", "x.db")}'`,
      "install httpfs",
      "select * from read_text('http://localhost:1/x')",
    ]) {
      expect([sql, (await query(sql)).status]).toEqual([sql, 1]);
    }
    expect(await readFile(record, "utf8")).toBe(before);
    expect(await readdir(join(cwd, "other"))).toEqual([]);
  });

  it("takes one form of output", async () => {
    const io = await query("select 1", "--json", "--csv");
    expect(io.status).toBe(2);
    expect(io.err()).toBe("--json and --csv exclude each other.\n");
  });

  it("stops on Ctrl-C", async () => {
    const io = world({ cwd: await made });
    const running = main(["query", "select count(*) from range(1000000) a, range(1000000) b"], io);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    io.interrupt();
    expect(await running).toBe(130);
  });
});
