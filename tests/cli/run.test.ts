import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { HebbError } from "../../src/engine/errors.js";
import type { Study } from "../../src/lab/study.js";
import { tinyStudy } from "../tiny.js";
import { unsealed } from "../unsealed.js";
import { hebb, world } from "./world.js";

describe("hebb run", () => {
  it("prints arms x measures with intervals and the verdict, and leaves run folder, figures and report", async () => {
    const io = world();
    expect(await hebb(io, "run tiny-claim --scale standard")).toBe(0);
    const text = io.out();
    expect(text).toContain("A Tiny Claim (tiny-claim, standard scale)");
    expect(text).toMatch(/arm +round +accuracy \(%\) +steps to 90 %/);
    expect(text).toMatch(/new +3 +95\.\d+ \[95\.\d+, 95\.\d+\] +70/);
    expect(text).toMatch(/✓ holds {2}new beats old: 1\.850 \[/);
    expect(text).toContain("Verdict: replicated. All conditions hold.");
    const [run] = readdirSync(join(io.cwd, "runs"));
    expect(text).toContain(`Run     runs/${run}\nReport  runs/${run}/report.html\n`);
    const folder = join(io.cwd, "runs", run);
    expect(
      readFileSync(join(folder, "figures", "accuracy.png"))
        .subarray(1, 4)
        .toString(),
    ).toBe("PNG");
    expect(readFileSync(join(folder, "figures", "accuracy.svg"), "utf8")).toContain("Accuracy &lt;by&gt; round");
    expect(readFileSync(join(folder, "report.html"), "utf8")).toContain("<svg");
    expect(existsSync(join(io.cwd, "ledger"))).toBe(false);
  });

  it("runs at smoke scale by default, and then says that no verdict counts", async () => {
    const io = world();
    expect(await hebb(io, "run tiny-claim")).toBe(0);
    expect(io.out()).toContain("smoke scale)");
    expect(io.out()).toContain("No verdict: smoke scale gives none that counts.");
    expect(io.out()).not.toContain("Verdict: ");
  });

  it("writes plain lines of progress into a pipe", async () => {
    const io = world();
    await hebb(io, "run tiny-claim");
    expect(io.err()).toContain("tiny-claim: seed 1 is done\n");
    expect(io.err()).toContain("tiny-claim: 100 %");
    expect(io.err()).not.toContain("\r");
    expect(io.err()).not.toContain("\u001b");
  });

  it("--json prints exactly one object with the agreed keys, and nothing on a piped stderr", async () => {
    const io = world();
    expect(await hebb(io, "run tiny-claim --json --seeds 3")).toBe(0);
    expect(io.err()).toBe("");
    expect(io.out().match(/\n/g)).toHaveLength(1);
    const result = JSON.parse(io.out());
    expect(Object.keys(result)).toEqual([
      "slug",
      "scale",
      "seeds",
      "verdict",
      "reason",
      "arms",
      "measures",
      "seconds",
      "run",
    ]);
    expect(result).toMatchObject({ slug: "tiny-claim", scale: "smoke", seeds: [1, 2, 3], verdict: "replicated" });
    expect(result.arms[0]).toMatchObject({ arm: "new", setting: { round: 0 }, measures: { accuracy: { n: 3 } } });
    expect(result.measures.accuracy).toEqual({ label: "accuracy", unit: "%", better: "higher" });
    expect(existsSync(join(io.cwd, result.run, "report.html"))).toBe(true);
  });

  it("--json with several slugs prints one object per line", async () => {
    const io = world();
    expect(await hebb(io, "run tiny-claim tiny-claim --json --out elsewhere")).toBe(0);
    const runs = io
      .out()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).run);
    expect(new Set(runs).size).toBe(2);
    expect(runs[0]).toMatch(/^elsewhere\//);
  });

  it("exits with 0 when the verdict is negative", async () => {
    const io = world();
    const negative: Study = {
      ...tinyStudy,
      judge: () => ({ verdict: "contradicted", reason: "It is the other way round.", conditions: [] }),
    };
    expect(await hebb(io, "run tiny-claim --scale standard", negative)).toBe(0);
    expect(io.out()).toContain("Verdict: contradicted. It is the other way round.");
  });

  it("exits with 1 and the message alone when a study breaks, keeping what it had and going on with the next", async () => {
    const io = world();
    let calls = 0;
    const broken: Study = {
      ...tinyStudy,
      async run(context) {
        await tinyStudy.run({ ...context, seeds: [1] });
        if (calls++ === 0) throw new HebbError("loss became NaN at step 3 of arm new, seed 2.");
      },
    };
    expect(await hebb(io, "run tiny-claim tiny-claim --json", broken)).toBe(1);
    expect(io.err()).toMatch(
      /^What was measured until then is kept in runs\/.*\nloss became NaN at step 3 of arm new, seed 2\.\n$/,
    );
    expect(io.out().trim().split("\n")).toHaveLength(1);
  });

  it("calls an unexpected error a bug, with the stack only under HEBB_DEBUG", async () => {
    const broken: Study = {
      ...tinyStudy,
      run: () => Promise.reject(new TypeError("x is not a function")),
    };
    const io = world();
    expect(await hebb(io, "run tiny-claim --json", broken)).toBe(1);
    expect(io.err()).toMatch(/x is not a function\nThis is a bug in Hebb/);
    expect(io.err()).not.toContain("    at ");
    const debug = world({ env: { HEBB_DEBUG: "1" } });
    await hebb(debug, "run tiny-claim --json", broken);
    expect(debug.err()).toContain("    at ");
  });

  it("refuses to start when the run folder cannot be made", async () => {
    const io = world();
    writeFileSync(join(io.cwd, "file"), "");
    expect(await hebb(io, "run tiny-claim --out file/runs")).toBe(1);
    expect(io.err()).toMatch(/^The run cannot start because its folder .*file\/runs/);
  });
});

describe("Ctrl-C", () => {
  const slow: Study = {
    ...tinyStudy,
    scales: { smoke: { seeds: [1, 2, 3], options: { rounds: 1, pause: 20 }, about: "slow" } },
  };

  it("stops cleanly with status 130, says how to go on, and going on gives the same results", async () => {
    const io = world();
    const running = hebb(io, "run tiny-claim --out kept", slow);
    while (!io.err().includes("seed 1 is done")) await new Promise((resolve) => setTimeout(resolve, 5));
    io.interrupt();
    expect(await running).toBe(130);
    expect(io.exits).toEqual([]);
    expect(io.out()).toBe("");
    const [, command] = /this continues it: hebb (.*)\n/.exec(io.err())!;

    const resumed = world({ cwd: io.cwd });
    expect(await hebb(resumed, `${command} --json`, slow)).toBe(0);
    const whole = world();
    await hebb(whole, "run tiny-claim --json", slow);
    expect(JSON.parse(resumed.out()).arms).toEqual(JSON.parse(whole.out()).arms);
  });

  it("a run that was killed goes on when the same is run again", async () => {
    // Without git: sources that are being changed have no name by which they could be known again.
    vi.stubEnv("GIT_DIR", "/nowhere");
    const io = world();
    const running = hebb(io, "run tiny-claim", slow);
    while (!io.err().includes("seed 1 is done")) await new Promise((resolve) => setTimeout(resolve, 5));
    io.interrupt();
    await running;
    // A process that is killed leaves the record as it was while it ran.
    const [id] = readdirSync(join(io.cwd, "runs")).filter((name) => name.startsWith("tiny"));
    const path = join(io.cwd, "runs", id, "run.json");
    writeFileSync(path, unsealed(readFileSync(path, "utf8")).replace('"status": "stopped"', '"status": "running"'));

    const again = world({ cwd: io.cwd });
    expect(await hebb(again, "run tiny-claim", slow)).toBe(0);
    expect(again.err()).toContain(`tiny-claim: goes on with ${id}, which was interrupted\n`);
    expect(again.err()).not.toContain("another version");
    expect(again.out()).toContain(`Run     runs/${id}\n`);
    const whole = world({ cwd: io.cwd });
    expect(await hebb(whole, "run tiny-claim --json", slow)).toBe(0);
    expect(JSON.parse(whole.out()).run).not.toContain(id);
    vi.unstubAllEnvs();
  });

  it("pressed twice ends the process at once", async () => {
    const io = world();
    const running = hebb(io, "run tiny-claim", slow);
    while (!io.err().includes("run tiny-claim-smoke")) await new Promise((resolve) => setTimeout(resolve, 5));
    io.interrupt();
    io.interrupt();
    expect(io.exits).toEqual([130]);
    await running;
  });
});

describe("hebb report", () => {
  it("rebuilds the report of a run, by id and by folder", async () => {
    const io = world();
    await hebb(io, "run tiny-claim --json");
    const { run } = JSON.parse(io.out());
    const path = join(io.cwd, run, "report.html");
    const before = readFileSync(path, "utf8");
    for (const name of [run, run.split("/")[1]]) {
      const later = world({ cwd: io.cwd });
      expect(await hebb(later, `report ${name}`)).toBe(0);
      expect(later.out()).toBe(`${run}/report.html\n`);
    }
    const json = world({ cwd: io.cwd });
    expect(await hebb(json, `report --json ${run}`)).toBe(0);
    expect(JSON.parse(json.out())).toEqual([{ run: run.split("/")[1], report: `${run}/report.html` }]);
    expect(readFileSync(path, "utf8").replaceAll(/clip-\d+/g, "")).toBe(before.replaceAll(/clip-\d+/g, ""));
  });

  it("names the nearest run for an unknown one", async () => {
    const io = world();
    await hebb(io, "run tiny-claim --json");
    const id: string = JSON.parse(io.out()).run.split("/")[1];
    const later = world({ cwd: io.cwd });
    expect(await hebb(later, `report ${id}x`)).toBe(1);
    expect(later.err()).toContain(id);
  });
});
