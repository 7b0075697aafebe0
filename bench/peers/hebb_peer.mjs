// Hebb: the whole step (loss, gradient, update) inside one jit, parameters and optimiser state donated.
//
//   node hebb_peer.mjs node|wasm        native kernels, or ONNX Runtime Web in this Node process
//
// HEBB_BENCH_DIST names another build to measure (a folder like dist/src, relative to bench/).

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createLoop } from "./loop.mjs";
import { benchFolder, loadFile, serve } from "./protocol.mjs";

const backend = process.argv[2] ?? "node";
const dist = join(benchFolder, process.env.HEBB_BENCH_DIST ?? "../dist/src");
let h;
let optim;

serve(createLoop({ describe, prepare }, loadFile));

async function describe({ threads }) {
  try {
    h = await import(pathToFileURL(join(dist, "engine/index.js")));
    optim = await import(pathToFileURL(join(dist, "optim/index.js")));
  } catch (error) {
    if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new Error(`Hebb is not built (npm run build): ${error.message.split("\n")[0].replaceAll(/'[^']*\//g, "'")}`);
  }
  h.setBackend(backend, { threads });
  const { version } = JSON.parse(await readFile(join(benchFolder, "../package.json"), "utf8"));
  const name = backend === "node" ? "onnxruntime-node" : "onnxruntime-web";
  const runtime = createRequire(import.meta.url)(name).env.versions;
  const place = backend === "node" ? "native CPU" : `WASM, Node ${process.versions.node}`;
  const ort = runtime[backend === "node" ? "node" : "web"] ?? runtime.common;
  return {
    name: backend === "node" ? "Hebb" : "Hebb (WASM)",
    version,
    runtime: `${name} ${ort}, ${place}, ${threads} thread${threads === 1 ? "" : "s"}`,
  };
}

async function prepare({ workload, params, batches }) {
  const { model } = workload;
  const toTensor = ({ shape, data }) => h.tensor(data, { shape });
  const logits = { mlp, cnn, gpt }[model.kind];
  const optimizer = makeOptimizer(workload.optimizer);

  const step = h.jit(
    (weights, state, x, y) => {
      const lossOf = (p) => h.mean(h.crossEntropy(logits(model, p, x), y));
      const [loss, grads] = h.valueAndGrad(lossOf)(weights);
      const [updates, next] = optimizer.update(grads, state, weights);
      return { loss, weights: optim.applyUpdates(weights, updates), state: next };
    },
    { donate: [0, 1], name: "step" },
  );

  const arrays = batches.map(({ x, y }) => ({ x: toTensor(x), y: toTensor(y) }));
  let weights = Object.fromEntries(Object.entries(params).map(([key, value]) => [key, toTensor(value)]));
  let state = optimizer.init(weights);
  return async (i) => {
    const { x, y } = arrays[i % arrays.length];
    const result = await step(weights, state, x, y);
    ({ weights, state } = result);
    return result.loss.item();
  };
}

function makeOptimizer({ name, lr, b1, b2, eps, weightDecay }) {
  if (name === "sgd") return optim.sgd({ learningRate: lr });
  const options = { learningRate: lr, beta1: b1, beta2: b2, epsilon: eps };
  return name === "adam" ? optim.adam(options) : optim.adamW({ ...options, weightDecay });
}

const linear = (p, name, x) => h.add(h.matmul(x, p[`${name}.w`]), p[`${name}.b`]);

function mlp({ sizes }, p, x) {
  const last = sizes.length - 2;
  for (let i = 0; i <= last; i++) {
    x = linear(p, `layers.${i}`, x);
    if (i < last) x = h.relu(x);
  }
  return x;
}

function cnn({ channels }, p, x) {
  channels.forEach((count, i) => {
    const convolved = h.conv(x, p[`convs.${i}.w`], { padding: "same" });
    x = h.maxPool(h.relu(h.add(convolved, h.reshape(p[`convs.${i}.b`], [count, 1, 1]))), 2);
  });
  return linear(p, "head", h.reshape(x, [x.shape[0], -1]));
}

function gpt({ layers, width, heads }, p, tokens) {
  const [batch, time] = tokens.shape;
  const split = (t) => h.transpose(h.reshape(t, [batch, time, heads, width / heads]), [0, 2, 1, 3]);
  const position = h.arange(time, "int32");
  const causal = h.greaterEqual(h.expandDims(position, 1), position);
  const norm = (name, t) => h.layerNorm(t, p[`${name}.g`], p[`${name}.b`]);
  let x = h.add(h.gather(p.tokens, tokens), p.positions);
  for (let i = 0; i < layers; i++) {
    const name = `blocks.${i}`;
    const qkv = linear(p, `${name}.qkv`, norm(`${name}.norm1`, x));
    const [q, k, v] = [0, 1, 2].map((part) => split(h.sliceAxis(qkv, -1, part * width, (part + 1) * width)));
    const scores = h.mul(h.matmul(q, k, { transposeB: true }), 1 / Math.sqrt(width / heads));
    const mixed = h.matmul(h.softmax(h.where(causal, scores, -1e9)), v);
    x = h.add(x, linear(p, `${name}.out`, h.reshape(h.transpose(mixed, [0, 2, 1, 3]), [batch, time, width])));
    const hidden = h.gelu(linear(p, `${name}.up`, norm(`${name}.norm2`, x)), { approximate: true });
    x = h.add(x, linear(p, `${name}.down`, hidden));
  }
  return linear(p, "head", norm("norm", x));
}
