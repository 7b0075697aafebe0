import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Study } from "../../src/lab/study.js";
import { tinyStudy } from "../tiny.js";
import { unsealed } from "../unsealed.js";
import { hebb, type World, world } from "./world.js";

/** A folder with one smoke run, and that run's id and path. */
async function oneRun(study?: Study): Promise<{ io: World; id: string; path: string }> {
  const io = world();
  await hebb(io, "run tiny-claim --json --seeds 2", study);
  const { run } = JSON.parse(io.out());
  return { io: world({ cwd: io.cwd }), id: run.split("/")[1], path: join(io.cwd, run) };
}

/** The study with `factor` times its accuracies, in results and curves alike. */
const scaled = (factor: number): Study => ({
  ...tinyStudy,
  run: (context) =>
    tinyStudy.run({
      ...context,
      record: ({ measures, ...row }) =>
        context.record({ ...row, measures: { ...measures, accuracy: measures.accuracy * factor } }),
      metric: ({ values, ...point }) => context.metric({ ...point, values: { accuracy: values.accuracy * factor } }),
    }),
});

const change = (path: string, from: string | RegExp, to: string) =>
  writeFileSync(path, unsealed(readFileSync(path, "utf8")).replace(from, to));

describe("hebb verify", () => {
  it("finds a run identical that is repeated as it was", async () => {
    const { io, id } = await oneRun();
    expect(await hebb(io, `verify ${id}`)).toBe(0);
    expect(io.out()).toBe("identical (24 numbers compared)\n");
    expect(readdirSync(join(io.cwd, "runs")).filter((name) => name.startsWith("tiny"))).toEqual([id]);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith("hebb-verify-"))).toEqual([]);
  });

  it("lets differences up to the tolerance pass", async () => {
    const { io, id, path } = await oneRun();
    expect(await hebb(io, `verify ${path}`, scaled(1 + 1e-9))).toBe(0);
    expect(io.out()).toMatch(
      /^within tolerance \(24 numbers compared; largest relative difference 1\.0e-9, tolerance 0\.000001\)\n$/,
    );
    const strict = world({ cwd: io.cwd });
    expect(await hebb(strict, `verify ${id} --tolerance 1e-10`, scaled(1 + 1e-9))).toBe(1);
    expect(strict.out()).toMatch(
      /^different .*\nFirst: arm new, seed 1, round 0, measure accuracy: 92\.1 recorded, 92\.1000000\d+ repeated\n$/,
    );
  });

  it("--json says where and by how much it differs, and warns of another environment", async () => {
    const { io, id, path } = await oneRun();
    change(join(path, "run.json"), /"hebb": "[^"]*"/, '"hebb": "0.0.1"');
    expect(await hebb(io, `verify ${id} --json`, scaled(2))).toBe(1);
    expect(io.err()).toBe("");
    const result = JSON.parse(io.out());
    expect(result).toMatchObject({
      run: id,
      result: "different",
      tolerance: 1e-6,
      largest: 0.5,
      compared: 24,
      first: { arm: "new", seed: 1, setting: { round: 0 }, measure: "accuracy", recorded: 92.1, repeated: 184.2 },
    });
    expect(result.warnings[0]).toMatch(/^The version of Hebb is another: 0\.0\.1 then, .* now\.$/);
  });

  it("names the first point of a curve that differs, and numbers that one side lacks", async () => {
    const { io, id, path } = await oneRun();
    change(join(path, "metrics.jsonl"), '"values":{"accuracy":93.1}', '"values":{"accuracy":94}');
    expect(await hebb(io, `verify ${id}`)).toBe(1);
    expect(io.out()).toContain("First: arm new, seed 1, metric accuracy, step 1: 94 recorded, 93.1 repeated\n");
    const fewer: Study = { ...tinyStudy, run: (context) => tinyStudy.run({ ...context, metric: () => {} }) };
    const lacking = world({ cwd: io.cwd });
    expect(await hebb(lacking, `verify ${id}`, fewer)).toBe(1);
    expect(lacking.out()).toContain(
      "(16 numbers compared)\nFirst: arm new, seed 1, metric accuracy, step 0: 92.1 recorded, nothing repeated\n",
    );
    writeFileSync(join(path, "metrics.jsonl"), "");
    const more = world({ cwd: io.cwd });
    expect(await hebb(more, `verify ${id}`)).toBe(1);
    expect(more.out()).toContain("step 0: nothing recorded, 92.1 repeated\n");
  });

  it("says which line of a run is not what was written", async () => {
    const { io, id, path } = await oneRun();
    const metrics = join(path, "metrics.jsonl");
    writeFileSync(
      metrics,
      readFileSync(metrics, "utf8").replace('"values":{"accuracy":93.1}', '"values":{"accuracy":95.1}'),
    );
    expect(await hebb(io, `verify ${id}`)).toBe(1);
    expect(io.err()).toMatch(/metrics\.jsonl, line 2, is not what was written: its checksum is another\./);
  });

  it("refuses a run that is not finished, and says why one cannot be repeated", async () => {
    const broken: Study = { ...tinyStudy, run: () => Promise.reject(new Error("no data")) };
    const { io, id } = await oneRun();
    expect(await hebb(io, `verify ${id}`, broken)).toBe(1);
    expect(io.err()).toContain(`Run ${id} could not be repeated: no data\n`);
    const failed = world();
    await hebb(failed, "run tiny-claim --json", broken);
    const [other] = readdirSync(join(failed.cwd, "runs"));
    const later = world({ cwd: failed.cwd });
    expect(await hebb(later, `verify ${other}`)).toBe(1);
    expect(later.err()).toBe(`Run ${other} is failed: only a finished run can be verified.\n`);
  });

  it("compares numbers, not verdicts: a run of a sweep may have too few seeds for one", async () => {
    const { io, id } = await oneRun();
    const undecided: Study = {
      ...tinyStudy,
      judge: () => {
        throw new Error("two seeds at least");
      },
    };
    expect(await hebb(io, `verify ${id}`, undecided)).toBe(0);
  });

  it("stops on Ctrl-C", async () => {
    const { io, id, path } = await oneRun();
    change(join(path, "run.json"), '"pause": 0', '"pause": 50');
    const running = hebb(io, `verify ${id}`);
    while (!io.err().includes("seed 1 is done")) await new Promise((resolve) => setTimeout(resolve, 5));
    io.interrupt();
    expect(await running).toBe(130);
    expect(io.out()).toBe("");
  });

  it("takes a tolerance from 0", async () => {
    const io = world();
    expect(await hebb(io, "verify x --tolerance some")).toBe(2);
    expect(io.err()).toBe("--tolerance takes a number from 0, for example --tolerance 1e-4, not 'some'.\n");
  });
});
