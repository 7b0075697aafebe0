// Dense linear algebra in float64: times and residuals of Hebb, and times of NumPy where a Python with it is found.
//
//   npm run build && node bench/linalg.mjs [--full] [--threads 2] [--backend node|wasm] [--sizes 500,1000]
//
// Each operation runs once to compile ("first"), then three times: the median and the smallest time are shown. A
// residual is the largest error of an element, relative to the norm of the matrix; orthogonality is that of Q'Q - I.
// NumPy has no triangular solver, so its Cholesky solve goes through the general one.
// HEBB_BENCH_PYTHON names a Python with NumPy in place of bench/.venv; HEBB_BENCH_DIST another build of Hebb.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import os from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
  options: {
    full: { type: "boolean", default: false },
    threads: { type: "string", default: "2" },
    backend: { type: "string", default: "node" },
    sizes: { type: "string" },
  },
});
const dist = process.env.HEBB_BENCH_DIST ?? join(here, "..", "dist", "src");
const { linalg, jit, setBackend, hostRandom, matmul, mul, sub, add, abs, max, sum, swapAxes, eye, tensor, realise } =
  await import(pathToFileURL(resolve(dist, "engine", "index.js")).href);

const load = os.loadavg()[0];
if (load > 0.5) console.error(`The machine is busy (load ${load.toFixed(1)}): times will be noisy.`);
const threads = Number(options.threads);
setBackend(options.backend, { threads });

const REPEATS = 3;
const sizes = options.sizes?.split(",").map(Number);
const large = options.full ? [3000] : [];
const plan = [
  ["cholesky + solve", sizes ?? [500, 1000, 2000, 3000]],
  ["eigh", sizes ?? [500, 1000, 2000, ...large]],
  ["svd", sizes ?? [500, 1000, 2000, ...large]],
];

function random(n, seed) {
  const source = hostRandom(seed);
  return tensor(
    Float64Array.from({ length: n * n }, () => source.uniform() - 0.5),
    { shape: [n, n] },
  );
}

const largest = (x) => max(abs(x));
const orthogonality = (q) => largest(sub(matmul(q, q, { transposeA: true }), eye(q.shape[1], { dtype: "float64" })));

/** What is prepared, what is timed, and what its errors are, for each operation. */
const operations = {
  "cholesky + solve": {
    input: (n) => {
      const x = random(n, 1);
      return add(matmul(x, x, { transposeB: true }), eye(n, { dtype: "float64" }));
    },
    run: (a) => linalg.choleskySolve(linalg.cholesky(a), sum(a, 1)),
    // The solution of a x = a 1 is 1.
    errors: (a, x) => [largest(sub(matmul(a, x), sum(a, 1))).div(largest(a).mul(a.shape[0]))],
  },
  eigh: {
    input: (n) => {
      const x = random(n, 2);
      return mul(add(x, swapAxes(x, 0, 1)), 0.5);
    },
    run: (a) => linalg.eigh(a),
    errors: (a, { values, vectors: v }) => [
      largest(sub(matmul(a, v), mul(v, values))).div(largest(values)),
      orthogonality(v),
    ],
  },
  svd: {
    input: (n) => random(n, 3),
    run: (a) => linalg.svd(a),
    errors: (a, { u, s, vt }) => [
      largest(sub(matmul(mul(u, s), vt), a)).div(largest(s)),
      orthogonality(u),
      orthogonality(swapAxes(vt, 0, 1)),
    ],
  },
};
async function measure(name, n) {
  const { input, run, errors } = operations[name];
  const a = input(n);
  await realise([a]);
  const compiled = jit(run);
  const times = [];
  let result;
  for (let i = 0; i <= REPEATS; i++) {
    const start = performance.now();
    result = await compiled(a);
    times.push((performance.now() - start) / 1000);
  }
  const found = await realise(await jit(errors)(a, result));
  return { first: times[0], times: times.slice(1), errors: found.map((e) => e.data[0]) };
}

const script = `
import json, sys, time
import numpy as np
name, n, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
x = np.random.default_rng(0).uniform(-0.5, 0.5, (n, n))
if name == "eigh":
    a = (x + x.T) / 2
    run = lambda: np.linalg.eigh(a)
elif name == "svd":
    run = lambda: np.linalg.svd(x)
else:
    a = x @ x.T + np.eye(n)
    b = a @ np.ones(n)
    def run():
        l = np.linalg.cholesky(a)
        return np.linalg.solve(l.T, np.linalg.solve(l, b))
times = []
for _ in range(repeats + 1):
    start = time.perf_counter()
    run()
    times.append(time.perf_counter() - start)
print(json.dumps(times[1:]))
`;

function measureNumpy(name, n) {
  const python = process.env.HEBB_BENCH_PYTHON ?? join(here, ".venv", "bin", "python");
  if (!process.env.HEBB_BENCH_PYTHON && !existsSync(python)) return undefined;
  const env = { ...process.env };
  for (const key of ["OPENBLAS", "OMP", "MKL"]) env[`${key}_NUM_THREADS`] = String(threads);
  try {
    const stdio = ["ignore", "pipe", "ignore"];
    return JSON.parse(execFileSync(python, ["-c", script, name, String(n), String(REPEATS)], { env, stdio }));
  } catch {
    return undefined;
  }
}

const median = (list) => list.toSorted((x, y) => x - y)[list.length >> 1];
const seconds = (x) => (x < 0.01 ? x.toFixed(4) : x < 1 ? x.toFixed(3) : x.toFixed(2));
const spread = (list) => (list ? `${seconds(median(list))} (${seconds(Math.min(...list))})` : "–");

const lines = [
  "# Dense linear algebra",
  "",
  `${os.cpus()[0].model.trim()}, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}. Hebb on ${options.backend}, ${threads} threads, float64; seconds: median of ${REPEATS} (smallest).`,
  ...(load > threads + 1 ? ["", `**The machine was busy (load ${load.toFixed(1)}): indicative only.**`] : []),
  "",
  "| operation | n | first | Hebb | NumPy | errors |",
  "|---|---|---|---|---|---|",
];
console.log(lines.join("\n"));
for (const [name, list] of plan) {
  for (const n of list) {
    const { first, times, errors } = await measure(name, n);
    const numpy = measureNumpy(name, n);
    const shown = errors.map((e) => e.toExponential(1)).join(", ");
    lines.push(`| ${name} | ${n} | ${seconds(first)} | ${spread(times)} | ${spread(numpy)} | ${shown} |`);
    console.log(lines.at(-1));
  }
}
await writeFile(join(here, "linalg.md"), `${lines.join("\n")}\n`);
