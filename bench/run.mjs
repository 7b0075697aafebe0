// The side-by-side benchmark: whole steps of Hebb and its peers on one machine, in interleaved rounds.
//
//   node bench/run.mjs [--workloads mlp,cnn] [--peers hebb,torch] [--threads 1,2] [--quick] [--json] [--into name]
//
// Prints a markdown table; runs with all peers also write bench/results.md and bench/results.json. See bench/README.md.

import { readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { definitions, ensureData } from "./data.mjs";
import { flopsOf } from "./flops.mjs";
import { peakMemory, start, stopAll } from "./peers/process.mjs";
import { peers } from "./peers.mjs";
import { quantile, renderMarkdown, summarise } from "./report.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const WARM_UP = { steps: 2, ms: 300 }; // untimed at the start of a turn, after others have worked
const REST = 150; // milliseconds for the machine to calm down before a turn
const SLOW_ROUNDS = 3; // rounds for a peer of which one step takes longer than a turn should
const SLOWEST = 10_000; // ms of a step from which one round is enough
const CHECK_SECONDS = 20; // a slow peer's results are compared over fewer steps
const TOLERANCE = 1e-3;

/** What is large enough for a graphics processor, and its peak. */
const gpuWorkloads = ["cnn", "resnet20", "gpt", "gpt-large", "vit", "matmul"];

const options = readOptions();
const began = performance.now();
let stopping = false;
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, async () => {
    stopping = true;
    await stopAll();
    process.exit(130);
  });
}

const commands = {};
for (const name of options.peers) {
  try {
    commands[name] = { command: await peers[name].install({ allowed: options.install, note }) };
  } catch (error) {
    commands[name] = { reason: firstLine(error) };
    note(`${name}: ${firstLine(error)}`);
  }
}

const environment = {
  processor: os.cpus()[0]?.model.trim() ?? "unknown",
  cores: os.availableParallelism(),
  memoryGiB: Math.round(os.totalmem() / 2 ** 30),
  system: `${os.type()} ${os.arch()}`,
  node: process.versions.node,
};
const measured = [];
const report = { environment, tolerance: TOLERANCE, entries: measured };
for (const threads of options.threads) {
  for (const workload of options.workloads) {
    measured.push(await measure(workload, threads));
    // After each, so that a run that is stopped keeps what it measured.
    if (options.complete) keep({ ...report, entries: merged(measured) });
  }
}
process.stdout.write(options.json ? `${JSON.stringify(report, null, 1)}\n` : `\n${renderMarkdown(report)}`);

function keep(all) {
  writeFileSync(join(here, `${options.results}.json`), `${JSON.stringify(all, null, 1)}\n`);
  writeFileSync(join(here, `${options.results}.md`), renderMarkdown(all));
}

/** One workload: set every peer up, check their results against each other, then time them in turns. */
async function measure(workload, threads) {
  const load = os.loadavg()[0];
  const definition = definitions.workloads[workload];
  const label = `${workload}, ${threads} thread${threads === 1 ? "" : "s"}`;
  const message = { cmd: "setup", workload: { name: workload, ...definition }, data: ensureData(workload), threads };
  const runs = [];
  for (const name of options.peers) {
    const run = { peer: name, title: peers[name].title, rounds: [] };
    runs.push(run);
    if (commands[name].reason) {
      run.reason = commands[name].reason;
      continue;
    }
    run.process = start(commands[name].command, { threads, timeout: options.timeout });
    await attempt(label, run, async () => {
      const { firstStepMs, firstValue, ...about } = await run.process.ask(message);
      Object.assign(run, { firstStepMs, about, values: [firstValue] });
      // The second step of torch.compile and JAX may compile again; the pace is that of the third.
      const times = [];
      for (let n = 1; run.values.length < options.check && n >= 1; ) {
        const answer = await run.process.ask({ cmd: "steps", n });
        times.push(...answer.times);
        run.values.push(...answer.values);
        run.pace = quantile(times.slice(-10), 0.5);
        const left = Math.ceil((CHECK_SECONDS * 1000 - times.reduce((a, b) => a + b, 0)) / run.pace);
        n = Math.min(left, times.length < 3 ? 1 : options.check - run.values.length);
      }
      note(`${label}: ${name}: first step ${firstStepMs.toFixed(0)} ms, then about ${run.pace.toFixed(2)} ms`);
    });
  }

  for (let round = 0; round < options.rounds; round++) {
    const order = runs.map((_, i) => runs[(i + round) % runs.length]);
    for (const run of order) {
      const affordable = Math.floor((options.seconds * 1000) / run.pace);
      if (run.reason || round >= (run.pace > SLOWEST ? 1 : affordable < 1 ? SLOW_ROUNDS : options.rounds)) continue;
      const steps = Math.max(1, Math.min(options.steps, affordable));
      const wanted = Math.max(WARM_UP.steps, Math.ceil(WARM_UP.ms / run.pace));
      const warm = Math.min(wanted, Math.max(0, affordable - steps));
      await attempt(label, run, async () => {
        await sleep(REST);
        const { times } = await run.process.ask({ cmd: "steps", n: warm + steps });
        run.rounds.push(times.slice(warm));
      });
    }
    note(`${label}: round ${round + 1} of ${options.rounds}`);
  }

  for (const run of runs) {
    if (!run.reason) run.peakMiB = peakMemory(run.about.pids ?? [run.process.pid]);
    await run.process?.stop();
  }
  const date = new Date().toISOString().slice(0, 10);
  const entry = { workload, title: definition.title, threads, date, load, flops: flopsOf(definition) };
  return { ...entry, ...summarise(runs, definition.tolerance ?? TOLERANCE) };
}

/** A peer that fails is kept, with its reason. */
async function attempt(label, run, action) {
  try {
    await action();
  } catch (error) {
    if (stopping) await new Promise(() => {}); // a stopped peer did not fail: write nothing, the exit is near
    run.reason = firstLine(error);
    note(`${label}: ${run.peer} fails: ${run.reason}`);
    await run.process.stop();
  }
}

/** What was measured now in place of what was measured before on the same machine, in the order of the workloads. */
function merged(entries) {
  let before = [];
  try {
    const old = JSON.parse(readFileSync(join(here, `${options.results}.json`), "utf8"));
    if (JSON.stringify(old.environment) === JSON.stringify(environment)) before = old.entries;
  } catch {
    // none, or of an older form
  }
  const key = ({ workload, threads }) => `${threads} ${workload}`;
  const known = new Map([...before, ...entries].map((entry) => [key(entry), entry]));
  const threads = [...new Set([...known.values()].map((entry) => entry.threads))].sort((a, b) => a - b);
  const order = threads.flatMap((n) => Object.keys(definitions.workloads).map((name) => `${n} ${name}`));
  return order.flatMap((k) => known.get(k) ?? []);
}

function readOptions() {
  const cores = os.availableParallelism();
  const { values } = parse({
    workloads: { type: "string" },
    peers: { type: "string" },
    web: { type: "boolean", default: false },
    gpu: { type: "boolean", default: false },
    threads: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    rounds: { type: "string" },
    steps: { type: "string" },
    check: { type: "string" },
    seconds: { type: "string" },
    timeout: { type: "string", default: "300" },
    into: { type: "string" },
    "no-install": { type: "boolean", default: false },
  });
  const usual = values.quick
    ? { rounds: 3, steps: 3, check: 5, seconds: 1 }
    : { rounds: 5, steps: 10, check: 20, seconds: 2 };
  const list = (name, known) => {
    const names = values[name].split(",").filter(Boolean);
    for (const n of names) {
      if (!Object.hasOwn(known, n)) fail(`--${name}: no "${n}"; there are ${Object.keys(known).join(", ")}`);
    }
    return names;
  };
  const number = (name, least, text = values[name] ?? usual[name]) => {
    const value = Number(text);
    if (!(value >= least)) fail(`--${name}: expected a number of at least ${least}, got "${text}"`);
    return value;
  };
  const all = Object.keys(peers).filter((name) => Boolean(peers[name].gpu) === values.gpu);
  values.peers ??= all.filter((name) => peers[name].page || !values.web).join(",");
  values.workloads ??= (values.gpu ? gpuWorkloads : Object.keys(definitions.workloads)).join(",");
  values.threads ??= cores > 1 && !values.gpu ? `1,${cores}` : String(cores);
  const chosen = list("peers", peers);
  if (values.into !== undefined && !/^[\w-]+$/.test(values.into))
    fail(`--into: expected a name of letters, digits, _ and -, got "${values.into}"`);
  return {
    workloads: list("workloads", definitions.workloads),
    peers: chosen,
    threads: values.threads.split(",").map((text) => number("threads", 1, text)),
    rounds: number("rounds", 1),
    steps: number("steps", 1),
    check: number("check", 2),
    seconds: number("seconds", 0.1),
    timeout: number("timeout", 1),
    install: !values["no-install"],
    json: values.json,
    complete: !values.quick && chosen.length === all.length,
    results: values.into ?? (values.gpu ? "results-gpu" : "results"),
  };
}

function parse(known) {
  try {
    return parseArgs({ options: known });
  } catch (error) {
    return fail(`${firstLine(error)}. Options: ${Object.keys(known).join(", ")}`);
  }
}

/** The first line of an error, without this machine's paths. */
function firstLine(error) {
  const [line] = String(error?.message ?? error).split("\n");
  return line.replaceAll(dirname(here), ".").replaceAll(os.homedir(), "~");
}

function note(text) {
  const seconds = Math.floor((performance.now() - began) / 1000);
  const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  process.stderr.write(`[${clock}] ${text}\n`);
}

function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exit(2);
}
