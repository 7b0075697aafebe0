// The peers: how each installs itself under bench/, and the command that starts it.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const windows = process.platform === "win32";

/** `page`: it runs in a browser page, on WASM; `gpu`: on a graphics processor. */
export const peers = {
  hebb: { title: "Hebb", install: async () => [process.execPath, "peers/node_peer.mjs", "hebb"] },
  torch: { title: "PyTorch", install: async (how) => [await python(how, "torch"), "peers/torch_peer.py"] },
  "torch-compile": {
    title: "torch.compile",
    install: async (how) => [await python(how, "torch"), "peers/torch_peer.py", "compile"],
  },
  jax: { title: "JAX jit", install: async (how) => [await python(how, "jax"), "peers/jax_peer.py"] },
  "hebb-web": { title: "Hebb (WASM)", page: true, install: async () => page("hebb") },
  jaxjs: { title: "jax-js", page: true, install: (how) => modules(how).then(() => page("jaxjs")) },
  "hebb-gpu": {
    title: "Hebb (WebGPU)",
    gpu: true,
    install: async () => [process.execPath, "peers/node_peer.mjs", "hebb", "webgpu"],
  },
  "torch-gpu": {
    title: "PyTorch (CUDA)",
    gpu: true,
    install: async (how) => [await python(how, "torch"), "peers/torch_peer.py", "cuda"],
  },
  "torch-compile-gpu": {
    title: "torch.compile (CUDA)",
    gpu: true,
    install: async (how) => [await python(how, "torch"), "peers/torch_peer.py", "compile", "cuda"],
  },
  tfjs: { title: "TensorFlow.js", page: true, install: (how) => modules(how).then(() => page("tfjs")) },
};

const page = (name) => [process.execPath, "peers/web_peer.mjs", name];

/** A Python that has a module: HEBB_BENCH_PYTHON, or a virtual environment of our own in bench/.venv. */
async function python({ allowed, note }, module) {
  if (process.env.HEBB_BENCH_PYTHON) return process.env.HEBB_BENCH_PYTHON;
  const folder = join(here, ".venv");
  const program = windows ? join(folder, "Scripts", "python.exe") : join(folder, "bin", "python");
  if (await succeeds(program, ["-c", `import numpy, ${module}`])) return program;
  if (!allowed) throw new Error("not installed");
  note("Installing PyTorch and JAX into bench/.venv (once; PyTorch's default build is large)");
  if (!existsSync(program)) await run(windows ? "python" : "python3", ["-m", "venv", folder]);
  await run(program, ["-m", "pip", "install", "--quiet", "--requirement", "peers/requirements.txt"]);
  return program;
}

/** jax-js and TensorFlow.js, from the lock file in bench/peers. */
async function modules({ allowed, note }) {
  if (existsSync(join(here, "peers", "node_modules", ".package-lock.json"))) return;
  if (!allowed) throw new Error("not installed");
  note("Installing jax-js and TensorFlow.js into bench/peers/node_modules (once)");
  await run(windows ? "npm.cmd" : "npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], join(here, "peers"));
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
