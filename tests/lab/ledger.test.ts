import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Ledger } from "../../src/lab/ledger.js";
import type { RunRecord } from "../../src/lab/record.js";
import type { Row, Study } from "../../src/lab/study.js";
import { summarise, tableRows } from "../../src/lab/table.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "hebb-ledger-"));
});
afterEach(() => rm(dir, { recursive: true }));

const rows: Row[] = [
  { arm: "ticket", seed: 1, setting: { round: 7 }, measures: { accuracy: 0.9, step: 300 } },
  { arm: "ticket", seed: 0, setting: { round: 7 }, measures: { accuracy: 0.8, step: 100 } },
  { arm: "dense", seed: 0, measures: { accuracy: 0.7 } },
];

const study = {
  slug: "lottery",
  notes: ["Fewer steps than the paper."],
  scales: { standard: { seeds: [0, 1], options: { steps: 5 }, about: "" } },
} as unknown as Study;

const record: RunRecord = {
  version: 1,
  id: "lottery-standard-20250101-000000-abcd",
  slug: "lottery",
  scale: "standard",
  seeds: [0, 1],
  options: { steps: 5 },
  device: "cpu",
  status: "done",
  started: "2025-01-01T00:00:00.000Z",
  seconds: 12,
  environment: { hebb: "0.1.0", runtime: "node 20", processor: "p", threads: 2, platform: "linux x64" },
  arms: { ticket: "Ticket", dense: "Dense" },
  measures: { accuracy: { label: "Accuracy" }, step: { label: "Step" } },
  rows,
  cost: { forwardExamples: 1, backwardExamples: 1, macs: 1, seconds: 12 },
  judgement: { verdict: "partly", reason: "Because [\n 1\n].", conditions: [] },
};

describe("summarise", () => {
  it("has a line per arm and setting, means, intervals, and values by seed", () => {
    const table = summarise(rows);
    expect(table.map(({ arm, setting }) => [arm, setting])).toEqual([
      ["ticket", { round: 7 }],
      ["dense", {}],
    ]);
    const { accuracy } = table[0].measures;
    expect(accuracy).toMatchObject({ n: 2, seeds: [0, 1], values: [0.8, 0.9] });
    expect(accuracy.mean).toBeCloseTo(0.85);
    // t(0.975, 1) · s / √2 with s = 0.0707
    expect(accuracy.high).toBeCloseTo(0.85 + 12.7062 * 0.05, 4);
    expect(table[1].measures.accuracy).toEqual({ mean: 0.7, n: 1, seeds: [0], values: [0.7] });
  });

  it("can be turned back into rows", () => {
    expect(tableRows(summarise(rows))).toEqual([
      { arm: "ticket", seed: 0, setting: { round: 7 }, measures: { accuracy: 0.8, step: 100 } },
      { arm: "ticket", seed: 1, setting: { round: 7 }, measures: { accuracy: 0.9, step: 300 } },
      { arm: "dense", seed: 0, setting: {}, measures: { accuracy: 0.7 } },
    ]);
  });
});

describe("Ledger", () => {
  it("enters a standard run and reads it back", async () => {
    const ledger = new Ledger(dir);
    expect(await ledger.read("lottery")).toBeUndefined();
    const entry = await ledger.write(record, study);
    expect(entry).toMatchObject({ run: record.id, notes: study.notes, table: summarise(rows) });
    expect(await ledger.read("lottery")).toEqual(entry);
    expect(await ledger.readAll()).toEqual(new Map([["lottery", entry]]));
    expect(await readFile(join(dir, "lottery.json"), "utf8")).toContain('"seeds": [0,1]');
    expect(await new Ledger(join(dir, "none")).readAll()).toEqual(new Map());
  });

  it("keeps the curves of its run, long ones thinned with their ends and extremes of time", async () => {
    const ledger = new Ledger(dir);
    const points = (arm: string, count: number) =>
      Array.from({ length: count }, (_, step) => ({ arm, seed: 0, step, values: { loss: 1 / (step + 1) } }));
    await ledger.write(record, study, [...points("long", 1000), ...points("short", 3)]);
    const curves = await ledger.readCurves("lottery");
    const long = curves.filter(({ arm }) => arm === "long");
    expect(long).toHaveLength(200);
    expect([long[0], long.at(-1)]).toEqual([
      points("long", 1)[0],
      { arm: "long", seed: 0, step: 999, values: { loss: 0.001 } },
    ]);
    expect(curves.filter(({ arm }) => arm === "short").map(({ values }) => values.loss)).toEqual([1, 0.5, 0.33333]);
    // Those of an older run are gone, and never shown beside a newer one.
    await ledger.write({ ...record, id: "later" }, study, []);
    expect(await ledger.readCurves("lottery")).toEqual([]);
    expect([...(await ledger.readAll()).keys()]).toEqual(["lottery"]);
  });

  it.each([
    [{ scale: "smoke" }, /its scale is smoke, and only standard runs give verdicts/],
    [{ seeds: [0] }, /it lacks the seeds 1/],
    [{ options: { steps: 4 } }, /options are not those of the study/],
    [{ status: "stopped", judgement: undefined }, /it is stopped/],
    [{ slug: "other" }, /it is a run of "other"/],
  ] as [Partial<RunRecord>, RegExp][])("refuses %o", async (change, message) => {
    await expect(new Ledger(dir).write({ ...record, ...change }, study)).rejects.toThrow(message);
  });

  it("checks what it reads", async () => {
    await writeFile(join(dir, "lottery.json"), JSON.stringify({ version: 1, slug: "lottery" }));
    await expect(new Ledger(dir).read("lottery")).rejects.toThrow(/lottery\.json is not valid: run: /);
  });
});
