import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { factor, fuzz, largeAllowance } from "./fuzz.js";
import { measure, peakMemory } from "./measure.js";
import { attempt, type Reader, utf8 } from "./reader.js";
import { denseFiles } from "./readers/dense.js";
import { readers } from "./readers/index.js";

// More of all this: npm run test:fuzz
const inputs = 2000;
const bytes = 200_000;

const named = readers.map((reader) => [reader.name, reader] as const);
const shares = readers.reduce((sum, { share = 1 }) => sum + share, 0);

describe("readers survive what they are given:", () => {
  it.each(named)("%s", async (_name, reader) => {
    const sound = await Promise.all(reader.files.map((file) => attempt(reader, file)));
    expect(sound).toContain(true);
    const count = Math.ceil((inputs * (reader.share ?? 1)) / shares);
    const { findings } = await fuzz(reader, { inputs: count, seed: 2718 });
    expect(findings.map(({ problem }) => problem)).toEqual([]);
  });

  it.each(named)("%s, of anything", async (_name, reader) => {
    const anything = fc.oneof(fc.uint8Array({ maxLength: 400 }), fc.json().map(utf8), fc.string().map(utf8));
    await fc.assert(
      fc.asyncProperty(anything, async (file) => {
        await attempt(reader, file);
      }),
      { numRuns: (reader.share ?? 1) < 0.01 ? 3 : 20, seed: 2718 },
    );
  });
});

it.each(denseFiles.map((dense) => [dense.name, dense] as const))("%s take little memory", async (_name, dense) => {
  const file = dense.make(bytes);
  const most = await peakMemory(async () => {
    try {
      return await dense.read(file);
    } catch (error) {
      return error;
    }
  });
  expect(most).toBeLessThan(factor * file.length + largeAllowance);
});

describe("the fuzzer finds", () => {
  const found = async (read: Reader["read"], files = [utf8("sound")]) =>
    (await fuzz({ name: "made for this", files, read }, { inputs: 800, seed: 1 })).findings.map(
      ({ problem }) => problem,
    );

  it("errors that are no sentence about the file", async () => {
    const read = (file: Uint8Array) => {
      if (file[0] !== "s".charCodeAt(0)) throw new TypeError("not a function");
    };
    expect(await found(read)).toEqual([expect.stringMatching(/^TypeError: not a function/)]);
  });

  it("files that make a reader allocate what they claim, and not what they hold", async () => {
    const [problem, ...others] = await found((file) => new Uint8Array(file[0] > 250 ? 1e8 : 10));
    expect(problem).toMatch(/^reading \d+ bytes allocated 1000\d+$/);
    expect(others).toEqual([]);
  });

  it("code that only a file which is made step by step reaches, as it follows the coverage", async () => {
    const { findings, kept } = await fuzz(await import("./maze.js"), { inputs: 8000, seed: 3 });
    expect(findings.map(({ problem }) => problem)).toEqual([expect.stringMatching(/^Error: the end of the maze/)]);
    expect(kept).toBeGreaterThanOrEqual(3);
  });
});

it("measures what is allocated and what is held", async () => {
  expect((await measure(() => new Uint8Array(1e7))).allocated).toBeGreaterThan(9e6);
  const held = await peakMemory(() => new Uint8Array(1e7));
  expect(held).toBeGreaterThan(9e6);
  expect(held).toBeLessThan(3e7);
});
