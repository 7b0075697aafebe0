// What bounds a step: where Hebb's time goes, by operation of ONNX Runtime, and how fast its products run.
//
//   npm run build && node bench/profile.mjs [--workloads gpt,cnn] [--threads 2] [--steps 20] [--into profile]
//
// Prints a table, and writes it to bench/profile.md (or another name) where all workloads were asked for. Profiling itself
// costs a few microseconds for each node, so that small operations look larger than they are.

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import ort from "onnxruntime-node";
import { definitions, ensureData } from "./data.mjs";
import * as hebb from "./peers/hebb.mjs";
import { createLoop } from "./peers/loop.mjs";
import { loadFile } from "./peers/protocol.mjs";

const { values: options } = parseArgs({
  options: {
    workloads: { type: "string" },
    threads: { type: "string", default: String(os.availableParallelism()) },
    steps: { type: "string", default: "20" },
    into: { type: "string", default: "profile" },
  },
});
const threads = Number(options.threads);
const steps = Number(options.steps);
const names = options.workloads?.split(",") ?? Object.keys(definitions.workloads);

const folder = await mkdtemp(join(os.tmpdir(), "hebb-profile-"));
let sessions = [];
let profiling = false;
const create = ort.InferenceSession.create;
ort.InferenceSession.create = async (model, settings) => {
  const own = profiling && { enableProfiling: true, profileFilePrefix: join(folder, `${sessions.length}`) };
  const session = await create.call(ort.InferenceSession, model, { ...settings, ...own });
  if (profiling) sessions.push(session);
  const release = session.release.bind(session);
  session.release = async () => {
    sessions = sessions.filter((one) => one !== session);
    await release();
  };
  return session;
};

const peer = { ...hebb, describe: (how) => hebb.describe({ ...how, backend: "node" }) };
const setup = async (name) => {
  const loop = createLoop(peer, loadFile);
  const workload = { name, ...definitions.workloads[name] };
  await loop.setup({ workload, data: ensureData(name), threads });
  return loop;
};
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

/** Milliseconds of a step as users have it. */
async function plain(name) {
  const loop = await setup(name);
  await loop.steps({ n: 5 });
  return median((await loop.steps({ n: steps })).times);
}

/** Events of all nodes over the profiled steps, warm-up included: only shares are taken from them. */
async function events(name) {
  sessions = [];
  profiling = true;
  const loop = await setup(name);
  profiling = false;
  await loop.steps({ n: steps });
  const all = [];
  // Ending a profile writes its file, which has the time in its name.
  for (const session of sessions) session.endProfiling();
  for (const file of await readdir(folder)) {
    for (const event of JSON.parse(await readFile(join(folder, file), "utf8"))) all.push(event);
    await rm(join(folder, file));
  }
  return all.filter(({ cat, name: event }) => cat === "Node" && event.endsWith("_kernel_time"));
}

const product = (shape) => shape.reduce((a, b) => a * b, 1);
const shapesOf = (list) => (list ?? []).map((one) => Object.values(one)[0]);

/** Floating-point operations of a product or a convolution, from its shapes; undefined for every other operation. */
function flopsOf({ op_name, input_type_shape, output_type_shape }) {
  const [a, b] = shapesOf(input_type_shape);
  const [out] = shapesOf(output_type_shape);
  if (!a || !b || !out) return undefined;
  if (["MatMul", "FusedMatMul", "Gemm", "FusedGemm"].includes(op_name)) {
    const batch = b.length > 2 ? product(out.slice(0, -2)) : 1;
    return 2 * product(out) * Math.sqrt((product(a) * product(b)) / (product(out) * batch));
  }
  if (op_name === "Conv" || op_name === "FusedConv") return (2 * product(out) * product(b)) / b[0];
  if (op_name === "ConvTranspose") return (2 * product(a) * product(b)) / b[0];
  return undefined;
}

const kinds = {
  MatMul: "products",
  FusedMatMul: "products",
  Gemm: "products",
  FusedGemm: "products",
  Conv: "convolutions",
  FusedConv: "convolutions",
  ConvTranspose: "convolutions",
};

const lines = [];
let peak = 0;
const measured = [];
for (const name of names) {
  const ms = await plain(name);
  const byOperation = new Map();
  const work = { products: { flops: 0, us: 0 }, convolutions: { flops: 0, us: 0 } };
  let total = 0;
  for (const { dur, args } of await events(name)) {
    // What a loop or a branch contains has events of its own.
    if (["Scan", "Loop", "If"].includes(args.op_name)) continue;
    total += dur;
    byOperation.set(args.op_name, (byOperation.get(args.op_name) ?? 0) + dur);
    const kind = work[kinds[args.op_name]];
    const flops = kind && flopsOf(args);
    if (!flops) continue;
    kind.flops += flops;
    kind.us += dur;
    // Long products only: the fastest of the small ones is the clock's error.
    if (flops > 1e8) peak = Math.max(peak, flops / dur / 1000);
  }
  const shares = [...byOperation].sort((a, b) => b[1] - a[1]).map(([op, us]) => [op, us / total]);
  measured.push({ name, ms, shares, work, total });
  console.error(`${name}: ${ms.toFixed(2)} ms`);
}
await rm(folder, { recursive: true });

const percent = (x) => `${(100 * x).toFixed(0)} %`;
for (const { name, ms, shares, work, total } of measured) {
  const cell = ({ flops, us }) => (us === 0 ? "–" : `${percent(us / total)} at ${(flops / us / 1000).toFixed(0)}`);
  const rest = shares
    .filter(([op]) => !kinds[op])
    .slice(0, 4)
    .map(([op, share]) => `${op} ${percent(share)}`)
    .join(", ");
  lines.push(`| ${name} | ${ms.toFixed(2)} | ${cell(work.products)} | ${cell(work.convolutions)} | ${rest} |`);
}
const { version } = JSON.parse(await readFile(fileURLToPath(new URL("../package.json", import.meta.url)), "utf8"));
const text = [
  "# Where a step's time goes",
  "",
  `${os.cpus()[0].model.trim()}, ${threads} thread${threads === 1 ? "" : "s"}, Node ${process.versions.node}, Hebb ${version}, ${new Date().toISOString().slice(0, 10)}.`,
  `The fastest single product of any of these steps ran at ${peak.toFixed(0)} GFLOP/s.`,
  "",
  "| workload | step, ms | products: share at GFLOP/s | convolutions: share at GFLOP/s | largest of the rest |",
  "|---|---:|---:|---:|---|",
  ...lines,
  "",
  "Shares of the time inside ONNX Runtime's nodes, from its own profiler; the step is timed without it.",
  "",
].join("\n");
if (!options.workloads) await writeFile(fileURLToPath(new URL(`${options.into}.md`, import.meta.url)), text);
console.log(text);
process.exit(0);
