// A peer as a process that answers JSON lines, and what it used of memory.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { benchFolder } from "./folder.mjs";

const running = new Set();

/** Ends every peer that is still there; resolves when none is. */
export async function stopAll() {
  await Promise.all([...running].map((peer) => peer.kill()));
}

/** Starts a peer; `ask` sends one JSON line and resolves to the answering line, or rejects after `timeout` seconds. */
export function start([program, ...args], { threads, timeout }) {
  // torch.compile keeps what it compiled; each process must start from nothing.
  const cache = mkdtempSync(join(tmpdir(), "hebb-bench-"));
  const count = String(threads);
  const env = {
    ...process.env,
    OMP_NUM_THREADS: count,
    MKL_NUM_THREADS: count,
    TORCHINDUCTOR_CACHE_DIR: cache,
    PYTHONDONTWRITEBYTECODE: "1",
  };
  const child = spawn(program, args, { cwd: benchFolder, env, stdio: ["pipe", "pipe", "pipe"] });
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
      running.delete(peer);
      rmSync(cache, { recursive: true, force: true });
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
  const peer = {
    pid: child.pid,
    ask: (message) =>
      new Promise((resolve, reject) => {
        if (!running.has(peer)) return reject(new Error("process ended"));
        const late = () => settle("reject", new Error(`no answer within ${timeout} s`));
        waiting = { resolve, reject, timer: setTimeout(late, timeout * 1000) };
        child.stdin.write(`${JSON.stringify(message)}\n`);
      }),
    async stop() {
      child.stdin.end();
      const kill = setTimeout(() => void peer.kill(), 3000);
      await exited;
      clearTimeout(kill);
    },
    async kill() {
      child.kill("SIGTERM");
      const force = setTimeout(() => child.kill("SIGKILL"), 1500);
      await exited;
      clearTimeout(force);
    },
  };
  running.add(peer);
  return peer;
}

/** The most memory that processes have held at one time, MiB, summed; undefined where the system does not say. */
export function peakMemory(pids) {
  try {
    const peaks = pids.map((pid) => Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]));
    return peaks.reduce((a, b) => a + b, 0) / 1024;
  } catch {
    return undefined;
  }
}
