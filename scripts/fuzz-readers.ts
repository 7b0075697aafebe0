/**
 * Reads damaged files for as long as asked and prints what came of it: `npx tsx scripts/fuzz-readers.ts [runs] [seed]`.
 * Anything but a result or a `HebbError` ends with the bytes that caused it, and so does a read of more than a second.
 */
import fc from "fast-check";
import { attempt, damaged, readers } from "../tests/interop/readers.js";

const [runs = 20_000, seed = Date.now() % 2 ** 31] = process.argv.slice(2).map(Number);
console.log(`${runs} damaged files for each reader, seed ${seed}`);
for (const reader of readers) {
  let accepted = 0;
  let slowest = 0;
  const started = performance.now();
  fc.assert(
    fc.property(damaged(reader), (bytes) => {
      const begun = performance.now();
      accepted += Number(attempt(reader, bytes));
      const taken = performance.now() - begun;
      slowest = Math.max(slowest, taken);
      if (taken > 1000) throw new Error(`reading took ${taken} ms`);
    }),
    { numRuns: runs, seed, verbose: 1 },
  );
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${reader.name}: ${accepted} accepted, ${runs - accepted} refused, slowest ${slowest.toFixed(1)} ms, ${seconds.toFixed(0)} s`,
  );
}
