import { beforeAll, describe, expect, it } from "vitest";
import { setBackend } from "../../src/engine/index.js";
import { type CompareMethodsOptions, memoryCache } from "../../src/lab/index.js";
import { comparisons } from "../../studies/forget/comparison.js";

beforeAll(() => setBackend("node", { threads: 1 }));

const options = (changes: Partial<CompareMethodsOptions> = {}): CompareMethodsOptions => ({
  data: "digits",
  scenario: "class",
  methods: ["FT", "l1-sparse"],
  seeds: [0],
  trials: 1,
  cache: memoryCache(),
  signal: new AbortController().signal,
  progress: () => {},
  log: () => {},
  ...changes,
});

describe("the comparison of methods", () => {
  it.each(Object.keys(comparisons))("knows what track %s offers", async (name) => {
    const track = await comparisons[name]();
    for (const list of [track.data, track.scenarios, track.methods]) {
      expect(list.length).toBeGreaterThan(0);
      expect(new Set(list).size).toBe(list.length);
    }
  });

  it("puts methods beside the original, gold and the noise floor, and takes all from the cache the second time", async () => {
    const track = await comparisons.C();
    const cache = memoryCache();
    const said: string[] = [];
    const rows = await track.run(options({ cache, log: (message) => said.push(message) }));
    // With a single draw l1-sparse goes over the budget of this small variant, which hurts no other method.
    expect(said.at(-1)).toMatch(
      /^l1-sparse: all 1 configurations diverged or went over the budget\. It is left out\.$/,
    );
    expect(rows.map(({ arm }) => arm)).toEqual(["original", "gold", "floor", "FT"]);
    for (const { measures } of rows) expect(measures).toHaveProperty("UA");
    expect(rows[3].measures).toMatchObject({
      AIN: expect.any(Number),
      cost: expect.any(Number),
      seconds: expect.any(Number),
    });
    // Seconds too are those of the first time: nothing ran again.
    expect(await track.run(options({ cache }))).toEqual(rows);
    expect(track.table(rows).split("\n")[4]).toMatch(/^FT .*(yes|no)$/);
    expect(track.figure(rows).name).toBe("gap");
  });

  it("refuses the tuning seed, and stops with the signal", async () => {
    const track = await comparisons.C();
    await expect(track.run(options({ seeds: [900] }))).rejects.toThrow(
      "Seed 900 is the one that methods are tuned on.",
    );
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(track.run(options({ signal }))).rejects.toThrow("enough");
  });
});
