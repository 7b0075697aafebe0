/**
 * Kills and damages runs of a study at random, resumes them, and compares each with an uninterrupted one, bit for bit:
 * `npm run test:crash -- --kills 200 --full 10 --seed 1 --study crash`. The study is a small fast one by default, or one
 * of this package at smoke scale. Prints what was done; ends with an error at the first difference.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { crashTest } from "../tests/lab/crash/harness.js";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "200" },
    full: { type: "string", default: "10" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    study: { type: "string", default: "crash" },
  },
});
const [kills, full, seed] = [values.kills, values.full, values.seed].map(Number);
console.log(`${kills} kills and ${full} full disks for the study ${values.study}, seed ${seed}`);
const out = await mkdtemp(join(tmpdir(), "hebb-crash-"));
const started = performance.now();
// What a failed test leaves stays for a look at it.
const found = await crashTest({ kills, full, seed, slug: values.study, out, log: (line) => console.log(line) });
await rm(out, { recursive: true });
console.log(`
${found.atRandom} processes killed at a random time, ${found.inWrites} in the middle of a write
${found.truncated} files (checkpoints, finished units) truncated, ${found.flipped} with a bit turned
${found.full} times the disk was full (${found.realDisk ? "a small one" : "simulated"})
${found.continued} processes went on in the middle of a unit
${found.runs} runs ended equal to the uninterrupted one: rows, metrics, units, costs, final parameters
${((performance.now() - started) / 1000).toFixed(0)} s`);
