// The side-by-side benchmark: whole training steps of Hebb and its peers on one machine, in interleaved rounds.
//
//   node bench/run.mjs [--workloads mlp,cnn] [--peers hebb,torch] [--threads 2] [--rounds 10] [--steps 10]
//
// Prints a markdown table and writes bench/results.md and bench/results.json. See bench/README.md.

import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import os from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { definitions, ensureData } from "./data.mjs";
import { peers } from "./peers.mjs";
import { renderMarkdown, summarise } from "./report.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const WARM_UP = 2; // untimed steps at the start of every turn
const REST = 150; // milliseconds for the machine to calm down before a turn
const TOLERANCE = 1e-3;

const options = readOptions();
const running = new Set();
let stopping = false;
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    stopping = true;
    for (const child of running) child.kill("SIGTERM");
    setTimeout(() => {
      for (const child of running) child.kill("SIGKILL");
      process.exit(130);
    }, 1500);
  });
}

const load = os.loadavg()[0];
if (load > 0.5) note(`The machine is busy (load ${load.toFixed(1)}): times will be noisy.`);

const commands = {};
for (const name of options.peers) {
  try {
    commands[name] = { command: await peers[name].install({ allowed: options.install, note }) };
  } catch (error) {
    commands[name] = { reason: firstLine(error) };
    note(`${name}: ${firstLine(error)}`);
  }
}

const results = [];
for (const workload of options.workloads) results.push(await measure(workload));

const report = {
  environment: {
    processor: os.cpus()[0]?.model.trim() ?? "unknown",
    cores: os.availableParallelism(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.arch()}`,
    node: process.versions.node,
    loadBefore: load,
    date: new Date().toISOString().slice(0, 10),
  },
  options: { ...options, warmUp: WARM_UP, tolerance: TOLERANCE },
  workloads: results,
};
const markdown = renderMarkdown(report);
writeFileSync(join(here, "results.json"), `${JSON.stringify(report, null, 1)}\n`);
writeFileSync(join(here, "results.md"), markdown);
process.stdout.write(`\n${markdown}`);

/** One workload: set every peer up, check their losses against each other, then time them in turns. */
async function measure(workload) {
  const data = ensureData(workload);
  const message = {
    cmd: "setup",
    workload: { name: workload, ...definitions.workloads[workload] },
    data,
    threads: options.threads,
  };
  const runs = [];
  for (const name of options.peers) {
    const run = { peer: name, title: peers[name].title, rounds: [] };
    runs.push(run);
    if (commands[name].reason) {
      run.reason = commands[name].reason;
      continue;
    }
    run.process = start(commands[name].command);
    await attempt(workload, run, async () => {
      const { ready, firstStepMs, firstLoss, ...about } = await run.process.ask(message);
      run.firstStepMs = firstStepMs;
      run.about = about;
      const { times, losses } = await run.process.ask({ cmd: "steps", n: options.check - 1 });
      run.losses = [firstLoss, ...losses];
      run.pace = median(times.slice(-10));
      note(`${workload} ${name}: first step ${firstStepMs.toFixed(0)} ms, then about ${run.pace.toFixed(1)} ms`);
    });
  }

  for (let round = 0; round < options.rounds; round++) {
    const order = runs.map((_, i) => runs[(i + round) % runs.length]);
    for (const run of order) {
      if (run.reason) continue;
      // A slow peer gets fewer steps a round, so that its turn stays near --seconds.
      const affordable = Math.floor((options.seconds * 1000) / run.pace);
      const steps = Math.max(1, Math.min(options.steps, affordable));
      const warm = affordable > steps + WARM_UP ? WARM_UP : 0;
      await attempt(workload, run, async () => {
        await sleep(REST);
        const { times } = await run.process.ask({ cmd: "steps", n: warm + steps });
        run.rounds.push(times.slice(warm));
      });
    }
    note(`${workload}: round ${round + 1} of ${options.rounds}`);
  }

  await Promise.all(runs.map((run) => run.process?.stop()));
  return summarise({ workload, title: definitions.workloads[workload].title, runs, tolerance: TOLERANCE });
}

/** A peer that fails is kept, with its reason. */
async function attempt(workload, run, action) {
  try {
    await action();
  } catch (error) {
    if (stopping) await new Promise(() => {}); // a stopped peer did not fail: write nothing, the exit is near
    run.reason = firstLine(error);
    note(`${workload} ${run.peer} fails: ${run.reason}`);
    await run.process.stop();
  }
}

/** A peer process; `ask` sends one JSON line and resolves to the answering line. */
function start([program, ...args]) {
  const threads = String(options.threads);
  const env = { ...process.env, OMP_NUM_THREADS: threads, MKL_NUM_THREADS: threads };
  const child = spawn(program, args, { cwd: here, env, stdio: ["pipe", "pipe", "pipe"] });
  running.add(child);
  let waiting;
  let complaints = "";
  const settle = (method, value) => {
    const current = waiting;
    waiting = undefined;
    clearTimeout(current?.timer);
    current?.[method](value);
  };
  const exited = new Promise((resolve) => {
    const end = (reason) => {
      running.delete(child);
      settle("reject", new Error(reason));
      resolve();
    };
    child.on("error", (error) => end(error.message));
    child.on("close", (code, signal) => {
      const last = complaints.trim().split("\n").at(-1);
      end(`process ended (${signal ?? `status ${code}`})${last ? `: ${last}` : ""}`);
    });
  });
  child.stdin.on("error", () => {});
  child.stderr.on("data", (chunk) => {
    complaints = (complaints + chunk).slice(-4000);
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    try {
      const answer = JSON.parse(line);
      if (answer.error) settle("reject", new Error(answer.error));
      else settle("resolve", answer);
    } catch {
      settle("reject", new Error(`not JSON: ${line.slice(0, 100)}`));
    }
  });
  return {
    ask: (message) =>
      new Promise((resolve, reject) => {
        if (!running.has(child)) return reject(new Error("process ended"));
        const late = () => settle("reject", new Error(`no answer within ${options.timeout} s`));
        waiting = { resolve, reject, timer: setTimeout(late, options.timeout * 1000) };
        child.stdin.write(`${JSON.stringify(message)}\n`);
      }),
    async stop() {
      child.stdin.end();
      const kill = setTimeout(() => child.kill("SIGKILL"), 3000);
      await exited;
      clearTimeout(kill);
    },
  };
}

function readOptions() {
  const { values } = parse({
    workloads: { type: "string", default: Object.keys(definitions.workloads).join(",") },
    peers: { type: "string", default: Object.keys(peers).join(",") },
    threads: { type: "string", default: "2" },
    rounds: { type: "string", default: "10" },
    steps: { type: "string", default: "10" },
    check: { type: "string", default: "20" },
    seconds: { type: "string", default: "5" },
    timeout: { type: "string", default: "900" },
    "no-install": { type: "boolean", default: false },
  });
  const list = (name, known) => {
    const names = values[name].split(",").filter(Boolean);
    for (const n of names) {
      if (!Object.hasOwn(known, n)) fail(`--${name}: no "${n}"; there are ${Object.keys(known).join(", ")}`);
    }
    return names;
  };
  const number = (name, least) => {
    const value = Number(values[name]);
    if (!(value >= least)) fail(`--${name}: expected a number of at least ${least}, got "${values[name]}"`);
    return value;
  };
  return {
    workloads: list("workloads", definitions.workloads),
    peers: list("peers", peers),
    threads: number("threads", 1),
    rounds: number("rounds", 1),
    steps: number("steps", 1),
    check: number("check", 2),
    seconds: number("seconds", 0.1),
    timeout: number("timeout", 1),
    install: !values["no-install"],
  };
}

function parse(known) {
  try {
    return parseArgs({ options: known });
  } catch (error) {
    return fail(`${firstLine(error)}. Options: ${Object.keys(known).join(", ")}`);
  }
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}

/** The first line of an error, without this machine's paths. */
function firstLine(error) {
  const [line] = String(error?.message ?? error).split("\n");
  return line.replaceAll(dirname(here), ".").replaceAll(os.homedir(), "~");
}

function note(text) {
  process.stderr.write(`${text}\n`);
}

function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exit(2);
}
