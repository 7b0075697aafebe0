// What transforms cost: Hessian-vector products, gradients of single examples, many steps in one call, memory.
//
//   npm run build && node bench/transforms.mjs [--threads 2] [--rounds 15] [--memory 100000] [--no-peer]
//
// Prints a table and writes bench/transforms.md. The peer is PyTorch eager with torch.func, from bench/.venv or
// HEBB_BENCH_PYTHON; `npm run bench` installs it.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import os from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    threads: { type: "string", default: String(Math.min(2, os.availableParallelism())) },
    rounds: { type: "string", default: "15" },
    memory: { type: "string", default: "100000" },
    "no-peer": { type: "boolean", default: false },
  },
});
const threads = Number(options.threads);
const rounds = Number(options.rounds);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const h = await import("../dist/src/engine/index.js").catch((error) => {
  if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
  console.error("Hebb is not built: npm run build");
  process.exit(1);
});
const nn = await import("../dist/src/nn/index.js");
h.setBackend("node", { threads });

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

/** Milliseconds of each function, taken in turns, so that a change of the machine's speed meets all of them. */
async function inTurns(functions) {
  for (const f of Object.values(functions)) for (let i = 0; i < 3; i++) await f();
  const times = Object.fromEntries(Object.keys(functions).map((name) => [name, []]));
  for (let r = 0; r < rounds; r++) {
    for (const [name, f] of Object.entries(functions)) {
      // Untimed: the one before it may have left the caches cold.
      await f();
      const start = performance.now();
      await f();
      times[name].push(performance.now() - start);
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, list]) => [name, median(list)]));
}

const draw = (seed, shape) => h.random.normal(h.random.key(seed), shape);
const labels = (n) => h.tensor(Int32Array.from({ length: n }, (_, i) => (i * 7) % 10));

function workload(model, shape) {
  const params = model.init(h.random.key(0));
  const loss = (p, x, y) => h.mean(h.crossEntropy(model.apply(p, x), y));
  const one = (p, x, y) => h.sum(h.crossEntropy(model.apply(p, h.expandDims(x, 0)), h.expandDims(y, 0)));
  const squares = (g) => h.treeLeaves(g).map((t) => h.sum(h.square(t)));
  const x = draw(1, shape);
  const y = labels(shape[0]);
  const v = h.treeMap((p) => h.mul(p, 0.5), params);
  const gradient = h.jit((p, a, b) => h.grad(loss)(p, a, b));
  const product = h.jit((p, a, b, d) => h.hvp((q) => loss(q, a, b), p, d));
  const each = h.jit((p, a, b) => h.vmap(h.grad(one), { inAxes: [null, 0, 0] })(p, a, b));
  const norms = h.jit((p, a, b) =>
    h.vmap((q, c, d) => squares(h.grad(one)(q, c, d)).reduce((s, t) => h.add(s, t)), { inAxes: [null, 0, 0] })(p, a, b),
  );
  return {
    ready: h.realise([x, y, ...h.treeLeaves(params), ...h.treeLeaves(v)]),
    gradient: () => gradient(params, x, y),
    hvp: () => product(params, x, y, v),
    each: () => each(params, x, y),
    norms: () => norms(params, x, y),
  };
}

const models = {
  "MLP 784-300-100-10, batch 128": [nn.mlp({ sizes: [784, 300, 100, 10] }), [128, 784]],
  "CNN 32/64 5x5 + fc, 28x28, batch 64": [
    nn.cnn({ channels: [32, 64], kernel: 5, classes: 10, inputShape: [1, 28, 28] }),
    [64, 1, 28, 28],
  ],
};

async function manySteps(n = 1000) {
  const model = nn.mlp({ sizes: [2, 64, 64, 1], activation: "tanh" });
  const loss = (p, x, y) => h.mean(h.square(h.sub(model.apply(p, x), y)));
  const step = (p, x, y) => {
    const [l, g] = h.valueAndGrad(loss)(p, x, y);
    return [h.treeMap((w, d) => h.sub(w, h.mul(d, 0.01)), p, g), l];
  };
  const train = h.jit((p, xs, ys) => h.scan((q, b) => step(q, b.x, b.y), p, { x: xs, y: ys }));
  const params = model.init(h.random.key(0));
  const [xs, ys] = [draw(1, [n, 32, 2]), draw(2, [n, 32, 1])];
  await h.realise([xs, ys, ...h.treeLeaves(params)]);
  const { all } = await inTurns({ all: async () => (await train(params, xs, ys))[1].data() });
  return (all / n) * 1000;
}

// First: the waiting threads of other sessions would slow so small operations.
const stepMicroseconds = await manySteps();

const rows = [];
for (const [name, [model, shape]] of Object.entries(models)) {
  const { ready, each, ...functions } = workload(model, shape);
  await ready;
  // Apart: results of a hundred megabytes leave garbage behind that would slow the others.
  rows.push({ name, ...(await inTurns(functions)), ...(await inTurns({ each })) });
}

async function memoryGrowth(steps) {
  const model = nn.mlp({ sizes: [2, 16, 1] });
  const loss = (p, x, y) => h.mean(h.square(h.sub(model.apply(p, x), y)));
  const step = h.jit((p, x, y) => h.treeMap((w, d) => h.sub(w, h.mul(d, 0.01)), p, h.grad(loss)(p, x, y)), {
    donate: [0],
  });
  let p = h.treeMap((t) => h.mul(t, 1), model.init(h.random.key(0)));
  const [x, y] = [draw(1, [8, 2]), draw(2, [8, 1])];
  const run = async (count) => {
    for (let i = 0; i < count; i++) p = await step(p, x, y);
    globalThis.gc?.();
    return process.memoryUsage().rss / 2 ** 20;
  };
  const before = await run(5000);
  return (await run(steps)) - before;
}

const growth = await memoryGrowth(Number(options.memory));
const peer = options["no-peer"] ? undefined : await torch();

/** PyTorch's times for the same, as { name: { gradient, hvp, each } }. */
async function torch() {
  const python = process.env.HEBB_BENCH_PYTHON ?? here(".venv/bin/python");
  if (!existsSync(python)) return undefined;
  const child = spawn(python, [here("peers/torch_transforms.py"), String(threads), String(rounds)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = [];
  for await (const line of createInterface({ input: child.stdout })) lines.push(line);
  return lines.length > 0 ? JSON.parse(lines.at(-1)) : undefined;
}

const ms = (x) => (x === undefined ? "–" : x < 10 ? x.toFixed(2) : x.toFixed(1));
const times = (x, base) => (x === undefined ? "–" : `${(x / base).toFixed(2)}x`);
const { version } = JSON.parse(await readFile(here("../package.json"), "utf8"));
const lines = [
  "# What transforms cost",
  "",
  `${os.cpus()[0].model.trim()}, ${threads} threads, Node ${process.versions.node}, Hebb ${version}, ${new Date().toISOString().slice(0, 10)}; medians of ${rounds} rounds in turns, float32.`,
  ...(os.loadavg()[0] > threads + 1
    ? ["", `**The machine was busy (load ${os.loadavg()[0].toFixed(1)}): indicative only.**`]
    : []),
  "",
  "| workload | library | gradient, ms | Hessian-vector product | gradients of single examples | their norms |",
  "|---|---|---:|---:|---:|---:|",
];
for (const row of rows) {
  lines.push(
    `| ${row.name} | Hebb | ${ms(row.gradient)} | ${times(row.hvp, row.gradient)} | ${times(row.each, row.gradient)} | ${times(row.norms, row.gradient)} |`,
  );
  const other = peer?.[row.name];
  if (other) {
    lines.push(
      `| ${row.name} | PyTorch ${peer.version} (torch.func) | ${ms(other.gradient)} | ${times(other.hvp, other.gradient)} | ${times(other.each, other.gradient)} | ${times(other.norms, other.gradient)} |`,
    );
  }
}
lines.push(
  "",
  "Times are relative to the library's own gradient of the mean loss. Gradients of single examples are all written out (for the",
  `MLP ${Math.round((128 * 266610 * 4) / 2 ** 20)} MiB); their norms are what most methods need, and for dense layers come without the gradients.`,
  "",
  `- 1,000 SGD steps of a 2-64-64-1 MLP, batch 32, in one call: ${stepMicroseconds.toFixed(1)} us a step${peer ? ` (PyTorch eager, step by step: ${peer.steps.toFixed(0)} us)` : ""}.`,
  `- ${Number(options.memory).toLocaleString("en")} jitted steps changed resident memory by ${growth.toFixed(1)} MiB.`,
  "",
);
const text = lines.join("\n");
await writeFile(here("transforms.md"), text);
console.log(text);
