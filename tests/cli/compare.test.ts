import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hebb, world } from "./world.js";

describe("hebb compare", () => {
  it("prints the table of all methods and draws the figure", async () => {
    const io = world();
    expect(await hebb(io, "compare forget --track T --seeds 2")).toBe(0);
    expect(io.out()).toBe(
      [
        "A tiny track (small, some; seeds 0, 1)",
        "new 0 5\nold 0 13\nnew 1 6\nold 1 14",
        "Figure  runs/compare-forget-T-small-some.svg\n",
      ].join("\n"),
    );
    expect(readFileSync(join(io.cwd, "runs", "compare-forget-T-small-some.svg"), "utf8")).toContain("<svg");
    expect(io.err()).toContain("forget T: 100 %");
  });

  it("takes methods, data and scenario from the command line, and prints JSON", async () => {
    const io = world();
    const line =
      "compare forget --track T --data large --scenario all --methods old --seeds 1 --trials 2 --out there --json";
    expect(await hebb(io, line)).toBe(0);
    expect(io.err()).toBe("");
    expect(JSON.parse(io.out())).toEqual({
      family: "forget",
      track: "T",
      data: "large",
      scenario: "all",
      seeds: [0],
      rows: [{ arm: "old", seed: 0, measures: { gap: 7 } }],
      figure: "there/compare-forget-T-large-all.svg",
    });
  });

  it.each([
    ["compare forge --track T", "There is no comparison 'forge'; did you mean 'forget'?"],
    ["compare forget --track Q", "There is no track 'Q'; did you mean 'T'?"],
    ["compare forget --track T --data middle", "There is no data set 'middle'; valid: small, large."],
    ["compare forget --track T --scenario al", "There is no scenario 'al'; did you mean 'all'?"],
    ["compare forget --track T --methods new,odl", "There is no method 'odl'; did you mean 'old'?"],
    [
      "compare forget --track T --seeds none",
      "--seeds takes a whole number of at least 1, for example --seeds 3, not 'none'.",
    ],
    ["compare forget", "required option '--track <track>' not specified; see 'hebb compare --help'."],
  ])("%s: one sentence", async (line, message) => {
    const io = world();
    expect(await hebb(io, line)).toBe(2);
    expect(io.err()).toBe(`${message}\n`);
  });

  it("stops on Ctrl-C and says how to go on", async () => {
    const io = world();
    const running = hebb(io, "compare forget --track T --seeds 200");
    while (!io.err().includes("seed 0 is done")) await new Promise((resolve) => setTimeout(resolve, 1));
    io.interrupt();
    expect(await running).toBe(130);
    expect(io.err()).toContain("Stopped; the same command goes on from what was finished.\n");
    expect(io.out()).toBe("");
  });
});
