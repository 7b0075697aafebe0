import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attempt, damaged, readers } from "./readers.js";

// More runs: npx tsx scripts/fuzz-readers.ts
const runs = 1500;

describe("readers survive damaged files", () => {
  it.each(readers.map((reader) => [reader.name, reader] as const))("%s", (_name, reader) => {
    for (const file of reader.files) expect(attempt(reader, file)).toBe(true);
    let accepted = 0;
    const memory = process.memoryUsage().arrayBuffers;
    fc.assert(
      fc.property(damaged(reader), (bytes) => {
        accepted += Number(attempt(reader, bytes));
      }),
      { numRuns: runs, seed: 2718 },
    );
    expect(accepted).toBeLessThan(runs);
    // Nothing was believed that would take more memory than all the files together could explain.
    expect(process.memoryUsage().arrayBuffers - memory).toBeLessThan(2 ** 28);
  });
});
