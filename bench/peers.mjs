// The peers: how each installs itself under bench/, and the command that starts it.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const windows = process.platform === "win32";

export const peers = {
  hebb: { title: "Hebb", install: async () => [process.execPath, "peers/hebb_peer.mjs", "node"] },
  "hebb-wasm": { title: "Hebb (WASM)", install: async () => [process.execPath, "peers/hebb_peer.mjs", "wasm"] },
  torch: { title: "PyTorch", install: async (how) => [await python(how), "peers/torch_peer.py"] },
  jaxjs: { title: "jax-js", install: (how) => web(how, "jaxjs") },
  tfjs: { title: "TensorFlow.js", install: (how) => web(how, "tfjs") },
};

/** A Python that has PyTorch: HEBB_BENCH_PYTHON, or a virtual environment of our own in bench/.venv. */
async function python({ allowed, note }) {
  if (process.env.HEBB_BENCH_PYTHON) return process.env.HEBB_BENCH_PYTHON;
  const folder = join(here, ".venv");
  const program = windows ? join(folder, "Scripts", "python.exe") : join(folder, "bin", "python");
  if (await succeeds(program, ["-c", "import torch, numpy"])) return program;
  if (!allowed) throw new Error("not installed");
  note("Installing PyTorch into bench/.venv (once; the default build is large)");
  await run(windows ? "python" : "python3", ["-m", "venv", folder]);
  await run(program, ["-m", "pip", "install", "--requirement", "peers/requirements.txt"]);
  return program;
}

/** jax-js and TensorFlow.js, from the lock file in bench/peers. */
async function web({ allowed, note }, name) {
  if (!existsSync(join(here, "peers", "node_modules", ".package-lock.json"))) {
    if (!allowed) throw new Error("not installed");
    note("Installing jax-js and TensorFlow.js into bench/peers/node_modules (once)");
    await run(windows ? "npm.cmd" : "npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], join(here, "peers"));
  }
  return [process.execPath, "peers/web_peer.mjs", name];
}

function run(program, args, cwd = here) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ["ignore", 2, 2], shell: windows });
    child.on("error", (error) => reject(new Error(`not installed: ${program}: ${error.message}`)));
    child.on("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`not installed: ${program} ${args[0]} ${args[1]} ended with ${code}`)),
    );
  });
}

function succeeds(program, args) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: "ignore" });
    child.on("error", () => resolve(false));
    child.on("close", (code) => resolve(code === 0));
  });
}
