/**
 * Measures whether runs that share a machine take longer than one after the other:
 * `npm run build && npx tsx scripts/bench-sweep.ts [--study lottery-ticket] [--rounds 3]`.
 *
 * Four runs of a study at smoke scale: one after the other with all cores each; in one sweep, in parallel; and in two sweeps
 * at the same time, which share the cores. Prints for each the time and the processor time (which other work on the machine
 * hardly touches): the median of the rounds.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { study: { type: "string", default: "lottery-ticket" }, rounds: { type: "string", default: "3" } },
});
const program = fileURLToPath(new URL("../bin/hebb.js", import.meta.url));

interface Times {
  readonly wall: number;
  readonly processor: number;
}

/** Runs sweeps at the same time, in a folder and with a cache of their own; what they took comes back in seconds. */
async function measure(...sweeps: readonly string[]): Promise<Times> {
  const folder = mkdtempSync(join(tmpdir(), "hebb-bench-sweep-"));
  const begun = performance.now();
  try {
    const processors = await Promise.all(sweeps.map((options) => processorSeconds(folder, options)));
    return { wall: (performance.now() - begun) / 1000, processor: processors.reduce((a, b) => a + b) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The processor time of a sweep with all its processes, as the shell tells it. */
function processorSeconds(folder: string, options: string): Promise<number> {
  const command = `TIMEFORMAT='%U %S'; time ${process.execPath} ${program} sweep ${values.study} ${options} >&2`;
  const child = spawn("bash", ["-c", command], {
    cwd: folder,
    env: { ...process.env, HEBB_CACHE: join(folder, "cache") },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let text = "";
  child.stderr.setEncoding("utf8").on("data", (part) => {
    text += part;
  });
  return new Promise((resolve, reject) =>
    child.on("close", (status) => {
      if (status !== 0) return reject(new Error(text));
      const [user, system] = text.trim().split("\n").at(-1)!.split(" ").map(Number);
      resolve(user + system);
    }),
  );
}

const cases: Readonly<Record<string, readonly string[]>> = {
  "one after the other, all cores each": ["--seeds 0,1,2,3 --parallel 1"],
  "one sweep, in parallel": ["--seeds 0,1,2,3"],
  "two sweeps at the same time": ["--seeds 0,1", "--seeds 2,3"],
};
const times = new Map(Object.keys(cases).map((name) => [name, [] as Times[]]));
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [name, sweeps] of Object.entries(cases)) times.get(name)!.push(await measure(...sweeps));
}
const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const cell = (seconds: number) => `${seconds.toFixed(1)} s`.padStart(10);
console.log(`Four runs of ${values.study} on ${availableParallelism()} cores, median of ${values.rounds}`);
console.log(`${"".padEnd(40)}       time  processor`);
for (const [name, all] of times) {
  const [wall, processor] = (["wall", "processor"] as const).map((of) => median(all.map((one) => one[of])));
  console.log(`${name.padEnd(40)} ${cell(wall)} ${cell(processor)}`);
}
