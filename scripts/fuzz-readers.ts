/**
 * Feeds every reader of files from outside with mutated files, led by the code that they reach, then with files made to
 * take much memory, and prints what came of it: `npm run test:fuzz -- --inputs 1000000 --seed 1 --reader npz`. Keeps each
 * file that a reader does not survive, and then ends with status 1.
 */
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { allowance, type Finding, factor, fuzz, largeAllowance } from "../tests/fuzz/fuzz.js";
import { peakMemory } from "../tests/fuzz/measure.js";
import { denseFiles } from "../tests/fuzz/readers/dense.js";
import { readers } from "../tests/fuzz/readers/index.js";
import { Watchdog } from "../tests/fuzz/watchdog.js";

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "100000" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    reader: { type: "string", multiple: true },
    bytes: { type: "string", default: "2000000" },
  },
});
const [inputs, seed, bytes] = [values.inputs, values.seed, values.bytes].map(Number);
const chosen = readers.filter(({ name }) => values.reader?.includes(name) ?? true);
const shares = chosen.reduce((sum, { share = 1 }) => sum + share, 0);
let defects = 0;

async function report({ problem, bytes }: Finding): Promise<void> {
  defects++;
  const kept = join(await mkdtemp(join(tmpdir(), "hebb-fuzz-")), "input");
  await writeFile(kept, bytes);
  console.log(`\n${problem}\n(${bytes.length} bytes in ${kept})\n`);
}

const row = (...cells: (string | number)[]): void => console.log(`| ${cells.join(" | ")} |`);
const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(0)} s`;

console.log(
  `seed ${seed}; allowed are 1 s, and ${factor} times the file's size and ${allowance / 2 ** 20} MiB of memory\n`,
);
row("reader", "inputs", "accepted", "kept", "slowest", "memory", "findings", "time");
row("---", "---:", "---:", "---:", "---:", "---:", "---:", "---:");
const watchdog = new Watchdog(20_000);
let total = 0;
for (const reader of chosen) {
  const started = performance.now();
  const count = Math.ceil((inputs * (reader.share ?? 1)) / shares);
  const figures = await fuzz(reader, { inputs: count, seed, watch: (input) => watchdog.watch(input) });
  watchdog.rest();
  const { accepted, kept, slowest, excess, findings } = figures;
  total += count;
  row(
    reader.name,
    count,
    accepted,
    kept,
    `${slowest.toFixed(0)} ms`,
    `${Math.ceil(excess / 1024)} kB`,
    findings.length,
    seconds(started),
  );
  for (const finding of findings) await report(finding);
}
await watchdog.close();
console.log(`\n${total} inputs\n`);

if (!values.reader) {
  console.log(`files of ${bytes} bytes; allowed are ${factor} times the size and ${largeAllowance / 2 ** 20} MiB\n`);
  row("file", "memory / size", "outcome", "time");
  row("---", "---:", "---", "---:");
  for (const { name, make, read } of denseFiles) {
    const file = make(bytes);
    let outcome = "read";
    const started = performance.now();
    const most = await peakMemory(async () => {
      try {
        return await read(file);
      } catch (error) {
        outcome = "refused";
        return error;
      }
    });
    row(name, (most / file.length).toFixed(1), outcome, seconds(started));
    if (most > factor * file.length + largeAllowance)
      await report({ problem: `${name}: ${most} bytes of memory`, bytes: file });
  }
}
if (defects > 0) process.exitCode = 1;
