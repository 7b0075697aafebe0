import { describe, expect, it } from "vitest";
import { tinyStudy } from "../tiny.js";
import { hebb, type World, world } from "./world.js";

/** A folder with a smoke run of two seeds, a standard run of five, and a smoke run of three whose numbers are 1 higher. */
async function threeRuns(): Promise<{ cwd: string; ids: string[] }> {
  const io = world();
  const better: typeof tinyStudy = {
    ...tinyStudy,
    run: (context) =>
      tinyStudy.run({
        ...context,
        record: ({ measures, ...row }) =>
          context.record({ ...row, measures: { ...measures, accuracy: measures.accuracy + 1 } }),
      }),
  };
  await hebb(io, "run tiny-claim --json");
  await hebb(io, "run tiny-claim --json --scale standard");
  await hebb(io, "run tiny-claim --json --seeds 3", better);
  const lines = io.out().trim().split("\n");
  return { cwd: io.cwd, ids: lines.map((line) => JSON.parse(line).run.split("/")[1]) };
}

const made = threeRuns();

async function ask(line: string): Promise<World> {
  const io = world({ cwd: (await made).cwd });
  expect(await hebb(io, line)).toBe(0);
  return io;
}

const listed = async (options = "") =>
  JSON.parse((await ask(`runs --json ${options}`)).out()).map(({ id }: { id: string }) => id);

describe("hebb runs", () => {
  it("lists the runs, newest first", async () => {
    const { ids } = await made;
    const lines = (await ask("runs")).out().split("\n");
    expect(lines[0]).toMatch(/^started \(UTC\) +status +verdict +seeds +time +run$/);
    expect(lines.slice(1, 4).map((line) => line.split(/ +/).at(-1))).toEqual([...ids].reverse());
    expect(lines[2]).toMatch(/^20\d\d-\d\d-\d\d \d\d:\d\d +done +replicated +5 +0\.\d s +tiny-claim-standard-/);
    expect(lines[5]).toBe("3 runs in runs.");
  });

  it("says that there are none", async () => {
    const io = world();
    expect(await hebb(io, "runs")).toBe(0);
    expect(io.out()).toBe("0 runs in runs.\n");
  });

  it("filters, counts and limits", async () => {
    const [smoke, standard, better] = (await made).ids;
    expect(await listed()).toEqual([better, standard, smoke]);
    expect(await listed("--scale standard")).toEqual([standard]);
    expect(await listed("--slug far-claim")).toEqual([]);
    expect(await listed("--status running")).toEqual([]);
    expect(await listed("--verdict replicated --limit 2")).toEqual([better, standard]);
    expect(await listed("--since 2020-01-01")).toHaveLength(3);
    expect(await listed("--since 2999-01-01")).toEqual([]);
    expect((await ask("runs --scale smoke --limit 1")).out()).toContain("\n2 of 3 runs in runs, 1 shown.\n");
  });

  it("--json gives one object per run, without what the index keeps for itself", async () => {
    const [run] = JSON.parse((await ask("runs --json --limit 1")).out());
    const keys = ["id", "scale", "seconds", "seeds", "slug", "started", "status", "verdict"];
    expect(Object.keys(run).sort()).toEqual(keys);
  });
});

describe("hebb runs compare", () => {
  it("puts the measures side by side, with differences paired by seed", async () => {
    const [smoke, , better] = (await made).ids;
    const text = (await ask(`runs compare ${smoke} runs/${better}`)).out();
    expect(text).toContain(`A  ${smoke}  (smoke scale; seeds 1, 2; replicated)\n`);
    expect(text).toMatch(/arm +round +measure +A +B +B − A\n/);
    expect(text).toMatch(/new +0 +accuracy +92\.15 \[91\.51, 92\.79\] +93\.20 \[92\.95, 93\.45\] +1 \[1, 1\]\n/);
  });

  it("--json has cells and differences, null where a run has no such result", async () => {
    const [smoke, standard, better] = (await made).ids;
    const { runs, lines, slug } = JSON.parse((await ask(`runs compare ${smoke} ${standard} ${better} --json`)).out());
    expect(slug).toBe("tiny-claim");
    expect(runs).toEqual([smoke, standard, better]);
    expect(lines).toHaveLength(2 * 4 * 2);
    const line = (round: number) =>
      lines.find((line: any) => line.arm === "old" && line.setting.round === round && line.measure === "accuracy");
    expect(line(1).cells.map(({ n }: any) => n)).toEqual([2, 5, 3]);
    expect(line(1).differences[0]).toEqual({ mean: 0, n: 2, low: 0, high: 0 });
    expect(line(1).differences[1].mean).toBeCloseTo(1);
    expect(line(3).cells[0]).toBeNull();
    expect(line(3).differences).toEqual([null, null]);
  });
});

it.each([
  ["runs --slug tiny-clam", 2, "There is no paper 'tiny-clam' in the catalogue; did you mean 'tiny-claim'?"],
  ["runs --scale smok", 2, "There is no scale 'smok'; did you mean 'smoke'?"],
  ["runs --status dne", 2, "There is no status 'dne'; did you mean 'done'?"],
  ["runs --verdict partially", 2, "There is no verdict 'partially'; did you mean 'partly'?"],
  ["runs --since yesterday", 2, "--since takes a date, for example --since 2026-01-31, not 'yesterday'."],
  ["runs --limit 0", 2, "--limit takes a whole number of at least 1, for example --limit 3, not '0'."],
  ["runs compare a", 2, "'hebb runs compare' takes at least two runs."],
  ["runs compare a b", 1, /^There is no run "a" in .*runs\.$/],
])("hebb %s: status %i and one sentence", async (line, status, sentence) => {
  const io = world();
  expect(await hebb(io, line)).toBe(status);
  expect(io.err().trim()).toMatch(sentence);
  expect(io.out()).toBe("");
});
